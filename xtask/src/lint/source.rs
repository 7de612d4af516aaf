//! The Rust sources of the repository, parsed once for all rules that read them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, Item, ItemMod, Meta};

use super::Violation;

pub struct Source {
    /// Relative to the repository.
    pub path: String,
    pub lines: usize,
    pub syntax: syn::File,
    /// In a `tests` folder, or a module compiled for tests only.
    pub test: bool,
}

/// Parses all files; those that are no Rust are violations.
pub fn all(root: &Path, paths: &[String]) -> anyhow::Result<(Vec<Source>, Vec<Violation>)> {
    let mut sources = Vec::new();
    let mut violations = Vec::new();
    for path in paths {
        let text = fs::read_to_string(root.join(path)).with_context(|| format!("reading {path}"))?;
        match parse(path, &text) {
            Ok(source) => sources.push(source),
            Err(violation) => violations.push(violation),
        }
    }
    mark_test_modules(&mut sources);
    Ok((sources, violations))
}

pub fn parse(path: &str, text: &str) -> Result<Source, Violation> {
    let syntax = syn::parse_file(text).map_err(|error| {
        let line = error.span().start().line;
        Violation::new(path, line, format!("does not parse: {error}"), "correct it; the compiler says more")
    })?;
    let test = path.split('/').rev().skip(1).any(|folder| folder == "tests");
    Ok(Source { path: path.to_owned(), lines: text.lines().count(), syntax, test })
}

/// `#[cfg(test)] mod cases;` makes `cases.rs` a test.
pub fn mark_test_modules(sources: &mut [Source]) {
    let tests: BTreeSet<String> = sources
        .iter()
        .flat_map(|source| {
            let modules = source.syntax.items.iter().filter_map(test_module);
            let modules = modules.filter(|module| module.content.is_none()).map(|module| &module.ident);
            let folder = module_folder(&source.path);
            modules.flat_map(move |name| [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")])
        })
        .collect();
    for source in sources {
        source.test |= tests.contains(&source.path);
    }
}

/// Where the files of a file's modules are.
fn module_folder(path: &str) -> String {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    match file.strip_suffix(".rs").unwrap_or(file) {
        "main" | "lib" | "mod" => folder.to_owned(),
        name => format!("{folder}/{name}"),
    }
}

/// The item as a module compiled for tests only.
pub fn test_module(item: &Item) -> Option<&ItemMod> {
    let Item::Mod(module) = item else {
        return None;
    };
    for_tests(&module.attrs).then_some(module)
}

pub fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string() == "test")
    })
}

/// First and last line of something, its attributes and doc comments included.
pub fn extent(item: &Item) -> (usize, usize) {
    let span = item.span();
    (span.start().line, span.end().line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_rust_is_a_violation_with_its_line() {
        let violation = parse("a/src/lib.rs", "fn one() {}\nfn two( {}\n").err().unwrap();
        assert_eq!((violation.file.as_str(), violation.line), ("a/src/lib.rs", 2));
    }

    #[test]
    fn test_modules_in_files_of_their_own_are_known() {
        let mut sources = vec![
            parse("a/src/lib.rs", "#[cfg(test)]\nmod cases;\nmod real;\n").unwrap(),
            parse("a/src/cases.rs", "").unwrap(),
            parse("a/src/real.rs", "#[cfg(test)] mod deep;").unwrap(),
            parse("a/src/real/deep.rs", "").unwrap(),
            parse("a/tests/light.rs", "").unwrap(),
        ];
        mark_test_modules(&mut sources);
        let tests: Vec<_> = sources.iter().filter(|source| source.test).map(|source| source.path.as_str()).collect();
        assert_eq!(tests, ["a/src/cases.rs", "a/src/real/deep.rs", "a/tests/light.rs"]);
    }
}
