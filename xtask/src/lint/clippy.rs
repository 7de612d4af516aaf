//! What the compiler and clippy complain of, by the list in the root Cargo.toml. A warning is a violation.

use cargo_metadata::diagnostic::Diagnostic;

use super::Violation;
use crate::cargo;
use crate::context::Context;
use crate::progress::Step;

/// How much of cargo's own words is shown when the compiler had none.
const LAST_WORDS: usize = 30;

/// Denied lints are capped to warnings: an error in one package would hide those of all that depend on it.
const ARGUMENTS: [&str; 9] =
    ["clippy", "--workspace", "--all-targets", "--keep-going", "--message-format", "json", "--", "--cap-lints", "warn"];

/// Good in tests, and in the helpers of a program that says it is nothing else.
const PANICS: [&str; 3] = ["clippy::unwrap_used", "clippy::expect_used", "clippy::panic"];

pub fn check(context: &Context, step: &Step) -> anyhow::Result<Vec<Violation>> {
    let built = cargo::run(context, step, "clippy", &ARGUMENTS.map(str::to_owned))?;
    let root = format!("{}/", context.root.display());
    let mut violations: Vec<Violation> =
        built.diagnostics.iter().map(|diagnostic| violation(diagnostic, &root)).collect();
    if violations.is_empty() && !built.end.good() {
        let from = built.said.len().saturating_sub(LAST_WORDS);
        let what = format!("clippy failed ({}):\n{}", built.end.describe(), built.said[from..].join("\n"));
        violations.push(Violation::new("Cargo.toml", 1, what, "make the workspace compile"));
    }
    Ok(violations)
}

fn violation(diagnostic: &Diagnostic, root: &str) -> Violation {
    let span = diagnostic.spans.iter().find(|span| span.is_primary).or(diagnostic.spans.first());
    let (file, line) = span.map_or(("Cargo.toml", 1), |span| (span.file_name.as_str(), span.line_start));
    // Places in clippy.toml are told by their whole path.
    let file = file.strip_prefix(root).unwrap_or(file);
    let code = diagnostic.code.as_ref().map_or("compiler", |code| code.code.as_str());
    let help = diagnostic.children.iter().find(|child| !child.message.starts_with("`#["));
    let remedy = match help {
        _ if PANICS.contains(&code) && file.contains("tests/") => {
            "begin the test program with `#![cfg(test)]`: its helpers may then panic as its tests do"
        }
        Some(help) => help.message.as_str(),
        None => "see the rule's page in the clippy book",
    };
    Violation::new(file, line, format!("[{code}] {}", diagnostic.message), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_becomes_a_place_and_a_remedy() {
        let planted = r#"{"message":"used `unwrap()` on an `Option` value","code":{"code":"clippy::unwrap_used","explanation":null},"level":"warning","spans":[{"file_name":"crates/names/src/host.rs","byte_start":1,"byte_end":2,"line_start":7,"line_end":7,"column_start":5,"column_end":15,"is_primary":true,"text":[],"label":null,"suggested_replacement":null,"suggestion_applicability":null,"expansion":null}],"children":[{"message":"`#[deny(clippy::unwrap_used)]` implied","code":null,"level":"note","spans":[],"children":[],"rendered":null},{"message":"if this value is `None`, it will panic","code":null,"level":"note","spans":[],"children":[],"rendered":null}],"rendered":"warning: used `unwrap()`"}"#;
        let violation = violation(&serde_json::from_str(planted).unwrap(), "/r/");
        assert_eq!(
            violation.to_string(),
            "crates/names/src/host.rs:7: [clippy::unwrap_used] used `unwrap()` on an `Option` value\n    do: if this value is `None`, it will panic"
        );
    }
}
