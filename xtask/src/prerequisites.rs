//! What a machine must have before anything is begun: all that is missing is named at once, with how to get it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use anyhow::{Context as _, bail};

use crate::child::Program;
use crate::context::Context;

/// The oldest Go that the pinned Kubernetes builds with.
const GO: (u32, u32) = (1, 25);

/// What a command needs beside cargo and git.
#[derive(Debug, Clone, Copy, Default)]
pub struct Needs {
    /// rustfmt and clippy.
    pub lint: bool,
    /// Go, to build the cluster's programs.
    pub go: bool,
    /// Root, to make namespaces, mounts and network interfaces.
    pub root: bool,
}

impl Needs {
    pub const GROUND: Self = Self { lint: false, go: true, root: true };
}

/// What the machine has: the versions as its programs print them.
#[derive(Debug, Default)]
struct Found {
    cargo: Option<String>,
    git: Option<String>,
    rustfmt: Option<String>,
    clippy: Option<String>,
    go: Option<String>,
    user: u32,
}

/// # Errors
/// One error naming all that is missing.
pub fn require(context: &Context, needs: Needs) -> anyhow::Result<()> {
    let pinned = pinned_toolchain(&fs::read_to_string(context.root.join("rust-toolchain.toml"))?)?;
    let missing = missing(&look(context), needs, &pinned);
    if !missing.is_empty() {
        bail!("this machine lacks:\n  {}", missing.join("\n  "));
    }
    Ok(())
}

fn look(context: &Context) -> Found {
    let ask = |program: &Program| program.read().ok().map(|text| text.trim().to_owned());
    let cargo = |args: &[&str]| ask(&context.program("cargo").args(args));
    Found {
        cargo: cargo(&["--version"]),
        rustfmt: cargo(&["fmt", "--version"]),
        clippy: cargo(&["clippy", "--version"]),
        git: ask(&context.program("git").args(["--version"])),
        // The toolchain that is here: another one would be fetched without a word.
        go: ask(&context.program("go").args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local")),
        user: fs::metadata("/proc/self").map_or(u32::MAX, |process| process.uid()),
    }
}

/// `channel = "1.95.0"`.
fn pinned_toolchain(text: &str) -> anyhow::Result<String> {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("channel"));
    let value = line.and_then(|rest| rest.split('"').nth(1));
    value.map(str::to_owned).context("rust-toolchain.toml names no channel")
}

fn missing(found: &Found, needs: Needs, pinned: &str) -> Vec<String> {
    let mut missing = Vec::new();
    let cargo = found.cargo.as_deref().unwrap_or("none");
    if cargo.split_whitespace().nth(1) != Some(pinned) {
        missing.push(format!("cargo {pinned} (found: {cargo}): install rustup, it reads rust-toolchain.toml"));
    }
    if found.git.is_none() {
        missing.push("git: apt-get install git".to_owned());
    }
    if needs.lint && found.rustfmt.is_none() {
        missing.push(format!("rustfmt: rustup component add rustfmt --toolchain {pinned}"));
    }
    if needs.lint && found.clippy.is_none() {
        missing.push(format!("clippy: rustup component add clippy --toolchain {pinned}"));
    }
    if needs.go && found.go.as_deref().and_then(go_version).is_none_or(|version| version < GO) {
        let found = found.go.as_deref().unwrap_or("none");
        missing.push(format!("Go {}.{} or newer (found: {found}): https://go.dev/dl", GO.0, GO.1));
    }
    if needs.root && found.user != 0 {
        missing.push(format!(
            "root (found: user {}): the cluster needs namespaces, mounts and interfaces; run it with `sudo -E`",
            found.user
        ));
    }
    missing
}

/// `go1.26.8` is (1, 26).
fn go_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("go")?.split(|letter: char| !letter.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Needs = Needs { lint: true, go: true, root: true };

    #[test]
    fn everything_missing_is_named_at_once() {
        let found = Found { user: 1000, go: Some("go1.22.1".into()), ..Found::default() };
        let missing = missing(&found, ALL, "1.95.0");
        let first_words: Vec<_> = missing.iter().map(|line| line.split([' ', ':']).next().unwrap()).collect();
        assert_eq!(first_words, ["cargo", "git", "rustfmt", "clippy", "Go", "root"]);
        assert!(missing[4].contains("found: go1.22.1"), "{}", missing[4]);
    }

    #[test]
    fn a_complete_machine_lacks_nothing() {
        let found = Found {
            cargo: Some("cargo 1.95.0 (f2d3ce0bd 2026-03-21)".into()),
            git: Some("git version 2.39.5".into()),
            rustfmt: Some("rustfmt 1.8.0".into()),
            clippy: Some("clippy 0.1.95".into()),
            go: Some("go1.25.0".into()),
            user: 0,
        };
        assert_eq!(missing(&found, ALL, "1.95.0"), Vec::<String>::new());
        assert_eq!(missing(&found, ALL, "1.96.0").len(), 1, "another cargo than the pinned one is missing");
    }

    #[test]
    fn what_is_not_needed_is_not_missed() {
        let found = Found { cargo: Some("cargo 1.95.0".into()), git: Some("git".into()), ..Found::default() };
        assert_eq!(missing(&found, Needs::default(), "1.95.0"), Vec::<String>::new());
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(go_version("go1.26.8"), Some((1, 26)));
        assert_eq!(go_version("go1.27rc1"), Some((1, 27)));
        assert_eq!(go_version("devel"), None);
        assert_eq!(pinned_toolchain("[toolchain]\nchannel = \"1.95.0\"\n").unwrap(), "1.95.0");
        assert!(pinned_toolchain("[toolchain]\n").is_err());
    }
}
