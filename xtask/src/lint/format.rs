//! The one format: what `cargo fmt` makes of it.

use std::collections::BTreeSet;

use super::Violation;
use crate::child::Stream;
use crate::context::Context;

pub fn check(context: &Context) -> anyhow::Result<Vec<Violation>> {
    let mut lines = Vec::new();
    let mut said = Vec::new();
    let end = context.program("cargo").args(["fmt", "--all", "--check"]).run(&context.stop, &mut |line| match line
        .stream
    {
        Stream::Out => lines.push(line.text.clone()),
        Stream::Err => said.push(line.text.clone()),
    })?;
    let violations = places(&lines, &context.root.display().to_string());
    if violations.is_empty() && !end.good() {
        let what = format!("cargo fmt failed ({}): {}", end.describe(), said.join("\n"));
        return Ok(vec![Violation::new("Cargo.toml", 1, what, "run `cargo fmt --all`")]);
    }
    Ok(violations)
}

/// `Diff in /r/crates/names/src/lib.rs:12:`. One line a file is enough: the remedy is the same.
fn places(lines: &[String], root: &str) -> Vec<Violation> {
    let mut seen = BTreeSet::new();
    lines
        .iter()
        .filter_map(|line| line.strip_prefix("Diff in ")?.trim_end_matches(':').rsplit_once(':'))
        .filter_map(|(file, line)| {
            Some((file.strip_prefix(root).unwrap_or(file).trim_start_matches('/'), line.parse().ok()?))
        })
        .filter(|(file, _)| seen.insert((*file).to_owned()))
        .map(|(file, line)| Violation::new(file, line, "is not formatted", "run `cargo fmt --all`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unformatted_file_is_named_once() {
        let output = [
            "Diff in /r/a/src/lib.rs:3:",
            " fn a() {}",
            "-fn  b()",
            "Diff in /r/a/src/lib.rs:9:",
            "Diff in /r/b.rs:1:",
        ];
        let found = places(&output.map(str::to_owned), "/r");
        let found: Vec<_> = found.iter().map(|one| format!("{}:{}", one.file, one.line)).collect();
        assert_eq!(found, ["a/src/lib.rs:3", "b.rs:1"]);
    }
}
