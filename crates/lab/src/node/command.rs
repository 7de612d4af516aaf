//! Running a program to its end, with its complaint in the error.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> Result<()> {
    text(command).map(drop)
}

/// Runs a command that must succeed, and returns what it printed.
pub fn text(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{name} {} ended with {}: {}", args.join(" "), output.status, complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
