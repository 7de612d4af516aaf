//! The cgroup of a ground's pods, apart from those of any other kubelet: two kubelets below one root would remove each
//! other's pods.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::Signal;

use crate::process::Identity;

/// A mounted hierarchy.
#[derive(Debug, Eq, PartialEq)]
struct Hierarchy {
    point: PathBuf,
    unified: bool,
    cpuset: bool,
}

/// The hierarchies in a `/proc/mounts` table.
fn hierarchies(table: &str) -> Vec<Hierarchy> {
    let read = |line: &str| {
        let mut words = line.split(' ');
        let (_, point, kind, options) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let cpuset = options.split(',').any(|option| option == "cpuset");
        let point = PathBuf::from(point);
        matches!(kind, "cgroup" | "cgroup2").then_some(Hierarchy { point, unified: kind == "cgroup2", cpuset })
    };
    table.lines().filter_map(read).collect()
}

fn mounted() -> Result<Vec<Hierarchy>> {
    let found = hierarchies(&fs::read_to_string("/proc/mounts").context("cannot read the list of mounts")?);
    if found.is_empty() {
        bail!("no cgroup hierarchy is mounted: mount cgroup2 at /sys/fs/cgroup");
    }
    Ok(found)
}

/// Makes the cgroup in each hierarchy the kubelet uses.
pub fn create(name: &str) -> Result<()> {
    let all = mounted()?;
    // With version 1 controllers about, the unified hierarchy beside them has none and is not used.
    let only_unified = all.iter().all(|hierarchy| hierarchy.unified);
    for hierarchy in all.iter().filter(|hierarchy| only_unified || !hierarchy.unified) {
        let folder = hierarchy.point.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create the cgroup {}", folder.display()))?;
        if hierarchy.unified {
            let wanted = "+cpu +cpuset +memory +pids +io";
            fs::write(hierarchy.point.join("cgroup.subtree_control"), wanted)
                .with_context(|| format!("cannot enable controllers below {}", hierarchy.point.display()))?;
        }
        // A new cpuset of version 1 is empty, and an empty one takes no process.
        for file in ["cpuset.cpus", "cpuset.mems"].iter().filter(|_| hierarchy.cpuset && !hierarchy.unified) {
            let value = fs::read_to_string(hierarchy.point.join(file))?;
            fs::write(folder.join(file), value.trim()).with_context(|| format!("cannot set {file} of {name}"))?;
        }
    }
    Ok(())
}

/// The cgroup's folders that exist, one for each hierarchy.
fn folders(name: &str) -> Result<Vec<PathBuf>> {
    Ok(mounted()?.into_iter().map(|hierarchy| hierarchy.point.join(name)).filter(|folder| folder.exists()).collect())
}

/// All folders at or below `folder`, the deepest first.
fn tree(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut all: Vec<PathBuf> = below.flat_map(|entry| tree(&entry.path())).collect();
    all.push(folder.to_owned());
    all
}

/// Sends SIGKILL to all processes of the cgroup and returns how many there were.
pub fn kill(name: &str) -> Result<usize> {
    kill_all(folders(name)?.iter().flat_map(|folder| tree(folder)))
}

/// Sends SIGKILL to all processes of one container of the cgroup's pods, as the kernel does when memory runs out, and
/// returns how many there were.
pub fn kill_container(name: &str, container: &str) -> Result<usize> {
    let all = folders(name)?.into_iter().flat_map(|folder| tree(&folder));
    kill_all(all.filter(|folder| folder.file_name().is_some_and(|own| own == container)))
}

fn kill_all(folders: impl Iterator<Item = PathBuf>) -> Result<usize> {
    let mut killed = BTreeSet::new();
    for folder in folders {
        let pids = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        for identity in pids.lines().filter_map(|pid| Identity::of(pid.parse().ok()?)) {
            identity.signal(Signal::SIGKILL)?;
            killed.insert(identity.pid);
        }
    }
    Ok(killed.len())
}

/// Removes the cgroup, once its processes are gone. Returns whether it is gone; a dying process holds it for a moment.
pub fn remove(name: &str) -> Result<bool> {
    for folder in folders(name)?.iter().flat_map(|folder| tree(folder)) {
        match fs::remove_dir(&folder) {
            Err(error) if error.raw_os_error() == Some(Errno::EBUSY as i32) => return Ok(false),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove the cgroup {}", folder.display()));
            }
            _ => {}
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_are_told_apart() {
        let table = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0\n\
                     cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let found = hierarchies(table);
        assert_eq!(found.len(), 2);
        assert!(found[0].cpuset && !found[0].unified && found[1].unified);
    }
}
