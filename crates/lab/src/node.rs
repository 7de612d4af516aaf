//! The real cluster: Kubernetes 1.35 on this very machine, from Debian packages and programs of our own build.
//!
//! A ground lives in a network namespace of its own, joined to the host by one pair of interfaces. The node's address,
//! the Services' and the pods' ranges are routed into it from the host, so host and pods use the same addresses and
//! ports; kube-proxy, policies and network settings touch nothing of the host, and two grounds cannot meet.
//! For whoever starts programs for a ground:
//! - start them by [`Ground::processes`]: they then run inside;
//! - bind to `node_ip` what the host or a pod must reach; `127.0.0.1` is the namespace's own loopback, out of the
//!   host's reach; unix sockets work everywhere;
//! - packets from the host come from `host_ip` through the interface `host0`: policies treat them as the node's own.

pub mod cgroup;
pub mod choice;
pub mod cidr;
pub mod command;
pub mod containerd;
pub mod control;
pub mod ground;
pub mod kubeconfig;
pub mod kubelet;
pub mod mounts;
pub mod namespace;
pub mod pause;
pub mod pki;
pub mod ready;
pub mod removal;
pub mod services;
pub mod status;
pub mod sysctl;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;

use crate::cache::Cache;
use crate::tools::{self, Progress, Tools};
use crate::{images, preflight};
pub use containerd::import_image;
pub use ground::{Addresses, Config, Ground, Ports};
use namespace::Namespace;
pub use status::{Status, status};
use sysctl::Kernel;

/// How long a program that was built anew gets to end.
const OUTDATED: Duration = Duration::from_secs(10);

/// Brings a ground up, or finds it up. Starts what has died of it. What a stopped ground left behind is thrown away
/// first, unless `config.keep`.
pub async fn up(config: &Config, cache: &Cache, progress: &mut dyn Progress) -> Result<Ground> {
    let _lock = lock(config, cache).await?;
    preflight::prepare(cache, progress)?;
    let programs = tools::kubernetes(cache, progress).await?;
    let parts = if config.bare { None } else { Some(services::build(cache, progress).await?) };
    let ground = prepare(config, &programs, progress).await?;
    let client = start(&ground, &programs, cache, progress).await?;
    if let Some(parts) = parts {
        let lab = config.lab.clone().map_or_else(|| crate::process::beside("steppe-lab"), Ok)?;
        services::start(&ground, &parts, &lab, &client, progress).await?;
    }
    Ok(ground)
}

/// Takes a ground away: its processes, mounts, interfaces, cgroups and, unless `keep`, its data. Returns whether there
/// was one.
pub async fn down(config: &Config, cache: &Cache, progress: &mut dyn Progress) -> Result<bool> {
    let _lock = lock(config, cache).await?;
    let Some(ground) = Ground::recover(config)? else {
        return Ok(false);
    };
    progress.step(&format!("Taking the ground {} away", ground.name));
    if config.keep {
        removal::stop(&ground, true).await?
    } else {
        removal::remove(&ground).await?
    }
    Ok(true)
}

async fn lock(config: &Config, cache: &Cache) -> Result<crate::cache::CacheLock> {
    let (cache, name) = (cache.clone(), format!("ground-{}", config.name));
    tokio::task::spawn_blocking(move || cache.lock(&name)).await?
}

/// The ground to start: the one that is there, or a new one.
async fn prepare(config: &Config, programs: &Tools, progress: &mut dyn Progress) -> Result<Ground> {
    let namespace = Namespace::at(&config.state_dir.join("netns"));
    if namespace.exists()? || (config.keep && Ground::file(&config.state_dir).exists()) {
        let ground = Ground::load(&config.state_dir)?.filter(|ground| ground.kubectl == programs.program("kubectl"));
        return ground.with_context(|| {
            let name = &config.name;
            format!("the ground {name} is of another version of Kubernetes: `steppe-lab down --name {name}` first")
        });
    }
    if let Some(ground) = Ground::recover(config)? {
        progress.step(&format!("Clearing what the ground {} left behind", ground.name));
        removal::remove(&ground).await?;
    }
    fs::create_dir_all(&config.state_dir).with_context(|| format!("cannot create {}", config.state_dir.display()))?;
    // Keys lie below; pods' volumes too, but the kubelet gives them to pods by itself.
    fs::set_permissions(&config.state_dir, fs::Permissions::from_mode(0o711))?;
    choose(config, programs)
}

/// Gives a new ground its addresses, alone on the machine while it looks for free ones.
fn choose(config: &Config, programs: &Tools) -> Result<Ground> {
    let machine = File::open("/var/lib").context("cannot open /var/lib")?;
    machine.lock().context("cannot lock /var/lib")?;
    let others = Ground::all();
    let addresses = match config.addresses {
        Some(addresses) => addresses,
        None => {
            let mut taken = namespace::taken()?;
            taken.extend(others.iter().flat_map(|other| [other.addresses.pod_cidr, other.addresses.service_cidr]));
            choice::free(&taken)?
        }
    };
    let before = others.first().map_or_else(Kernel::now, |other| other.before.clone());
    let ground = Ground::new(config, addresses, programs.program("kubectl"), before);
    ground.save()?;
    Ok(ground)
}

/// Starts all programs of the node in order, each as soon as what it needs answers.
async fn start(ground: &Ground, tools: &Tools, cache: &Cache, progress: &mut dyn Progress) -> Result<Client> {
    let programs = tools.folder();
    progress.step("Making keys, addresses and cgroups");
    pki::write(ground)?;
    namespace::join(ground)?;
    cgroup::create(&ground.cgroup)?;
    let processes = ground.processes();
    for name in processes.names().iter().filter(|name| processes.outdated(name)) {
        progress.step(&format!("Stopping {name}, which was built anew"));
        processes.stop(name, OUTDATED).await?;
    }
    progress.step("Starting etcd, containerd and the API server");
    processes.start(&control::etcd(ground))?;
    processes.start(&containerd::containerd(ground)?)?;
    processes.start(&control::apiserver(ground, programs))?;
    containerd::answers(ground).await?;
    images::import(ground, &pause::image(cache)?).await?;
    let client = ready::apiserver(ground).await?;
    progress.step("Starting the controllers, the kubelet and kube-proxy");
    processes.start(&control::controller_manager(ground, programs))?;
    processes.start(&control::scheduler(ground, programs))?;
    processes.start(&kubelet::kubelet(ground, programs)?)?;
    processes.start(&kubelet::proxy(ground, programs))?;
    progress.step("Waiting for the node to be Ready");
    ready::node(ground, &client).await?;
    Ok(client)
}
