//! Where PostgreSQL is, and as whom it runs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::unistd::User;

/// The oldest PostgreSQL that the tables are made for.
const OLDEST: u32 = 15;
/// Debian's packages put each version into a folder of its own here.
const BASE: &str = "/usr/lib/postgresql";
/// The package makes this user.
const USER: &str = "postgres";

/// PostgreSQL's programs.
#[derive(Clone, Debug)]
pub struct Program {
    folder: PathBuf,
    /// The major version.
    pub version: u32,
    /// Whom it runs as; `None`: as we do, because we are not root.
    pub user: Option<User>,
}

impl Program {
    /// The newest one of this machine.
    pub fn find() -> Result<Self> {
        let folders = fs::read_dir(BASE).into_iter().flatten().flatten();
        let versions = folders.filter_map(|folder| folder.file_name().to_str()?.parse::<u32>().ok());
        let usable = versions.filter(|version| *version >= OLDEST && bin(*version).join("postgres").is_file());
        let version = usable.max().with_context(|| {
            format!(
                "there is no PostgreSQL {OLDEST} or newer in {BASE}: `apt-get install postgresql`, or set DATABASE_URL"
            )
        })?;
        let user = if nix::unistd::geteuid().is_root() {
            let user = User::from_name(USER).context("cannot look up users")?;
            Some(user.with_context(|| format!("there is no user {USER}, which Debian's package makes"))?)
        } else {
            None
        };
        Ok(Self { folder: bin(version), version, user })
    }

    /// One of its programs.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The words before a program that must not be root: it gets a space of its own for what System V calls shared
    /// memory, which would outlive a killed server. The last word is setpriv(1), without `--`.
    pub fn wrapper(&self) -> Vec<String> {
        let Some(user) = &self.user else {
            return vec!["setpriv".into()];
        };
        let ids = [format!("--reuid={}", user.uid), format!("--regid={}", user.gid)];
        let words = ["unshare", "--ipc", "--", "setpriv", "--init-groups"].map(str::to_owned);
        [&words[..], &ids[..]].concat()
    }

    /// Gives a file or folder to the user it runs as.
    pub fn own(&self, path: &Path) -> Result<()> {
        let Some(user) = &self.user else { return Ok(()) };
        let ids = (Some(user.uid.as_raw()), Some(user.gid.as_raw()));
        std::os::unix::fs::chown(path, ids.0, ids.1).with_context(|| format!("cannot give away {}", path.display()))
    }
}

fn bin(version: u32) -> PathBuf {
    Path::new(BASE).join(version.to_string()).join("bin")
}
