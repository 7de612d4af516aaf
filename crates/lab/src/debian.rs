//! Debian packages the ground is made of: which are missing, and how they come without starting a service.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::node::command::{run, text};
use crate::tools::Progress;

/// What the ground needs, and what for.
pub const PACKAGES: [(&str, &str); 19] = [
    ("etcd-server", "the cluster's database"),
    ("containerd", "runs the pods"),
    ("runc", "runs the pods"),
    ("containernetworking-plugins", "the pods' network"),
    ("iptables", "Services (kube-proxy)"),
    ("nftables", "network policies"),
    ("iproute2", "the ground's network"),
    ("util-linux", "namespaces"),
    ("mount", "volumes"),
    ("busybox-static", "small images"),
    ("debootstrap", "the server's image"),
    ("debian-archive-keyring", "checks what debootstrap fetches"),
    ("binutils", "makes the operator's image small"),
    ("buildah", "pushes images to a registry"),
    ("docker-registry", "a registry to try that with"),
    ("age", "opens exports"),
    ("openssl", "checks exports' signatures"),
    ("libnss3-tools", "lets a browser trust the ground's CA"),
    ("postgresql", "the control plane's database"),
];

/// What journeys in a browser need besides.
pub const BROWSER: [(&str, &str); 2] = [("chromium", "the browser"), ("fonts-liberation", "what its pages are set in")];

/// The services that come with those packages. The ground runs the programs itself.
const SERVICES: [&str; 4] = ["etcd", "containerd", "docker-registry", "postgresql"];

/// Asked by Debian's packages before they start a service; 101 forbids it.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const FORBID: &str = "#!/bin/sh\n# Put here by steppe-lab while it installs packages; it may be removed.\nexit 101\n";

/// Read by PostgreSQL's package before it makes a server of its own; ours is there while the package is installed.
const NO_CLUSTER: (&str, &str) = (
    "/etc/postgresql-common/createcluster.d/steppe-lab.conf",
    "# Put here by steppe-lab while it installs the package; it may be removed.\ncreate_main_cluster = false\n",
);

/// The packages that are not installed, in the order of [`PACKAGES`].
pub fn missing() -> Result<Vec<&'static str>> {
    missing_of(&PACKAGES)
}

/// The packages of a list that are not installed.
pub fn missing_of<'a>(packages: &[(&'a str, &str)]) -> Result<Vec<&'a str>> {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f", "${Package} ${db:Status-Status}\n"]).args(packages.iter().map(|(name, _)| name));
    // It fails when it does not know a package, and still lists the others.
    let output = query.output().context("cannot run dpkg-query: the ground needs Debian or a system made from it")?;
    Ok(absent(packages, &String::from_utf8_lossy(&output.stdout)))
}

/// The packages that a list of "name status" lines does not show as installed.
fn absent<'a>(packages: &[(&'a str, &str)], list: &str) -> Vec<&'a str> {
    let installed = |name: &str| list.lines().any(|line| line.split_once(' ') == Some((name, "installed")));
    packages.iter().map(|(name, _)| *name).filter(|name| !installed(name)).collect()
}

/// Installs what is missing. No service is started, now or at the next boot, and no policy is left behind.
pub fn install(packages: &[&str], progress: &mut dyn Progress) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    progress.step(&format!("Installing {}", packages.join(" ")));
    let quiet = Quiet::begin(Path::new(POLICY))?;
    let no_cluster = packages.contains(&"postgresql").then(|| Passing::put(Path::new(NO_CLUSTER.0), NO_CLUSTER.1));
    let no_cluster = no_cluster.transpose()?;
    let lists = fs::read_dir("/var/lib/apt/lists").into_iter().flatten().flatten();
    let fetched = lists.into_iter().any(|entry| entry.file_name().to_string_lossy().contains("_Packages"));
    if !fetched {
        run(&mut quiet.apt(&["update"]))?;
    }
    let words = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    // Lists that are too old name versions that are gone.
    if run(&mut quiet.apt(&words)).is_err() {
        run(&mut quiet.apt(&["update"]))?;
        run(&mut quiet.apt(&words)).context("install these packages by hand, then try again")?;
    }
    drop((quiet, no_cluster));
    let wished: Vec<(&str, &str)> = packages.iter().map(|name| (*name, "")).collect();
    if let Some(package) = missing_of(&wished)?.first() {
        bail!("apt-get went well, but the package {package} is not installed");
    }
    stay_off(packages)
}

/// Keeps systemd from starting our packages' services at the next boot. Services that were there before are let be.
fn stay_off(installed: &[&str]) -> Result<()> {
    if !Path::new("/run/systemd/system").exists() {
        return Ok(());
    }
    let new = |service: &&&str| {
        installed.iter().any(|package| *package == **service || *package == format!("{service}-server"))
    };
    for service in SERVICES.iter().filter(new) {
        run(Command::new("systemctl").args(["disable", &format!("{service}.service")]))?;
    }
    Ok(())
}

/// A file that is there for a while.
struct Passing(PathBuf);

