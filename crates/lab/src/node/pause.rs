//! The image of the process that holds a pod's namespaces: a static busybox that sleeps. The usual one cannot be pulled
//! where only package registries can be reached.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::command::run;
use crate::cache::Cache;

/// The image's name on the node.
pub const IMAGE: &str = "steppe.local/pause:1";

/// Where Debian's busybox-static puts its program.
const BUSYBOX: &str = "/bin/busybox";

/// The image as a docker-archive, made now unless the cache has it.
pub fn archive(cache: &Cache) -> Result<PathBuf> {
    let program = fs::read(BUSYBOX).with_context(|| format!("cannot read {BUSYBOX}: install busybox-static"))?;
    let key = hex::encode(Sha256::digest(&program));
    let archive = cache.keyed("images", &format!("pause-{}.tar", &key[..16]))?;
    if !archive.exists() {
        let work = tempfile::tempdir_in(cache.root()).context("no folder to make an image in")?;
        let fresh = assemble(work.path())?;
        fs::rename(&fresh, &archive).with_context(|| format!("cannot move the image to {}", archive.display()))?;
    }
    Ok(archive)
}

/// `tar` with the same output for the same files.
fn tar(out: &Path, folder: &Path, names: &[&str]) -> Result<()> {
    let mut command = Command::new("tar");
    command.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "-cf"]);
    run(command.arg(out).arg("-C").arg(folder).args(names))
}

/// Lays the archive out in `work` and packs it.
fn assemble(work: &Path) -> Result<PathBuf> {
    let root = work.join("root");
    fs::create_dir(&root)?;
    fs::copy(BUSYBOX, root.join("busybox")).with_context(|| format!("cannot copy {BUSYBOX}"))?;
    let layer = work.join("layer.tar");
    tar(&layer, &root, &["busybox"])?;
    let digest = hex::encode(Sha256::digest(fs::read(&layer)?));
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        // Numbers, because the image has no /etc/passwd.
        "config": {"User": "65535:65535", "Entrypoint": ["/busybox", "sleep", "2147483647"]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{digest}")]},
    });
    fs::write(work.join("config.json"), config.to_string())?;
    let manifest = json!([{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]);
    fs::write(work.join("manifest.json"), manifest.to_string())?;
    let archive = work.join("image.tar");
    tar(&archive, work, &["manifest.json", "config.json", "layer.tar"])?;
    Ok(archive)
}
