//! Our packages and their targets, as `cargo metadata` tells them.

use anyhow::Context as _;
use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};

use crate::context::Context;

/// The package that this program is built from.
pub const XTASK: &str = "xtask";

/// Our own packages only; takes no network and no time.
pub fn packages(context: &Context) -> anyhow::Result<Metadata> {
    read(context, &["metadata", "--format-version", "1", "--no-deps"])
}

/// With the resolved tree for the platform we run on.
///
/// # Errors
/// Also when Cargo.lock is not what the manifests ask for.
pub fn resolved(context: &Context) -> anyhow::Result<Metadata> {
    let platform = "x86_64-unknown-linux-gnu";
    read(context, &["metadata", "--format-version", "1", "--locked", "--filter-platform", platform])
}

fn read(context: &Context, args: &[&str]) -> anyhow::Result<Metadata> {
    let text = context.program("cargo").args(args).read()?;
    MetadataCommand::parse(text).context("reading what cargo metadata printed")
}

/// The programs of the product and of its ground: all but xtask, which is running already.
pub fn programs(metadata: &Metadata) -> Vec<String> {
    let ours = |package: &&&Package| package.name != XTASK;
    let targets = metadata.workspace_packages();
    let mut programs: Vec<String> = targets
        .iter()
        .filter(ours)
        .flat_map(|package| &package.targets)
        .filter(|target| target.is_kind(TargetKind::Bin))
        .map(|target| target.name.clone())
        .collect();
    programs.sort();
    programs
}
