//! Mounts below a folder: found, and taken away before anything is removed there. A volume that is still mounted below
//! a folder would lose its data to `rm -r`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use nix::mount::{MntFlags, umount2};

/// The mount points at or below `folder`, in the order they were made.
pub fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let table = fs::read_to_string("/proc/self/mountinfo").context("cannot read the list of mounts")?;
    Ok(points(&table).into_iter().filter(|point| point.starts_with(folder)).collect())
}

/// The mount points in a `mountinfo` table (field 5, with octal escapes).
fn points(table: &str) -> Vec<PathBuf> {
    table.lines().filter_map(|line| line.split(' ').nth(4)).map(|point| PathBuf::from(unescape(point))).collect()
}

/// Undoes the kernel's `\040` for blank, tab, newline and backslash.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

/// Unmounts everything at or below `folder`, the latest first, and checks that nothing is left.
pub fn release(folder: &Path) -> Result<()> {
    // A lazy unmount of a folder that holds others takes them along, and a mount may be made while we work.
    for _ in 0..10 {
        let found = below(folder)?;
        if found.is_empty() {
            return Ok(());
        }
        for point in found.iter().rev() {
            // One that is gone already is no matter: the next look tells.
            let _ = umount2(point, MntFlags::MNT_DETACH);
        }
    }
    let left = below(folder)?;
    ensure!(left.is_empty(), "still mounted below {}: {left:?}", folder.display());
    Ok(())
}

/// Removes a folder and all in it, after [`release`]. A folder that is not there is no error.
pub fn remove(folder: &Path) -> Result<()> {
    release(folder)?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_unescaped() {
        let table = "42 27 0:4 net:[40] /tmp/a\\040b/ns rw - nsfs nsfs rw\n27 1 8:1 / / rw - ext4 /dev/vda rw\n";
        assert_eq!(points(table), [PathBuf::from("/tmp/a b/ns"), PathBuf::from("/")]);
    }

    #[test]
    fn a_folder_named_alike_is_not_below() {
        assert!(!Path::new("/var/lib/steppe-lab/dev2").starts_with("/var/lib/steppe-lab/dev"));
    }
}
