//! A backup of a workshop's database, made and restored by PostgreSQL's own programs, and a workshop that goes on with it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Result, ensure};
use control_plane::gateway::cluster::Cluster;
use lab::cache::Cache;
use lab::postgres::Postgres;
use tempfile::TempDir;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::{Workshop, platform};

/// A database as it was at one moment.
pub struct Backup {
    folder: TempDir,
}

impl Backup {
    /// How one is made; the database's address follows. Told so in `docs/operating.md`.
    pub const MAKE: &str = "pg_dump --format=custom --no-owner --no-privileges --file=steppe.dump";
    /// How one is restored; the address of an empty database follows. Told so in `docs/operating.md`.
    pub const RESTORE: &str =
        "pg_restore --exit-on-error --single-transaction --no-owner --no-privileges steppe.dump --dbname";

    async fn run(&self, command: &str, url: &str) -> Result<()> {
        let postgres = Postgres::shared(&Cache::open(None)?).await?;
        let mut words = command.split(' ');
        let mut program = Command::new(postgres.tool(words.next().unwrap_or_default())?);
        program.args(words).arg(url).current_dir(self.folder.path()).env_clear().env("PATH", "/usr/bin:/bin");
        let done = program.stdin(Stdio::null()).kill_on_drop(true).output().await?;
        ensure!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("steppe.dump")
    }
}

impl Workshop {
    /// The database's address.
    fn database(&self) -> String {
        use secrecy::ExposeSecret as _;
        self.platform.config.database_url.expose_secret().to_owned()
    }

    /// Makes a backup of the database while everything runs.
    ///
    /// # Errors
    /// When `pg_dump` does not make it.
    pub async fn back_up(&self) -> Result<Backup> {
        let backup = Backup { folder: tempfile::tempdir()? };
        backup.run(Backup::MAKE, &self.database()).await?;
        Ok(backup)
    }

    /// Stops for good, restores a backup into an empty database called `name`, and starts there: with the same key, cell, store
    /// and clock, and without anything that was in the programs' memory.
    ///
    /// # Errors
    /// When `pg_restore` does not take it.
    pub async fn restore(self, backup: &Backup, name: &str) -> Result<Self> {
        self.stop.cancel();
        let url = Postgres::shared(&Cache::open(None)?).await?.database(name).await?;
        backup.run(Backup::RESTORE, &url).await?;
        let clusters: [(String, Arc<dyn Cluster>); 1] = [("one".to_owned(), Arc::new(self.cluster.clone()))];
        let clusters: HashMap<_, _> = clusters.into();
        let workshop = Self {
            platform: platform(&url, &self.folder, self.clock.clone(), clusters, self.objects.clone())?,
            clock: self.clock.clone(),
            cluster: self.cluster.clone(),
            cell: self.cell,
            objects: self.objects.clone(),
            mailer: self.mailer.clone(),
            offer: self.offer,
            stop: CancellationToken::new(),
            folder: self.folder.clone(),
        };
        workshop.observe();
        Ok(workshop)
    }
}