impl Passing {
    fn put(path: &Path, text: &str) -> Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let put = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
        put.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        // Should it stay, the next run takes it away.
        let _ = fs::remove_file(&self.0);
    }
}

/// Holds services back while packages are installed.
struct Quiet {
    policy: PathBuf,
    how: How,
}

enum How {
    /// The machine's own policy forbids already.
    Given,
    /// There was no policy; ours goes with this value.
    Ours,
    /// The machine's policy is covered by ours, for apt's eyes only.
    Covered(tempfile::NamedTempFile),
}

impl Quiet {
    fn begin(policy: &Path) -> Result<Self> {
        let ours = |path: &Path| -> Result<()> {
            fs::write(path, FORBID).with_context(|| format!("cannot write {}", path.display()))?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
            Ok(())
        };
        // One that a killed run of ours left is ours to remove.
        let how = if !policy.exists() || fs::read_to_string(policy).is_ok_and(|text| text == FORBID) {
            ours(policy)?;
            How::Ours
        } else if Command::new(policy).args(["containerd", "start"]).status().is_ok_and(|end| end.code() == Some(101)) {
            How::Given
        } else {
            let file = tempfile::NamedTempFile::new().context("no place for a temporary file")?;
            ours(file.path())?;
            How::Covered(file)
        };
        Ok(Self { policy: policy.to_owned(), how })
    }

    fn apt(&self, words: &[&str]) -> Command {
        let mut command = match &self.how {
            How::Covered(file) => {
                let mut command = Command::new("unshare");
                command.args(["--mount", "sh", "-c", "mount --bind \"$0\" \"$1\" && shift && exec \"$@\""]);
                command.arg(file.path()).arg(&self.policy).arg("apt-get");
                command
            }
            How::Given | How::Ours => Command::new("apt-get"),
        };
        command.args(["--quiet", "--option", "Dpkg::Options::=--force-confold"]).args(words);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if matches!(self.how, How::Ours) {
            // It forbids what the machine's owner may want later; should it stay, the next run takes it away.
            let _ = fs::remove_file(&self.policy);
        }
    }
}

/// Whether this is Debian or made from it, by `/etc/os-release`.
pub fn is_debian(os_release: &str) -> bool {
    let words =
        os_release.lines().filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")));
    words.flat_map(|value| value.trim_matches('"').split_whitespace()).any(|word| word == "debian")
}

/// The version a program prints after `word`, as (major, minor).
pub fn version(command: &mut Command, word: &str) -> Option<(u32, u32)> {
    numbers(&text(command).ok()?, word)
}

fn numbers(output: &str, word: &str) -> Option<(u32, u32)> {
    let rest = output.get(output.find(word)? + word.len()..)?.trim_start();
    let mut parts = rest.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_installed_packages_count() {
        let list = "etcd-server installed\ncontainerd config-files\nrunc installed\n";
        let absent = absent(&PACKAGES, list);
        assert!(!absent.contains(&"etcd-server") && !absent.contains(&"runc"));
        assert!(absent.contains(&"containerd") && absent.contains(&"buildah"));
    }

    #[test]
    fn services_are_held_back_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy-rc.d");
        let quiet = Quiet::begin(&policy).unwrap();
        assert_eq!(Command::new(&policy).status().unwrap().code(), Some(101));
        drop(quiet);
        assert!(!policy.exists());
        // A killed run's file is taken over and removed.
        fs::write(&policy, FORBID).unwrap();
        drop(Quiet::begin(&policy).unwrap());
        assert!(!policy.exists());
    }

    #[test]
    fn a_passing_file_goes_and_a_left_one_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("not/yet/there.conf");
        for _ in 0..2 {
            let passing = Passing::put(&path, "a = b\n").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "a = b\n");
            drop(passing);
            assert!(!path.exists());
            fs::write(&path, "left by a killed run").unwrap();
        }
    }

    #[test]
    fn a_policy_of_the_machine_stays() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy-rc.d");
        for (code, given) in [(101, true), (0, false)] {
            fs::write(&policy, format!("#!/bin/sh\nexit {code}\n")).unwrap();
            fs::set_permissions(&policy, fs::Permissions::from_mode(0o755)).unwrap();
            let quiet = Quiet::begin(&policy).unwrap();
            assert_eq!(matches!(quiet.how, How::Given), given);
            drop(quiet);
            assert!(fs::read_to_string(&policy).unwrap().contains(&format!("exit {code}")));
        }
    }

    #[test]
    fn debian_and_its_children_are_known() {
        assert!(is_debian("NAME=x\nID=debian\n") && is_debian("ID=ubuntu\nID_LIKE=\"debian\"\n"));
        assert!(!is_debian("ID=fedora\nID_LIKE=\"rhel\"\n"));
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(numbers("go version go1.26.8 linux/amd64", "version go"), Some((1, 26)));
        assert_eq!(numbers("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", "cargo"), Some((1, 95)));
        assert_eq!(numbers("sh: not found", "cargo"), None);
    }
}
