//! Crates we do not want, and crates we want once: a second TLS provider, HTTP stack or runtime doubles what can
//! go wrong and what must be compiled.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{Metadata, Node, Package, PackageId};

use super::Violation;
use super::arrows::Manifest;

/// Nowhere in the tree: name, reason.
const BANNED: [(&str, &str); 10] = [
    ("ring", "a second TLS provider; use features that choose aws-lc-rs"),
    ("openssl", "a second TLS stack; use rustls"),
    ("openssl-sys", "a second TLS stack; use rustls"),
    ("native-tls", "a second TLS stack; use rustls"),
    ("tokio-tar", "abandoned with a hole in its parser; use astral-tokio-tar"),
    ("async-tar", "shares tokio-tar's parser; use astral-tokio-tar"),
    ("serde_yaml", "no longer maintained; use serde-saphyr"),
    ("serde_yml", "unsound; use serde-saphyr"),
    ("async-std", "a second runtime; use tokio"),
    ("failure", "no longer maintained; use thiserror"),
];

/// Not in our own manifests; others may bring them.
const NOT_OURS: [(&str, &str); 3] = [
    ("chrono", "time is jiff's here"),
    ("lazy_static", "use std::sync::LazyLock"),
    ("once_cell", "use std::sync::OnceLock"),
];

/// Exactly one version each.
const ONCE: [&str; 9] = ["rustls", "hyper", "axum", "reqwest", "kube", "k8s-openapi", "tokio", "jiff", "schemars"];

pub fn check(metadata: &Metadata, lockfile: &str, manifests: &BTreeMap<String, Manifest>) -> Vec<Violation> {
    let tree = Tree::of(metadata);
    let mut violations = Vec::new();
    for package in tree.packages() {
        if let Some((name, reason)) = BANNED.iter().find(|(name, _)| *name == package.name.as_str()) {
            let what = format!("{name} {} is banned: {reason}; brought by {}", package.version, tree.parents(package));
            let remedy = format!("`cargo tree --workspace -i {name}` shows the way; switch that feature or crate off");
            violations.push(Violation::new("Cargo.lock", line_in(lockfile, package), what, remedy));
        }
    }
    for name in ONCE {
        let versions: Vec<&Package> = tree.packages().filter(|package| package.name == name).collect();
        for package in versions.iter().filter(|_| versions.len() > 1) {
            let what = format!(
                "{name} {} is one of {} versions; brought by {}",
                package.version,
                versions.len(),
                tree.parents(package)
            );
            let remedy = "bring all that use it to one version, or replace the one that lags behind";
            violations.push(Violation::new("Cargo.lock", line_in(lockfile, package), what, remedy));
        }
    }
    violations.extend(own(metadata, manifests));
    violations
}

fn own(metadata: &Metadata, manifests: &BTreeMap<String, Manifest>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in metadata.workspace_packages() {
        let Some(manifest) = manifests.get(package.name.as_str()) else {
            continue;
        };
        for dependency in &package.dependencies {
            if let Some((name, reason)) = NOT_OURS.iter().find(|(name, _)| *name == dependency.name) {
                let what = format!("{} depends on {name} itself", package.name);
                violations.push(Violation::new(&manifest.path, manifest.line_of(name), what, *reason));
            }
        }
    }
    violations
}

/// Where the lock file names a package.
pub fn line_in(lockfile: &str, package: &Package) -> usize {
    let name = format!("name = \"{}\"", package.name);
    let version = format!("version = \"{}\"", package.version);
    let lines: Vec<&str> = lockfile.lines().collect();
    lines.windows(2).position(|pair| pair[0] == name && pair[1] == version).map_or(1, |place| place + 1)
}

/// What is really compiled. The lock file and `cargo metadata` also hold optional crates that a weak feature
/// (`ring?/alloc`) merely mentions: those are left out.
pub struct Tree<'a> {
    packages: BTreeMap<&'a PackageId, &'a Package>,
    parents: BTreeMap<&'a PackageId, BTreeSet<&'a PackageId>>,
}

impl<'a> Tree<'a> {
    pub fn of(metadata: &'a Metadata) -> Self {
        let known: BTreeMap<&PackageId, &Package> = metadata.packages.iter().map(|one| (&one.id, one)).collect();
        let nodes: BTreeMap<&PackageId, &Node> =
            metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (&node.id, node)).collect();
        let mut tree = Self { packages: BTreeMap::new(), parents: BTreeMap::new() };
        let mut open: Vec<&PackageId> = metadata.workspace_members.iter().collect();
        while let Some(id) = open.pop() {
            let (Some(package), Some(node)) = (known.get(id), nodes.get(id)) else {
                continue;
            };
            if tree.packages.insert(id, package).is_some() {
                continue;
            }
            for dependency in &node.deps {
                let Some(name) = known.get(&dependency.pkg).map(|one| one.name.as_str()) else {
                    continue;
                };
                if active(package, node, name) {
                    tree.parents.entry(&dependency.pkg).or_default().insert(id);
                    open.push(&dependency.pkg);
                }
            }
        }
        tree
    }

    pub fn packages(&self) -> impl Iterator<Item = &'a Package> + '_ {
        self.packages.values().copied()
    }

    fn parents(&self, package: &Package) -> String {
        let parents = self.parents.get(&package.id).into_iter().flatten();
        let names: Vec<String> = parents
            .filter_map(|id| self.packages.get(id))
            .map(|parent| format!("{} {}", parent.name, parent.version))
            .collect();
        names.join(", ")
    }
}

