//! A Debian root file system with snac in it, made by debootstrap from the distribution's own packages.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use super::layer::{self, Layer};
use crate::cache::Cache;
use crate::node::command::run;

/// The version of snac2 that Debian trixie has.
pub const SNAC: &str = "2.75";

const SUITE: &str = "trixie";
const OPTIONS: [&str; 2] = ["--variant=minbase", "--include=snac2,ca-certificates"];
/// What no pod needs: package lists and archives, logs, translations and manuals; the runtime makes its own devices.
const EXCLUDE: [&str; 7] =
    ["dev/*", "var/cache/*", "var/lib/apt/lists/*", "var/log/*", "usr/share/man/*", "usr/share/locale/*", "boot/*"];

/// The file system, unpacked.
pub fn folder(cache: &Cache) -> Result<PathBuf> {
    cache.keyed("rootfs", &key(&[]))
}

fn key(more: &[&str]) -> String {
    let text = [&[SUITE][..], &OPTIONS, more].concat().join(" ");
    format!("{SUITE}-{}", &hex::encode(Sha256::digest(text))[..16])
}

/// The file system as a layer, made now unless the cache has it. Needs root and the distribution's archive.
pub fn layer(cache: &Cache) -> Result<Layer> {
    let packed = cache.keyed("images", &format!("layer-{}.tar", key(&EXCLUDE)))?;
    let record = packed.with_extension("sha256");
    let _lock = cache.lock(&format!("rootfs-{SUITE}"))?;
    if packed.exists() && record.exists() {
        return Ok(Layer { digest: fs::read_to_string(&record)?, path: packed });
    }
    let root = debootstrap(cache)?;
    let fresh = packed.with_extension("new");
    let packed_now = layer::pack(&root, &EXCLUDE, &fresh)?;
    fs::rename(&fresh, &packed).with_context(|| format!("cannot write {}", packed.display()))?;
    fs::write(&record, &packed_now.digest).with_context(|| format!("cannot write {}", record.display()))?;
    Ok(Layer { path: packed, ..packed_now })
}

fn debootstrap(cache: &Cache) -> Result<PathBuf> {
    let root = folder(cache)?;
    if !root.exists() {
        let fresh = root.with_extension("new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).with_context(|| format!("cannot clear {}", fresh.display()))?;
        }
        run(Command::new("debootstrap").args(OPTIONS).arg(SUITE).arg(&fresh))
            .context("cannot make a Debian root (this needs root, debootstrap and the Debian archive)")?;
        fs::rename(&fresh, &root).with_context(|| format!("cannot move the root to {}", root.display()))?;
    }
    let status = fs::read_to_string(root.join("var/lib/dpkg/status")).context("the root has no list of packages")?;
    let version = version(&status, "snac2").unwrap_or("none");
    ensure!(
        version.starts_with(&format!("{SNAC}-")),
        "Debian {SUITE} has snac2 {version}, not {SNAC}: raise SNAC, or remove {} to fetch it anew",
        root.display()
    );
    Ok(root)
}

/// The version of an installed package, from dpkg's status file.
fn version<'a>(status: &'a str, package: &str) -> Option<&'a str> {
    let wanted = format!("Package: {package}");
    let block = status.split("\n\n").find(|block| block.lines().any(|line| line == wanted))?;
    block.lines().find_map(|line| line.strip_prefix("Version: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packages_version_is_found() {
        let status = "Package: a\nVersion: 1\n\nPackage: snac2\nStatus: ok\nVersion: 2.75-2\nDepends: a\n";
        assert_eq!(version(status, "snac2"), Some("2.75-2"));
        assert_eq!(version(status, "snac"), None);
    }
}
