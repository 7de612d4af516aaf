//! The rules of this repository that a machine can check. Each violation is a place, what is wrong there, and
//! what to do about it; all of them are printed, not just the first.

mod arrows;
mod clippy;
mod crates;
mod docs;
mod format;
mod length;
mod licences;
mod purity;
mod source;

use std::fmt;

use anyhow::Context as _;

use crate::context::Context;
use crate::prerequisites::{self, Needs};
use crate::workspace;

/// A rule broken at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// Relative to the repository.
    pub file: String,
    /// From 1.
    pub line: usize,
    pub what: String,
    pub remedy: String,
}

impl Violation {
    fn new(file: &str, line: usize, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}\n    do: {}", self.file, self.line, self.what, self.remedy)
    }
}

/// What one rule found.
#[derive(Debug)]
pub struct Finding {
    pub rule: &'static str,
    pub violations: Vec<Violation>,
}

impl Finding {
    pub fn render(&self) -> String {
        let lines: Vec<String> = self.violations.iter().map(ToString::to_string).collect();
        format!("{}: {} violation(s)\n{}", self.rule, self.violations.len(), lines.join("\n"))
    }
}

pub fn command(context: &Context) -> anyhow::Result<bool> {
    context.announce();
    prerequisites::require(context, Needs { lint: true, ..Needs::default() })?;
    let findings = check(context)?;
    let mut total = 0;
    for finding in findings.iter().filter(|finding| !finding.violations.is_empty()) {
        context.progress.tell(&finding.render());
        total += finding.violations.len();
    }
    context.progress.tell(&format!("lint: {} rules, {total} violations", findings.len()));
    Ok(total == 0)
}

/// Checks all rules, the quick ones first.
pub fn check(context: &Context) -> anyhow::Result<Vec<Finding>> {
    let step = context.begin("lint");
    let mut findings = Vec::new();
    let mut found = |rule, mut violations: Vec<Violation>| {
        violations.sort();
        violations.dedup();
        findings.push(Finding { rule, violations });
    };
    step.now("sources", None);
    let (files, unreadable) = source::all(&context.root, &tracked(context, &["*.rs"])?)?;
    found("syntax", unreadable);
    found("length", length::check(&files));
    found("purity of sources", purity::check_sources(&files));
    let documents = tracked(context, &["*.md"])?;
    found("paths in docs", docs::check(&context.root, &documents)?);
    step.now("crates", None);
    let metadata = workspace::resolved(context)?;
    let lockfile = std::fs::read_to_string(context.root.join("Cargo.lock")).context("reading Cargo.lock")?;
    let manifests = arrows::manifests(&metadata, &context.root)?;
    found("banned and duplicate crates", crates::check(&metadata, &lockfile, &manifests));
    found("licences", licences::check(&metadata, &lockfile));
    found("dependency arrows", arrows::check(&metadata, &manifests));
    found("purity of packages", purity::check_packages(&metadata, &manifests));
    step.now("format", None);
    found("format", format::check(context)?);
    step.now("clippy", None);
    found("clippy", clippy::check(context, &step)?);
    let good = findings.iter().all(|finding| finding.violations.is_empty());
    context.end(step, good, if good { "good" } else { "found violations" });
    Ok(findings)
}

/// Files of the repository, those not yet added included, those ignored left out.
pub fn tracked(context: &Context, patterns: &[&str]) -> anyhow::Result<Vec<String>> {
    let text = context
        .program("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"])
        .args(patterns)
        .read()?;
    let mut files: Vec<String> = text.split('\0').filter(|file| !file.is_empty()).map(str::to_owned).collect();
    // Deleted but not yet committed.
    files.retain(|file| context.root.join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}
