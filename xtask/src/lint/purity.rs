//! Pure parts stay pure: a short list of crates for whole packages, and no path to the outside world in their
//! sources. `bundle::format` is pure inside a package that is not.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata};
use syn::spanned::Spanned as _;
use syn::visit::Visit;
use syn::{ItemMod, Path, UseTree};

use super::Violation;
use super::arrows::Manifest;
use super::source::{Source, for_tests};

/// What a pure package may depend on.
const PACKAGES: [(&str, &[&str]); 3] = [
    ("names", &["serde", "thiserror", "idna", "schemars"]),
    ("domain", &["serde", "jiff", "uuid", "thiserror", "names", "email_address", "iso_currency", "secrecy"]),
    ("billing", &["serde", "jiff", "thiserror", "names", "domain"]),
];

/// Where pure sources are.
const SOURCES: [&str; 5] = [
    "crates/names/src/",
    "crates/domain/src/",
    "crates/billing/src/",
    "crates/bundle/src/format.rs",
    "crates/bundle/src/format/",
];

/// Ways to the outside world.
const FORBIDDEN: [&str; 20] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::os::fd",
    "std::os::unix::fs",
    "std::os::unix::net",
    "std::os::unix::process",
    "tokio",
    "tokio_util",
    "tokio_tar",
    "sqlx",
    "axum",
    "async_compression",
    "futures",
    "object_store",
    "reqwest",
    "kube",
    "nix",
];

pub fn check_packages(metadata: &Metadata, manifests: &BTreeMap<String, Manifest>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.to_string();
        let Some((_, allowed)) = PACKAGES.iter().find(|(pure, _)| *pure == name) else {
            continue;
        };
        let Some(manifest) = manifests.get(&name) else {
            continue;
        };
        for dependency in &package.dependencies {
            if dependency.kind != DependencyKind::Development && !allowed.contains(&dependency.name.as_str()) {
                let what = format!("{name} is pure and may not depend on {}", dependency.name);
                let remedy = format!("move what needs it to another package; {name} may use {}", allowed.join(", "));
                violations.push(Violation::new(&manifest.path, manifest.line_of(&dependency.name), what, remedy));
            }
        }
    }
    violations
}

pub fn check_sources(sources: &[Source]) -> Vec<Violation> {
    let pure = |source: &&Source| SOURCES.iter().any(|pure| source.path.starts_with(pure)) && !source.test;
    sources
        .iter()
        .filter(pure)
        .flat_map(|source| {
            let mut outside = Outside { path: &source.path, found: Vec::new() };
            outside.visit_file(&source.syntax);
            outside.found
        })
        .collect()
}

struct Outside<'a> {
    path: &'a str,
    found: Vec<Violation>,
}

impl Outside<'_> {
    fn look(&mut self, path: &[String], line: usize) {
        let full = path.join("::");
        let forbidden =
            FORBIDDEN.iter().find(|forbidden| full == **forbidden || full.starts_with(&format!("{forbidden}::")));
        if let Some(forbidden) = forbidden {
            let what = format!("`{full}` in a pure module: {forbidden} reaches the outside world");
            let remedy = "take the data as an argument; input and output belong to the caller";
            self.found.push(Violation::new(self.path, line, what, remedy));
        }
    }

    fn look_through(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.look_through(&path.tree, before);
                before.pop();
            }
            UseTree::Name(name) => self.look_at_leaf(before, &name.ident),
            UseTree::Rename(rename) => self.look_at_leaf(before, &rename.ident),
            UseTree::Glob(glob) => self.look(before, glob.span().start().line),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.look_through(tree, before);
                }
            }
        }
    }

    fn look_at_leaf(&mut self, before: &[String], leaf: &syn::Ident) {
        let mut path = before.to_vec();
        if leaf != "self" {
            path.push(leaf.to_string());
        }
        self.look(&path, leaf.span().start().line);
    }
}

impl<'a> Visit<'a> for Outside<'_> {
    fn visit_item_mod(&mut self, module: &'a ItemMod) {
        if !for_tests(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_use_tree(&mut self, tree: &'a UseTree) {
        self.look_through(tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'a Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.look(&segments, path.span().start().line);
        }
        syn::visit::visit_path(self, path);
    }
}

#[cfg(test)]
mod tests {
    use super::super::arrows::tests::{manifests, metadata};
    use super::super::source::parse;
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check_sources(&[parse(path, text).unwrap()]).iter().map(|one| one.line).collect()
    }

    const IMPURE: &str = "\
use std::{fs, io};
use tokio::io::AsyncRead;
use std::env::{self as surroundings};
fn read() { let _ = std::fs::read(\"x\"); }
use std::net::*;
use std::path::PathBuf;
fn run(_: std::process::Command) {}
#[cfg(test)]
mod tests { use std::fs; }
";

    #[test]
    fn every_way_out_of_the_format_is_found() {
        assert_eq!(lines("crates/bundle/src/format.rs", IMPURE), [1, 2, 3, 4, 5, 7]);
        assert_eq!(lines("crates/bundle/src/format/manifest.rs", IMPURE).len(), 6);
    }

    #[test]
    fn other_modules_may_reach_out() {
        assert!(lines("crates/bundle/src/stream.rs", IMPURE).is_empty());
    }

    #[test]
    fn a_pure_package_with_a_runtime_is_found() {
        let metadata = metadata(&[("names", &["serde", "tokio"]), ("crd", &["kube"])]);
        let violations =
            check_packages(&metadata, &manifests(&[("names", "[dependencies]\nserde = \"1\"\ntokio = \"1\"\n")]));
        assert_eq!(violations.len(), 1);
        assert_eq!((violations[0].file.as_str(), violations[0].line), ("names/Cargo.toml", 3));
        assert!(violations[0].what.contains("tokio"));
    }
}
