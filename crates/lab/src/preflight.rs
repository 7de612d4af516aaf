//! What the machine must have before anything begins: all that is missing is named at once, with how to get it. And
//! what will be done to the machine, said before it is done for the first time.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache::Cache;
use crate::debian::{self, version};
use crate::node::ground::BASE;
use crate::tools::Progress;

/// The oldest Cargo that builds the operator.
const CARGO: (u32, u32) = (1, 95);
/// The oldest Go that builds Kubernetes 1.35 and the services.
const GO: (u32, u32) = (1, 25);
/// Free space for the builds' output, the images and a ground, in GiB. Measured: 11 GiB after a cold run.
const DISK: u64 = 15;
/// Memory, in GiB. The ground idles at 0.6, a linker needs 2.
const MEMORY: u64 = 4;
/// CAP_NET_ADMIN and CAP_SYS_ADMIN, as bits of `CapEff`. Source: `linux/capability.h`.
const CAPABILITIES: [(u64, &str); 2] = [(1 << 12, "CAP_NET_ADMIN"), (1 << 21, "CAP_SYS_ADMIN")];

/// What was found on the machine.
#[derive(Clone, Debug)]
struct Machine {
    root: bool,
    capabilities: u64,
    debian: bool,
    cargo: Option<(u32, u32)>,
    go: Option<(u32, u32)>,
    memory: u64,
    disk: Option<u64>,
    cgroups: bool,
}

impl Machine {
    fn look(cache: &Cache) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let after =
            |text: &str, word: &str| text.lines().find_map(|line| Some(line.strip_prefix(word)?.trim().to_owned()));
        let status = read("/proc/self/status");
        let effective = after(&status, "CapEff:").and_then(|bits| u64::from_str_radix(&bits, 16).ok());
        let memory = after(&read("/proc/meminfo"), "MemTotal:");
        let kilobytes = memory.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        let disk = nix::sys::statvfs::statvfs(cache.root()).ok();
        Self {
            root: nix::unistd::geteuid().is_root(),
            capabilities: effective.unwrap_or(0),
            debian: debian::is_debian(&read("/etc/os-release")),
            cargo: version(Command::new("cargo").arg("--version"), "cargo"),
            // The Go that is here: another one would be fetched without a word.
            go: version(Command::new("go").arg("version").env("GOTOOLCHAIN", "local"), "version go"),
            memory: kilobytes.unwrap_or(0).div_ceil(1 << 20),
            disk: disk.map(|disk| (disk.blocks_available() * disk.fragment_size()) >> 30),
            cgroups: read("/proc/mounts")
                .lines()
                .any(|line| line.split(' ').nth(2).is_some_and(|kind| kind.starts_with("cgroup"))),
        }
    }

    /// All that is missing, each with how to get it.
    fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        let mut need = |good: bool, text: String| {
            if !good {
                missing.push(text);
            }
        };
        let found =
            |version: Option<(u32, u32)>| version.map_or("none".into(), |(major, minor)| format!("{major}.{minor}"));
        need(self.root, "root: the node makes namespaces, mounts and interfaces; run it with `sudo -E`".into());
        for (bit, name) in CAPABILITIES {
            let there = !self.root || self.capabilities & bit != 0;
            need(
                there,
                format!("{name}: this container is not privileged; run it on the machine itself, or `--privileged`"),
            );
        }
        need(self.debian, "Debian 12 or 13 (or a system made from it): the node is made of its packages".into());
        let cargo = found(self.cargo);
        need(
            self.cargo >= Some(CARGO),
            format!("cargo {}.{} or newer (found: {cargo}): https://rustup.rs", CARGO.0, CARGO.1),
        );
        let go = found(self.go);
        need(self.go >= Some(GO), format!("Go {}.{} or newer (found: {go}): https://go.dev/dl", GO.0, GO.1));
        need(self.memory >= MEMORY, format!("{MEMORY} GiB of memory (found: {})", self.memory));
        let disk = self.disk.unwrap_or(DISK);
        need(
            disk >= DISK,
            format!("{DISK} GiB of free disk (found: {disk}): make room, or set STEPPE_CACHE to a folder elsewhere"),
        );
        need(self.cgroups, "cgroups: `mount -t cgroup2 none /sys/fs/cgroup`".into());
        missing
    }
}