/// Whether a dependency is more than an optional one that nothing switched on.
fn active(package: &Package, node: &Node, name: &str) -> bool {
    package.dependencies.iter().filter(|dependency| dependency.name == name).any(|dependency| {
        let known_as = dependency.rename.as_deref().unwrap_or(name);
        let (explicit, strong) = (format!("dep:{known_as}"), format!("{known_as}/"));
        !dependency.optional
            || node
                .features
                .iter()
                .filter_map(|feature| package.features.get(feature.as_str()))
                .flatten()
                .any(|enabled| *enabled == explicit || *enabled == known_as || enabled.starts_with(&strong))
    })
}

#[cfg(test)]
pub mod tests {
    use serde_json::{Value, json};

    use super::super::arrows::tests::manifests;
    use super::*;

    /// `app` depends on `stack` (with `features`), which depends optionally on ring, and on two versions of tokio.
    pub fn planted(features: &[&str]) -> Metadata {
        let id = |name: &str, version: &str| format!("registry#{name}@{version}");
        let dependency = |name: &str, optional: bool| {
            json!({"name": name, "source": null, "req": "*", "kind": null, "rename": null, "optional": optional,
                   "uses_default_features": true, "features": [], "target": null, "registry": null, "path": null})
        };
        let package = |name: &str, version: &str, dependencies: Vec<Value>, features: Value| {
            json!({"name": name, "version": version, "id": id(name, version), "source": null, "license": "MIT",
                   "description": null, "authors": [], "edition": "2024", "features": features, "targets": [],
                   "manifest_path": format!("/r/{name}/Cargo.toml"), "dependencies": dependencies})
        };
        let edge = |name: &str, version: &str| json!({"name": name, "pkg": id(name, version), "dep_kinds": [{"kind": null, "target": null}]});
        let node = |name: &str, version: &str, deps: Vec<Value>, features: &[&str]| {
            let pkgs: Vec<&Value> = deps.iter().map(|dep| &dep["pkg"]).collect();
            json!({"id": id(name, version), "dependencies": pkgs, "deps": deps, "features": features})
        };
        let stack_features = json!({"alloc": ["ring?/alloc"], "ring": ["dep:ring"]});
        serde_json::from_value(json!({
            "packages": [
                package("app", "0.1.0", vec![dependency("stack", false), dependency("chrono", false)], json!({})),
                package("stack", "1.0.0", vec![dependency("ring", true), dependency("tokio", false)], stack_features),
                package("ring", "0.17.14", vec![], json!({})),
                package("chrono", "0.4.45", vec![], json!({})),
                package("tokio", "1.54.1", vec![], json!({})),
                package("tokio", "0.2.0", vec![], json!({})),
            ],
            "workspace_members": [id("app", "0.1.0")], "workspace_default_members": [id("app", "0.1.0")],
            "resolve": {"root": null, "nodes": [
                node("app", "0.1.0", vec![edge("stack", "1.0.0"), edge("chrono", "0.4.45")], &[]),
                node("stack", "1.0.0", vec![edge("ring", "0.17.14"), edge("tokio", "1.54.1"), edge("tokio", "0.2.0")], features),
                node("ring", "0.17.14", vec![], &[]),
                node("chrono", "0.4.45", vec![], &[]),
                node("tokio", "1.54.1", vec![], &[]),
                node("tokio", "0.2.0", vec![], &[]),
            ]},
            "workspace_root": "/r", "target_directory": "/t", "version": 1, "metadata": null
        }))
        .unwrap()
    }

    const LOCK: &str = "[[package]]\nname = \"ring\"\nversion = \"0.17.14\"\n";

    #[test]
    fn a_banned_crate_is_found_with_who_brings_it() {
        let found = check(&planted(&["alloc", "ring"]), LOCK, &manifests(&[("app", "")]));
        let ring = found.iter().find(|one| one.what.starts_with("ring")).unwrap();
        assert_eq!((ring.file.as_str(), ring.line), ("Cargo.lock", 2));
        assert!(ring.what.ends_with("brought by stack 1.0.0"), "{}", ring.what);
    }

    #[test]
    fn a_crate_that_is_only_mentioned_is_not_in_the_tree() {
        let found = check(&planted(&["alloc"]), LOCK, &manifests(&[("app", "")]));
        assert!(found.iter().all(|one| !one.what.starts_with("ring")), "{found:?}");
    }

    #[test]
    fn two_versions_are_both_named() {
        let found = check(&planted(&[]), LOCK, &manifests(&[("app", "")]));
        let tokio: Vec<_> = found.iter().filter(|one| one.what.starts_with("tokio")).collect();
        assert_eq!(tokio.len(), 2);
        assert!(tokio[0].what.contains("one of 2 versions"));
    }

    #[test]
    fn our_own_manifests_have_a_list_of_their_own() {
        let found =
            check(&planted(&[]), LOCK, &manifests(&[("app", "[dependencies]\nstack = \"1\"\nchrono = \"0.4\"\n")]));
        let chrono = found.iter().find(|one| one.what.contains("chrono")).unwrap();
        assert_eq!((chrono.file.as_str(), chrono.line), ("app/Cargo.toml", 3));
    }
}
