//! A folder that a browser takes for its user's home: it trusts what it finds there, and leaves there what it keeps.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::child::Sweeper;
use crate::node::command::run;

/// The folder goes when this is dropped, and when this process ends.
pub struct Home {
    folder: TempDir,
    _sweeper: Sweeper,
}

impl Home {
    /// A home whose owner trusts the authority in the file `ca`.
    pub fn make(ca: Option<&Path>) -> Result<Self> {
        // Sockets lie in it: short.
        let folder =
            tempfile::Builder::new().prefix("steppe-home-").tempdir_in("/tmp").context("cannot make a folder")?;
        let sweeper = Sweeper::start(folder.path())?;
        if let Some(ca) = ca {
            let trust = folder.path().join(".pki/nssdb");
            std::fs::create_dir_all(&trust).with_context(|| format!("cannot create {}", trust.display()))?;
            let store = format!("sql:{}", trust.display());
            run(Command::new("certutil").args(["-d", &store, "-N", "--empty-password"]))?;
            run(Command::new("certutil").args(["-d", &store, "-A", "-t", "C,,", "-n", "steppe", "-i"]).arg(ca))?;
        }
        Ok(Self { folder, _sweeper: sweeper })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
