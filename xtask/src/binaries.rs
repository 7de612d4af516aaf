//! Building the product's programs and those of its ground.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::cargo;
use crate::context::Context;
use crate::workspace;

/// Builds all programs.
pub fn build(context: &Context) -> anyhow::Result<()> {
    let programs = workspace::programs(&workspace::packages(context)?);
    these(context, "programs", &programs)
}

/// Builds one program: whoever takes a cluster away needs nothing else to compile.
pub fn build_one(context: &Context, name: &str) -> anyhow::Result<()> {
    these(context, name, &[name.to_owned()])
}

fn these(context: &Context, step: &str, programs: &[String]) -> anyhow::Result<()> {
    let step = context.begin(step);
    let built = cargo::run(context, &step, "programs", &arguments(programs))?;
    if !built.end.good() {
        let complaints = built.complaints();
        // What the query macros say names a command that this repository does not use.
        let remedy =
            if complaints.contains("cargo sqlx prepare") { "\nqueries changed: run `cargo xtask gen`" } else { "" };
        bail!("the programs do not build ({}):\n{complaints}{remedy}", built.end.describe());
    }
    context.end(step, true, "built");
    Ok(())
}

/// The whole workspace is selected, and `--examples` makes cargo count the development dependencies in: the
/// features of each crate are then the same as in the build of the tests, so that nothing is compiled twice.
fn arguments(programs: &[String]) -> Vec<String> {
    let mut args: Vec<String> =
        ["build", "--workspace", "--examples", "--message-format", "json"].map(str::to_owned).into();
    for program in programs {
        args.extend(["--bin".to_owned(), program.clone()]);
    }
    args
}

/// One of the built programs.
pub fn path(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    if !path.is_file() {
        bail!("no package of the workspace builds the program {name}");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_nobody_builds_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = path(folder.path(), "steppe-lab").unwrap_err();
        assert!(error.to_string().contains("steppe-lab"));
    }
}
