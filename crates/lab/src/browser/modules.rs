//! Playwright and axe, fetched by npm into the cache: once for each `package-lock.json`, and nothing into the repository.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::cache::Cache;
use crate::debian;
use crate::tools::Progress;

const PACKAGE: &str = include_str!("../../../../tests/browser/package.json");
const LOCK: &str = include_str!("../../../../tests/browser/package-lock.json");
/// The oldest Node.js that Playwright runs on; Debian 12 has 18.
const NODE: u32 = 18;

/// Installs what is missing of the browser's Debian packages. Node.js and npm are let be when they came another way.
pub fn install(progress: &mut dyn Progress) -> Result<()> {
    let mut packages = debian::missing_of(&debian::BROWSER)?;
    for (program, package) in [("node", "nodejs"), ("npm", "npm")] {
        if major(program).is_none() {
            packages.push(package);
        }
    }
    debian::install(&packages, progress)?;
    ensure!(major("node") >= Some(NODE), "Node.js {NODE} or newer is needed: https://nodejs.org");
    Ok(())
}

/// The major version that a program tells.
fn major(program: &str) -> Option<u32> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().trim_start_matches('v').to_owned();
    text.split('.').next()?.parse().ok()
}

/// The folder of the modules, filled when it is missing.
pub async fn ready(cache: &Cache, progress: &mut dyn Progress) -> Result<PathBuf> {
    let key = hex::encode(&Sha256::digest([PACKAGE, LOCK].concat())[..8]);
    let folder = cache.keyed("browser", &key)?;
    let modules = folder.join("node_modules");
    if folder.exists() {
        return Ok(modules);
    }
    progress.step("Fetching Playwright and axe");
    let cache = cache.clone();
    tokio::task::spawn_blocking(move || {
        let _lock = cache.lock("browser")?;
        if folder.exists() { Ok(()) } else { fetch(&cache, &folder) }
    })
    .await??;
    Ok(modules)
}

/// Fills a folder beside the final one, so that a killed run leaves nothing that looks finished.
fn fetch(cache: &Cache, folder: &std::path::Path) -> Result<()> {
    let fresh = folder.with_extension("new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).with_context(|| format!("cannot clear {}", fresh.display()))?;
    }
    fs::create_dir_all(&fresh).with_context(|| format!("cannot create {}", fresh.display()))?;
    fs::write(fresh.join("package.json"), PACKAGE)?;
    fs::write(fresh.join("package-lock.json"), LOCK)?;
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).env("npm_config_cache", cache.path("npm"));
    npm.current_dir(&fresh).stdin(Stdio::null());
    let output = npm.output().context("cannot run npm: Debian's package `npm`, or `steppe-lab browser`")?;
    if !output.status.success() {
        bail!("npm ci failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    fs::rename(&fresh, folder).with_context(|| format!("cannot move the modules to {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_names_contents_and_no_place_to_get_them_from() {
        let lock: serde_json::Value = serde_json::from_str(LOCK).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        let fetched: Vec<_> = packages.iter().filter(|(name, _)| !name.is_empty()).collect();
        assert!(!fetched.is_empty());
        for (name, package) in fetched {
            assert!(package["integrity"].is_string() && package["resolved"].is_null(), "{name}: {package}");
        }
    }
}
