//! Which of our packages may depend on which: one way, as the architecture draws it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use cargo_metadata::Metadata;

use super::Violation;

/// From -> to. `None`: may use all of ours.
const ARROWS: [(&str, Option<&[&str]>); 11] = [
    ("names", Some(&[])),
    ("domain", Some(&["names"])),
    ("crd", Some(&["names"])),
    ("bundle", Some(&["names"])),
    ("billing", Some(&["names", "domain"])),
    ("billing-stripe", Some(&["billing", "names", "domain"])),
    ("operator", Some(&["names", "crd", "bundle"])),
    ("control-plane", Some(&["names", "domain", "crd", "bundle", "billing", "billing-stripe"])),
    ("lab", None),
    ("e2e", None),
    ("xtask", Some(&[])),
];

/// The text of a package's Cargo.toml.
#[derive(Debug)]
pub struct Manifest {
    /// Relative to the repository.
    pub path: String,
    text: String,
}

impl Manifest {
    /// The line that names a dependency, or the first.
    pub fn line_of(&self, dependency: &str) -> usize {
        let names = |line: &str| {
            line.strip_prefix(dependency).is_some_and(|rest| rest.starts_with(['.', ' ', '=']) || rest.starts_with(']'))
        };
        let place =
            self.text.lines().position(|line| names(line.trim_start()) || line.contains(&format!(".{dependency}]")));
        place.map_or(1, |place| place + 1)
    }
}

pub fn manifests(metadata: &Metadata, root: &Path) -> anyhow::Result<BTreeMap<String, Manifest>> {
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let path = package.manifest_path.as_std_path();
            let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            let path = path.strip_prefix(root).unwrap_or(path).display().to_string();
            Ok((package.name.to_string(), Manifest { path, text }))
        })
        .collect()
}

pub fn check(metadata: &Metadata, manifests: &BTreeMap<String, Manifest>) -> Vec<Violation> {
    let ours: Vec<String> = metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    let mut violations = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.to_string();
        let Some(manifest) = manifests.get(&name) else {
            continue;
        };
        let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == name) else {
            let remedy = "draw its arrows in docs/architecture.md and in xtask/src/lint/arrows.rs";
            violations.push(Violation::new(&manifest.path, 1, format!("package {name} has no arrows"), remedy));
            continue;
        };
        let Some(allowed) = allowed else { continue };
        for dependency in &package.dependencies {
            let ours = ours.contains(&dependency.name);
            if ours && dependency.name != name && !allowed.contains(&dependency.name.as_str()) {
                let what = format!("{name} must not depend on {}", dependency.name);
                let remedy = match allowed.is_empty() {
                    true => {
                        format!("{name} depends on none of our packages: turn the dependency round")
                    }
                    false => format!("{name} may depend on {}; move the shared part there", allowed.join(", ")),
                };
                violations.push(Violation::new(&manifest.path, manifest.line_of(&dependency.name), what, remedy));
            }
        }
    }
    violations
}

#[cfg(test)]
pub mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn dependency(name: &str) -> Value {
        json!({"name": name, "source": null, "req": "*", "kind": null, "rename": null, "optional": false,
               "uses_default_features": true, "features": [], "target": null, "registry": null, "path": null})
    }

    /// A workspace of packages with these direct dependencies.
    pub fn metadata(packages: &[(&str, &[&str])]) -> Metadata {
        let id = |name: &str| format!("path+file:///r/{name}#0.1.0");
        let list: Vec<Value> = packages
            .iter()
            .map(|(name, dependencies)| {
                json!({"name": name, "version": "0.1.0", "id": id(name), "source": null, "license": "MIT",
                       "description": null, "authors": [], "edition": "2024", "features": {}, "targets": [],
                       "manifest_path": format!("/r/{name}/Cargo.toml"),
                       "dependencies": dependencies.iter().map(|name| dependency(name)).collect::<Vec<_>>()})
            })
            .collect();
        let members: Vec<String> = packages.iter().map(|(name, _)| id(name)).collect();
        serde_json::from_value(json!({
            "packages": list, "workspace_members": members, "workspace_default_members": members, "resolve": null,
            "workspace_root": "/r", "target_directory": "/t", "version": 1, "metadata": null
        }))
        .unwrap()
    }

    pub fn manifests(texts: &[(&str, &str)]) -> BTreeMap<String, Manifest> {
        let manifest = |name: &str, text: &str| Manifest { path: format!("{name}/Cargo.toml"), text: text.to_owned() };
        texts.iter().map(|(name, text)| ((*name).to_owned(), manifest(name, text))).collect()
    }

    #[test]
    fn an_arrow_against_the_drawing_is_found() {
        let metadata = metadata(&[
            ("names", &["crd"]),
            ("crd", &["names"]),
            ("lab", &["operator"]),
            ("operator", &["crd", "lab"]),
        ]);
        let manifests = manifests(&[
            ("names", "[package]\nname = \"names\"\n[dependencies]\ncrd.workspace = true\n"),
            ("crd", ""),
            ("lab", ""),
            ("operator", "[dependencies]\ncrd.workspace = true\n[dev-dependencies]\nlab = { workspace = true }\n"),
        ]);
        let found: Vec<_> =
            check(&metadata, &manifests).iter().map(|one| format!("{}:{} {}", one.file, one.line, one.what)).collect();
        assert_eq!(
            found,
            [
                "names/Cargo.toml:4 names must not depend on crd",
                "operator/Cargo.toml:4 operator must not depend on lab"
            ]
        );
    }

    #[test]
    fn a_package_nobody_drew_is_found() {
        let found = check(&metadata(&[("helpers", &[])]), &manifests(&[("helpers", "")]));
        assert_eq!(found.len(), 1);
        assert!(found[0].what.contains("helpers has no arrows"));
    }
}
