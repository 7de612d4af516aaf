//! Programs in Python, each with the packages it needs in an environment of its own in the cache.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use tokio::process::Command;

use crate::cache::Cache;

/// Makes a folder with an environment (`venv`) and files beside it, once per version of them.
///
/// # Errors
/// When `python3` with its `venv` module is missing or the packages cannot be fetched.
pub(crate) async fn environment(
    cache: &Cache,
    name: &str,
    requirements: &str,
    files: &[(&str, &str)],
) -> Result<PathBuf> {
    let content: String = files.iter().map(|(_, content)| *content).collect();
    let key = hex::encode(&Sha256::digest([content.as_str(), requirements].concat())[..8]);
    let folder = cache.keyed(name, &key)?;
    let _lock = cache.lock(name)?;
    let done = folder.join("done");
    if !done.exists() {
        std::fs::create_dir_all(&folder)?;
        for (name, content) in files.iter().copied().chain([("requirements.txt", requirements)]) {
            std::fs::write(folder.join(name), content)?;
        }
        let venv = folder.join("venv");
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv)).await?;
        run(Command::new(venv.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(folder.join("requirements.txt")))
        .await?;
        std::fs::write(done, "")?;
    }
    Ok(folder)
}

async fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().await.with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
