//! A plain Debian with nothing of ours on it, to prove that a bundle brings a server up elsewhere.
//!
//! Commands run in a root folder of their own with mounts of their own, which end with them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::process::{Child, Command};

use crate::cache::Cache;
use crate::wait;

/// What the machine needs besides Debian's smallest set: the flavour's package, and the stock programs that
/// `restore.sh` names.
const PACKAGES: &str = "snac2,age,openssl,ca-certificates";
const SUITE: &str = "trixie";

/// The machine to restore on.
#[derive(Debug, Clone)]
pub struct PlainDebian {
    root: PathBuf,
}

impl PlainDebian {
    /// Makes the machine's root folder, once.
    ///
    /// # Errors
    /// When Debian's packages cannot be fetched.
    pub async fn prepare(cache: &Cache) -> Result<Self> {
        let root = cache.keyed("rootfs", &format!("plain-{SUITE}-{}", PACKAGES.replace(',', "-")))?;
        let _lock = cache.lock("rootfs-plain")?;
        if !root.join("etc/debian_version").exists() {
            let fresh = root.with_extension("new");
            if fresh.exists() {
                std::fs::remove_dir_all(&fresh)?;
            }
            let output = Command::new("debootstrap")
                .args(["--variant=minbase", &format!("--include={PACKAGES}"), SUITE])
                .arg(&fresh)
                .stdin(Stdio::null())
                .output()
                .await
                .context("debootstrap is missing: apt-get install debootstrap")?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stdout);
                bail!("debootstrap {SUITE} failed: {}", said.lines().last().unwrap_or_default());
            }
            if root.exists() {
                std::fs::remove_dir_all(&root)?;
            }
            std::fs::rename(&fresh, &root)?;
        }
        Ok(Self { root })
    }

    /// A command on that machine, with `work` at `/mnt`.
    fn command(&self, work: &Path, script: &str) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c"])
            .arg(concat!(
                "set -e; mount --bind \"$2\" \"$1/mnt\"; mount -t tmpfs tmpfs \"$1/dev/shm\"; ",
                "mount -t proc proc \"$1/proc\"; mount -t tmpfs tmpfs \"$1/tmp\"; ",
                "exec chroot \"$1\" /bin/sh -c \"$3\""
            ))
            .args(["sh".as_ref(), self.root.as_os_str(), work.as_os_str(), script.as_ref()])
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs a shell script with `work` at `/mnt` and gives back what it printed.
    ///
    /// # Errors
    /// When it fails; the error holds what it said.
    pub async fn run(&self, work: &Path, script: &str) -> Result<String> {
        let output = self.command(work, script).output().await?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            bail!("on the plain Debian, `{script}` failed ({}):\n{}", output.status, said.trim());
        }
        Ok(said)
    }

    /// Starts the restored snac in `work/data` on loopback and waits until it answers. It listens where its
    /// `server.json` says.
    ///
    /// # Errors
    /// When it does not answer within ten seconds.
    pub async fn serve(&self, work: &Path, host: &str, port: u16) -> Result<Served> {
        let log = std::fs::File::create(work.join("server.log"))?;
        let mut command = self.command(work, "exec snac httpd /mnt/data");
        let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        let served = Served { _child: child, base: format!("http://127.0.0.1:{port}") };
        let probe = reqwest::Client::new();
        let answers = wait::until("the restored server", Duration::from_secs(10), async || {
            let answer = probe.get(format!("{}/robots.txt", served.base)).header("Host", host).send().await?;
            Ok(answer.status().is_success().then_some(()))
        });
        answers.await.with_context(|| std::fs::read_to_string(work.join("server.log")).unwrap_or_default())?;
        Ok(served)
    }
}

/// A restored server; it ends when this is dropped.
pub struct Served {
    _child: Child,
    /// Where it answers.
    pub base: String,
}