/// Checks the machine. An error names all that is missing.
pub fn check(cache: &Cache) -> Result<()> {
    let missing = Machine::look(cache).missing();
    if !missing.is_empty() {
        bail!("this machine lacks:\n  {}", missing.join("\n  "));
    }
    Ok(())
}

/// What will be done to the machine, if it was never said to the user of this cache.
pub fn first_notice(cache: &Cache) -> Result<Option<String>> {
    let said = cache.path("said");
    if said.exists() {
        return Ok(None);
    }
    let notice = notice(cache, &debian::missing()?);
    fs::write(&said, &notice).with_context(|| format!("cannot write {}", said.display()))?;
    Ok(Some(notice))
}

/// Checks the machine and installs the missing packages.
pub fn prepare(cache: &Cache, progress: &mut dyn Progress) -> Result<()> {
    check(cache)?;
    // Another run may be at it.
    let _lock = cache.lock("packages")?;
    debian::install(&debian::missing()?, progress)
}

/// Checks the machine and installs what is missing of a browser.
pub fn browser(cache: &Cache, progress: &mut dyn Progress) -> Result<()> {
    check(cache)?;
    let _lock = cache.lock("packages")?;
    crate::browser::install(progress)
}

/// What is done to the machine.
fn notice(cache: &Cache, packages: &[&str]) -> String {
    let browser: Vec<&str> = debian::BROWSER.iter().map(|(name, _)| *name).collect();
    let packages = match packages {
        [] => "no Debian packages (all needed ones are there)".to_owned(),
        packages => format!(
            "Debian packages by apt-get: {}; no service of theirs is started, no PostgreSQL server is set up",
            packages.join(" ")
        ),
    };
    format!(
        "Before the first time, what this does to your machine:
  installs  {packages}
            for tests with a browser also, when missing: {browser} nodejs npm
  keeps     builds, downloads and images in {cache}
  makes     {BASE}/NAME with all of a ground's data; containerd, the kubelet and runc also use /run/containerd,
            /run/runc, /var/lib/cni, /var/lib/kubelet and /var/log/containers
  runs      etcd, Kubernetes, containerd, CoreDNS, Caddy, versitygw, mailpit and pods as root, PostgreSQL as postgres, in a network namespace of their own
  adds      one interface stp-NAME with three routes into that namespace (10.244.N.0/24, 10.96.0.0/16 or the next free)
  adds      a cgroup steppe-NAME; while a ground is up, six kernel settings of the kubelet (vm.overcommit_memory, kernel.panic, …)
  leaves    your firewall, resolver, /etc and other clusters alone
`cargo xtask cluster down` takes all of it away, but for the packages and the cache.",
        browser = browser.join(" "),
        cache = cache.root().display(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Machine {
        Machine {
            root: true,
            capabilities: u64::MAX,
            debian: true,
            cargo: Some((1, 95)),
            go: Some((1, 26)),
            memory: 24,
            disk: Some(70),
            cgroups: true,
        }
    }

    #[test]
    fn a_good_machine_lacks_nothing() {
        assert_eq!(good().missing(), Vec::<String>::new());
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let bare = Machine {
            root: false,
            capabilities: 0,
            debian: false,
            cargo: None,
            go: Some((1, 19)),
            memory: 1,
            disk: Some(3),
            cgroups: false,
        };
        let text = bare.missing().join("\n");
        for word in ["root", "Debian", "cargo 1.95", "found: 1.19", "memory", "disk", "cgroups"] {
            assert!(text.contains(word), "{word} is not in {text}");
        }
        assert!(!text.contains("CAP_"), "without root the capabilities say nothing");
    }

    #[test]
    fn a_container_without_privileges_is_told() {
        let machine = Machine { capabilities: 1 << 12, ..good() };
        assert_eq!(machine.missing().len(), 1);
        assert!(machine.missing()[0].starts_with("CAP_SYS_ADMIN"));
    }

    #[test]
    fn the_notice_names_packages_and_places() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap();
        let text = notice(&cache, &["etcd-server", "runc"]);
        assert!(text.contains("etcd-server runc") && text.contains(BASE));
        assert!(text.contains(&cache.root().display().to_string()));
    }
}
