//! A PostgreSQL server of one's own, from Debian's package: for tests, for the derived files, for the demo.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use lab::{cache::Cache, postgres::{Durability, Postgres}};
//! let postgres = Postgres::shared(&Cache::open(None)?).await?; // one per test program; `Postgres::start` for one of one's own
//! let url = postgres.database("orders").await?; // empty, replaces one of that name; drop nothing, all of it goes with us
//! # drop(url); Ok(()) }
//! ```
//!
//! When `DATABASE_URL` is set, [`Postgres::shared`] uses that server and starts none: its role must be allowed to create
//! databases, and those it makes there are called `<database of the URL>_<name>`. They stay for a look; the next run
//! replaces them.
//!
//! The server runs as the user `postgres`, because it refuses to be root. Its role `steppe`, which all addresses given out
//! here name, is no superuser: what a program may do with it, it may do in earnest.

mod database;
mod ground;
mod program;
mod server;
mod template;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;
use url::Url;

pub use ground::{kill, on, stop};

use crate::cache::Cache;
use crate::child::{Child, Sweeper};
use database::Naming;
use program::Program;
use server::Setting;

/// How often the start is tried when somebody else took the port in between.
const ATTEMPTS: u32 = 3;
/// The role whose address is given out.
const ROLE: &str = "steppe";

/// What the death of the machine may cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// Everything: nothing waits for a disk. For tests.
    Throwaway,
    /// Nothing that was committed, as in earnest.
    Kept,
}

/// A server that answers.
pub struct Postgres {
    /// Its maintenance database, as the role that makes databases.
    url: Url,
    /// What databases are called on it.
    naming: Naming,
    took: Duration,
    /// Databases that others are copied from, and are ready.
    templates: Mutex<BTreeSet<String>>,
    /// Nothing when the server is somebody else's.
    private: Option<Private>,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address holds the password.
        f.debug_struct("Postgres").field("port", &self.url.port()).finish_non_exhaustive()
    }
}

/// What a server of our own consists of. Dropped in this order: the server first, then what it writes to.
struct Private {
    child: Option<Child>,
    program: Program,
    setting: Setting,
    sweeper: Sweeper,
    folder: TempDir,
}

impl Postgres {
    /// Starts a server of one's own on a free port of the loopback. It ends, with all its data, when it is dropped and
    /// when this process ends.
    pub async fn start(cache: &Cache, durability: Durability) -> Result<Self> {
        let program = Program::find()?;
        let template = template::ready(cache, &program).await?;
        let begun = Instant::now();
        let mut attempt = 1;
        let (private, url) = loop {
            match server::private(&program, &template, durability).await {
                Ok(started) => break started,
                Err(error) if attempt < ATTEMPTS => tracing::warn!("PostgreSQL, try {attempt}: {error:#}"),
                Err(error) => return Err(error).context("cannot start PostgreSQL"),
            }
            attempt += 1;
        };
        Ok(Self { took: begun.elapsed(), private: Some(private), ..Self::at(url, Naming::Plain) })
    }

    /// The one server of this process, or the one that `DATABASE_URL` names.
    pub async fn shared(cache: &Cache) -> Result<&'static Self> {
        static SHARED: OnceCell<Postgres> = OnceCell::const_new();
        let start = async || match database::given()? {
            Some(url) => anyhow::Ok(Self::at(url, Naming::Prefixed)),
            None => Self::start(cache, Durability::Throwaway).await,
        };
        SHARED.get_or_try_init(start).await
    }

    /// A server that runs already.
    fn at(url: Url, naming: Naming) -> Self {
        Self { url, naming, took: Duration::ZERO, templates: Mutex::default(), private: None }
    }

    /// How long it took to come up, without making the template.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// The address of its maintenance database, as a role that may make databases.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// A new, empty database and its address; one of that name is replaced. Names are lower-case letters, digits and
    /// underscores.
    pub async fn database(&self, name: &str) -> Result<String> {
        database::replace(&self.url, self.naming, name, None).await
    }

    /// The database of that name and its address, made if it is missing.
    pub async fn kept_database(&self, name: &str) -> Result<String> {
        database::keep(&self.url, self.naming, name).await
    }

    /// A new database that is a copy of the database `template`, which `fill` fills when it is asked for the first time.
    /// For what takes long to make and is the same for many tests, such as the tables. Nobody may be connected to the
    /// template meanwhile: `fill` closes what it opens.
    pub async fn copy(&self, name: &str, template: &str, fill: impl AsyncFnOnce(&str) -> Result<()>) -> Result<String> {
        let mut ready = self.templates.lock().await;
        if !ready.contains(template) {
            let url = self.database(template).await?;
            fill(&url).await.with_context(|| format!("cannot fill the database {template}"))?;
            ready.insert(template.to_owned());
        }
        drop(ready);
        database::replace(&self.url, self.naming, name, Some(template)).await
    }

    /// One of PostgreSQL's programs, of the server's version: `psql`, `pg_dump`, `pgbench`.
    pub fn tool(&self, name: &str) -> Result<PathBuf> {
        Ok(Program::find()?.path(name))
    }

    /// The process id of a server of our own, and the folder with all it has.
    pub fn process(&self) -> Option<(u32, &Path)> {
        let private = self.private.as_ref()?;
        Some((private.child.as_ref()?.id(), private.folder.path()))
    }

    /// Ends the server as if its machine had died, for as long as one likes; its data stays.
    pub fn kill(&mut self) -> Result<()> {
        let private = self.private.as_mut().context("this server is somebody else's")?;
        private.child = None;
        Ok(())
    }

    /// Starts the server again after [`Postgres::kill`], at the same address.
    pub async fn revive(&mut self) -> Result<()> {
        let private = self.private.as_mut().context("this server is somebody else's")?;
        private.run().await
    }
}
