//! Taking a ground away, in the order that leaves nothing behind and loses no data that is still mounted.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::future::try_join_all;
use nix::sys::signal::Signal;

use super::ground::{BASE, Ground};
use super::namespace::{self, Namespace};
use super::{cgroup, containerd, mounts};
use crate::process::Identity;
use crate::wait;

/// How long a program gets to end by itself when its data is to be kept, and when not.
const KIND: Duration = Duration::from_secs(15);
const HARSH: Duration = Duration::from_millis(1);

/// Ends everything that runs, mounts, routes or counts for the ground. Its state folder stays.
pub async fn stop(ground: &Ground, keep: bool) -> Result<()> {
    end_programs(ground, if keep { KIND } else { HARSH }).await?;
    end_pods(ground).await?;
    let sockets = shim_sockets(ground);
    mounts::release(&ground.state_dir.join("kubelet"))?;
    mounts::release(&ground.state_dir.join("containerd"))?;
    namespace::part(ground)?;
    mounts::release(&ground.state_dir)?;
    network_records(ground)?;
    log_links(ground)?;
    for socket in sockets {
        remove_file(&socket)?;
    }
    Ok(())
}

/// Takes the ground away with all its data.
pub async fn remove(ground: &Ground) -> Result<()> {
    stop(ground, false).await?;
    mounts::remove(&ground.state_dir)?;
    // Fails while another ground is there, whether its description can be read or not.
    if fs::remove_dir(BASE).is_ok() || !Path::new(BASE).exists() {
        ground.before.restore()?;
        plugin_folder()?;
        shared_folders();
    }
    Ok(())
}

/// Folders that all grounds share go with the last ground and not as soon as they are empty: a kubelet makes the one of
/// its log links when it starts, and never again.
fn shared_folders() {
    for folder in
        ["/run/containerd/s", "/run/containerd", "/var/lib/cni/results", "/var/lib/cni", "/var/log/containers"]
    {
        let _ = fs::remove_dir(folder);
    }
}

/// The kubelet's folder for device plugins, which is the same wherever the kubelet's own folder is. It goes unless
/// another kubelet uses it.
fn plugin_folder() -> Result<()> {
    let folder = Path::new("/var/lib/kubelet/device-plugins");
    let socket = folder.join("kubelet.sock");
    if socket.exists() && UnixStream::connect(&socket).is_err() {
        remove_file(&socket)?;
        remove_file(&folder.join("kubelet_internal_checkpoint"))?;
    }
    for folder in [folder, Path::new("/var/lib/kubelet")] {
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// Ends the ground's programs. The kubelet goes first, or it starts again what is ended next; the API server outlives its
/// clients and etcd the API server, or each waits for what will not come.
async fn end_programs(ground: &Ground, limit: Duration) -> Result<()> {
    let processes = ground.processes();
    processes.stop("kubelet", limit).await?;
    crate::postgres::stop(ground).await?;
    let mut names = processes.names();
    names.retain(|name| name != "kube-apiserver" && name != "etcd");
    try_join_all(names.iter().map(|name| processes.stop(name, limit))).await?;
    processes.stop("kube-apiserver", limit).await?;
    processes.stop("etcd", limit).await
}

/// Ends containers, their shims and whatever else runs inside, and removes the cgroup.
async fn end_pods(ground: &Ground) -> Result<()> {
    let what = format!("the pods of {} to end", ground.name);
    wait::until(&what, Duration::from_secs(20), async || {
        let containers = cgroup::kill(&ground.cgroup)?;
        let (shims, strays) = (shims(ground), strays(ground)?);
        for process in shims.iter().chain(&strays) {
            process.signal(Signal::SIGKILL)?;
        }
        let (shims, strays) = (shims.len(), strays.len());
        if containers + shims + strays > 0 {
            bail!("{containers} processes in cgroup {}, {shims} shims, {strays} others", ground.cgroup);
        }
        Ok(cgroup::remove(&ground.cgroup)?.then_some(()))
    })
    .await
}

/// The shims of this ground's containerd: told by its socket on their command line, never by name.
fn shims(ground: &Ground) -> Vec<Identity> {
    let socket = ground.containerd.as_os_str().as_encoded_bytes();
    let ours = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        words.windows(2).any(|pair| pair[0] == b"-address" && pair[1] == socket)
    };
    pids().filter(ours).filter_map(Identity::of).collect()
}

/// Processes in the ground's network namespace that no pid file tells of.
fn strays(ground: &Ground) -> Result<Vec<Identity>> {
    if !Namespace::at(&ground.netns).exists()? {
        return Ok(Vec::new());
    }
    let number = fs::metadata(&ground.netns)?.ino();
    let inside = |pid: &i32| fs::metadata(format!("/proc/{pid}/ns/net")).is_ok_and(|file| file.ino() == number);
    Ok(pids().filter(inside).filter_map(Identity::of).collect())
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The sockets of our shims, which containerd puts into a folder that all share. Each bundle names its own.
fn shim_sockets(ground: &Ground) -> Vec<PathBuf> {
    let bundles = ground.state_dir.join("containerd/state/io.containerd.runtime.v2.task/k8s.io");
    let entries = fs::read_dir(bundles).into_iter().flatten().flatten();
    let address = |bundle: fs::DirEntry| fs::read_to_string(bundle.path().join("address")).ok();
    entries.filter_map(address).filter_map(|text| Some(PathBuf::from(text.trim().strip_prefix("unix://")?))).collect()
}

/// CNI's cached results of our pods, with those of the loopback plugin for the same containers.
fn network_records(ground: &Ground) -> Result<()> {
    let folder = Path::new("/var/lib/cni/results");
    let prefix = format!("{}-", containerd::network_name(ground));
    let entries = || fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    // NETWORK-CONTAINER-INTERFACE; a container's id has no dash.
    let container = |file: String| Some(file.strip_prefix(&prefix)?.split('-').next()?.to_owned());
    let containers: Vec<String> = entries().filter_map(|entry| container(name(&entry))).collect();
    for entry in entries() {
        let file = name(&entry);
        if containers.iter().any(|id| id.len() >= 12 && file.contains(id.as_str())) {
            remove_file(&entry.path())?;
        }
    }
    Ok(())
}

/// The links to our containers' logs that the kubelet puts into a folder that all share.
fn log_links(ground: &Ground) -> Result<()> {
    let logs = super::kubelet::logs(ground);
    for entry in fs::read_dir("/var/log/containers").into_iter().flatten().flatten() {
        if fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(&logs)) {
            remove_file(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
