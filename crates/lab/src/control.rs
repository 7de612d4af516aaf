//! The control plane beside a cell: `steppe server` and `steppe worker` with PostgreSQL, mailpit and a Caddy of their own
//! in front, all programs of the ground. They outlive the command that starts them and go when the ground goes.
//!
//! It is given exactly what an installation would be: the cell's kubeconfig is that of ServiceAccount
//! `steppe-control-plane`, its key to the bucket can read and nothing else.

mod customer;
mod dashboard;
mod door;
mod files;
mod people;
mod programs;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tokio::process::Command;

pub use customer::{Answer, Customer};
pub use dashboard::Dashboard;
pub use files::OFFERS;
pub use people::{Account, Staff, code, password};
pub use programs::Program;

use crate::cache::Cache;
use crate::demo::Cell;
use crate::install;
use crate::mailpit;
use crate::node::Ground;
use crate::postgres;
use crate::process::beside;
use crate::store;
use crate::tools::{self, Progress};

/// The domain of the dashboard's names: another than the servers' zone, or the program refuses.
pub const DOMAIN: &str = "hosting.test";
/// The dashboard's name.
pub const HOST: &str = "my.hosting.test";
/// The name of staff's pages.
pub const STAFF_HOST: &str = "staff.hosting.test";
/// The one cell.
const CELL: &str = "one";
/// Its folder on the ground.
const FOLDER: &str = "control";
/// The database.
const DATABASE: &str = "steppe";

/// A control plane that answers.
pub struct ControlPlane {
    /// Where it runs.
    pub ground: Ground,
    /// What customers see of it.
    pub dashboard: Dashboard,
    /// The address of staff's pages.
    pub staff_url: String,
    /// Its database. Holds the password.
    pub database: String,
    steppe: PathBuf,
    folder: PathBuf,
}

impl ControlPlane {
    /// Brings it up beside the cell on `ground`, or finds it up: tables, offers and the cell included.
    ///
    /// # Errors
    /// When a program does not come up; the error holds the end of its log.
    pub async fn on(ground: &Ground, cell: &Cell, cache: &Cache, progress: &mut dyn Progress) -> Result<Self> {
        progress.step("Starting PostgreSQL and the mail server");
        let services = tools::services(cache, progress).await?;
        let postgres = postgres::on(ground, cache).await?;
        let database = postgres.kept_database(DATABASE).await?;
        let mailpit = mailpit::on(ground, cache, progress).await?;
        let port = ground.ports.dashboard;
        let control = Self {
            ground: ground.clone(),
            dashboard: Dashboard::at(ground, port, mailpit)?,
            staff_url: format!("https://{STAFF_HOST}:{port}"),
            database,
            steppe: beside("steppe")?,
            folder: ground.state_dir.join(FOLDER),
        };
        progress.step("Starting the control plane");
        let reader = store::reader(ground, &cell.bucket.name)?;
        files::write(&control, &cell.site.client, &cell.bucket, &reader).await?;
        control.retire().await?;
        control.run(&["migrate"], "").await?;
        control.run(&["admin", "offers", "sync", &control.file("offers.toml")], "").await?;
        control.run(&["admin", "cells", "add", CELL, &ground.zone], "").await?;
        door::start(&control, &services)?;
        for program in Program::ALL {
            control.start(program)?;
        }
        control.answers().await?;
        Ok(control)
    }

    /// Runs one of its commands with its configuration and gives what it printed.
    ///
    /// # Errors
    /// When it fails; the error holds what it said.
    pub async fn run(&self, words: &[&str], input: &str) -> Result<String> {
        let mut command = Command::new(&self.steppe);
        command.arg("--config").arg(self.configuration()).args(words);
        install::run(command, input).await.with_context(|| format!("steppe {}", words.join(" ")))
    }

    /// The file with its configuration.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.folder.join("steppe.toml")
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}
