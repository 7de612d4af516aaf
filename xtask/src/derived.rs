//! Files that follow from the sources: committed, so that a change shows in review, and made by one command.

mod difference;
mod reference;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::binaries;
use crate::context::Context;
use crate::prerequisites::{self, Needs};

/// The chart's custom resources: whatever else lies there is stale.
const CRDS: &str = "charts/operator/templates/crds";
/// The configuration reference.
const REFERENCE: &str = "docs/configuration.md";
/// The programs that people configure.
const CONFIGURED: [&str; 2] = ["steppe-operator", "steppe-bundle"];

/// Path in the repository -> content.
type Files = BTreeMap<String, Vec<u8>>;

pub fn command(context: &Context, check_only: bool) -> anyhow::Result<bool> {
    context.announce();
    prerequisites::require(context, Needs::default())?;
    binaries::build(context)?;
    let wanted = wanted(context)?;
    let stale = stale(context, &wanted)?;
    if check_only {
        let differences = difference::show(context, &wanted, &stale)?;
        context.progress.tell(&verdict(&differences));
        return Ok(differences.is_empty());
    }
    let there = there(&context.root)?;
    for path in &stale {
        put(&context.root.join(path), wanted.get(path))?;
        let what = match (there.contains_key(path), wanted.contains_key(path)) {
            (_, false) => "removed",
            (false, true) => "made",
            (true, true) => "changed",
        };
        context.progress.tell(&format!("{what} {path}"));
    }
    context.progress.tell(&format!("gen: {} files, {} of them changed", wanted.len(), stale.len()));
    Ok(true)
}

/// Differences between the derived files and what the sources say; empty is good. Changes nothing. The programs
/// must be built.
pub fn check(context: &Context) -> anyhow::Result<String> {
    let step = context.begin("gen");
    let wanted = wanted(context)?;
    let stale = stale(context, &wanted)?;
    let differences = difference::show(context, &wanted, &stale)?;
    let good = differences.is_empty();
    context.end(step, good, if good { "good" } else { "found stale files" });
    Ok(differences)
}

fn verdict(differences: &str) -> String {
    if differences.is_empty() {
        return "gen: all derived files are as the sources say".to_owned();
    }
    format!("{differences}\ngen: derived files are stale; run `cargo xtask gen` and commit what it changes")
}

fn wanted(context: &Context) -> anyhow::Result<Files> {
    let mut files = crds(context)?;
    files.insert(REFERENCE.to_owned(), reference::markdown(context, &CONFIGURED)?.into_bytes());
    Ok(files)
}

fn crds(context: &Context) -> anyhow::Result<Files> {
    let folder = context.cache.bin().join("crds");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    fs::create_dir_all(&folder)?;
    let operator = binaries::path(&context.cache.bin(), "steppe-operator")?;
    context.program(operator).args(["crds", "--out"]).args([&folder]).read().context("writing the CRDs")?;
    let files = read_folder(&folder, CRDS)?;
    if files.is_empty() {
        bail!("`steppe-operator crds --out {}` wrote no file", folder.display());
    }
    Ok(files)
}

/// The derived files as they are in the repository now.
fn there(root: &Path) -> anyhow::Result<Files> {
    let mut files = read_folder(&root.join(CRDS), CRDS)?;
    if root.join(REFERENCE).is_file() {
        files.insert(REFERENCE.to_owned(), fs::read(root.join(REFERENCE))?);
    }
    Ok(files)
}

fn read_folder(folder: &Path, name: &str) -> anyhow::Result<Files> {
    let mut files = Files::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        if path.is_file() {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            files.insert(format!("{name}/{file}"), fs::read(&path)?);
        }
    }
    Ok(files)
}

fn stale(context: &Context, wanted: &Files) -> anyhow::Result<BTreeSet<String>> {
    Ok(differing(&there(&context.root)?, wanted))
}

/// Paths that are missing, left over or different.
fn differing(there: &Files, wanted: &Files) -> BTreeSet<String> {
    there.keys().chain(wanted.keys()).filter(|path| there.get(*path) != wanted.get(*path)).cloned().collect()
}

fn put(path: &PathBuf, content: Option<&Vec<u8>>) -> anyhow::Result<()> {
    let Some(content) = content else {
        return fs::remove_file(path).with_context(|| format!("removing {}", path.display()));
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Files {
        list.iter().map(|(path, content)| ((*path).to_owned(), content.as_bytes().to_vec())).collect()
    }

    #[test]
    fn missing_left_over_and_different_files_are_stale() {
        let there = files(&[("same", "1"), ("different", "1"), ("left-over", "1")]);
        let wanted = files(&[("same", "1"), ("different", "2"), ("missing", "1")]);
        assert_eq!(Vec::from_iter(differing(&there, &wanted)), ["different", "left-over", "missing"]);
    }

    #[test]
    fn files_are_put_and_removed() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("charts/crds/a.yaml");
        put(&path, Some(&b"kind: A".to_vec())).unwrap();
        let name = path.parent().unwrap();
        assert_eq!(read_folder(name, "crds").unwrap(), files(&[("crds/a.yaml", "kind: A")]));
        put(&path, None).unwrap();
        assert!(!path.exists());
    }
}
