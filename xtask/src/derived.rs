//! Files that follow from the sources: committed, so that a change shows in review, and made by one command.

mod difference;
mod queries;
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
const CONFIGURED: [&str; 3] = ["steppe", "steppe-operator", "steppe-bundle"];

/// The description of the API.
const OPENAPI: &str = "docs/openapi.json";

/// The description of staff's API.
const OPENAPI_STAFF: &str = "docs/openapi-staff.json";

/// Where derived files are.
enum Place {
    /// All files of a folder.
    Folder(&'static str),
    /// One file.
    File(&'static str),
}

/// What the programs say of themselves.
const MADE: [Place; 4] =
    [Place::Folder(CRDS), Place::File(REFERENCE), Place::File(OPENAPI), Place::File(OPENAPI_STAFF)];
/// What the database says of the queries.
const QUERIES: [Place; 1] = [Place::Folder(queries::FOLDER)];

/// Path in the repository -> content.
type Files = BTreeMap<String, Vec<u8>>;

pub fn command(context: &Context, check_only: bool) -> anyhow::Result<bool> {
    context.announce();
    prerequisites::require(context, Needs::default())?;
    // The programs do not compile without them, `steppe-lab` does.
    binaries::build_one(context, "steppe-lab")?;
    let queries = queries::wanted(context)?;
    if !check_only {
        bring_up_to_date(context, "queries", &queries, &there(&context.root, &QUERIES)?)?;
    } else if let stale = difference(context, &queries, &QUERIES)?
        && !stale.is_empty()
    {
        context.progress.tell(&verdict(&stale));
        return Ok(false);
    }
    binaries::build(context)?;
    let wanted = wanted(context)?;
    if check_only {
        let differences = difference(context, &wanted, &MADE)?;
        context.progress.tell(&verdict(&differences));
        return Ok(differences.is_empty());
    }
    bring_up_to_date(context, "gen", &wanted, &there(&context.root, &MADE)?)?;
    Ok(true)
}

fn bring_up_to_date(context: &Context, what: &str, wanted: &Files, there: &Files) -> anyhow::Result<()> {
    let stale = differing(there, wanted);
    for path in &stale {
        put(&context.root.join(path), wanted.get(path))?;
        let done = match (there.contains_key(path), wanted.contains_key(path)) {
            (_, false) => "removed",
            (false, true) => "made",
            (true, true) => "changed",
        };
        context.progress.tell(&format!("{done} {path}"));
    }
    context.progress.tell(&format!("{what}: {} files, {} of them changed", wanted.len(), stale.len()));
    Ok(())
}

/// Differences between the derived files and what the sources say; empty is good. Changes nothing. The programs
/// must be built.
pub fn check(context: &Context) -> anyhow::Result<String> {
    compare(context, "gen", &MADE, wanted)
}

/// As [`check`], for what PostgreSQL says of the queries: the machine must have it.
pub fn check_queries(context: &Context) -> anyhow::Result<String> {
    compare(context, "queries", &QUERIES, queries::wanted)
}

fn compare(
    context: &Context,
    name: &str,
    places: &[Place],
    wanted: impl Fn(&Context) -> anyhow::Result<Files>,
) -> anyhow::Result<String> {
    let step = context.begin(name);
    let differences = difference(context, &wanted(context)?, places)?;
    let good = differences.is_empty();
    context.end(step, good, if good { "good" } else { "found stale files" });
    Ok(differences)
}

fn difference(context: &Context, wanted: &Files, places: &[Place]) -> anyhow::Result<String> {
    difference::show(context, wanted, &differing(&there(&context.root, places)?, wanted))
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
    if let Some(text) = openapi(context)? {
        files.insert(OPENAPI.to_owned(), text.into_bytes());
    }
    let steppe = binaries::path(&context.cache.bin(), "steppe")?;
    let text = context.program(steppe).args(["admin", "openapi"]).read().context("describing staff's API")?;
    files.insert(OPENAPI_STAFF.to_owned(), text.into_bytes());
    Ok(files)
}

/// What `steppe openapi` prints; nothing as long as there is no such command.
fn openapi(context: &Context) -> anyhow::Result<Option<String>> {
    if !reference::has(context, "steppe", "openapi")? {
        return Ok(None);
    }
    let steppe = binaries::path(&context.cache.bin(), "steppe")?;
    Ok(Some(context.program(steppe).args(["openapi"]).read().context("describing the API")?))
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
fn there(root: &Path, places: &[Place]) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for place in places {
        match place {
            Place::Folder(name) => files.extend(read_folder(&root.join(name), name)?),
            Place::File(name) if root.join(name).is_file() => {
                files.insert((*name).to_owned(), fs::read(root.join(name))?);
            }
            Place::File(_) => {}
        }
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
