//! How the server is told to run, and its start.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sqlx::{Connection as _, PgConnection};
use url::Url;

use super::program::Program;
use super::template::Template;
use super::{Durability, Private, ROLE};
use crate::child::{Child, Launch, Parting, Sweeper};
use crate::light::base;
use crate::wait;

/// How long it may take until it answers. After a death it first reads its log.
const LIMIT: Duration = Duration::from_secs(60);
/// A disk, on every Debian; `/tmp` is memory on some.
const DISK: &str = "/var/tmp";

/// What differs between two servers.
#[derive(Clone)]
pub struct Setting {
    /// The folder with its data, its socket and its log.
    pub folder: PathBuf,
    pub address: IpAddr,
    pub port: u16,
    pub durability: Durability,
    pub password: String,
}

impl Setting {
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The maintenance database.
    pub fn url(&self) -> Result<Url> {
        let text = format!("postgres://{ROLE}:{}@{}:{}/postgres", self.password, self.address, self.port);
        Url::parse(&text).context("no address of PostgreSQL")
    }

    /// The server's arguments.
    pub fn args(&self) -> Vec<String> {
        let mut settings = vec![
            format!("listen_addresses={}", self.address),
            format!("port={}", self.port),
            format!("unix_socket_directories={}", self.folder.display()),
            "timezone=UTC".into(),
            "log_timezone=UTC".into(),
            // Its files go with the data; what lies in /dev/shm would outlive a killed server.
            "dynamic_shared_memory_type=mmap".into(),
            "max_connections=200".into(),
        ];
        if self.durability == Durability::Throwaway {
            let quick = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal"];
            // It would be in the way of copies of a template, and nothing here gets old.
            let plain = ["max_wal_senders=0", "autovacuum=off", "shared_buffers=64MB", "jit=off"];
            settings.extend(quick.iter().chain(&plain).map(|setting| (*setting).to_owned()));
        }
        let mut args = vec!["-D".to_owned(), self.data().display().to_string()];
        args.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
        args
    }
}

/// A server of our own, at a port nobody listens on now. Somebody may in a moment, so the caller tries again.
pub async fn private(program: &Program, template: &Template, durability: Durability) -> Result<(Private, Url)> {
    let place = if durability == Durability::Throwaway { base() } else { Path::new(DISK).to_owned() };
    let folder = tempfile::Builder::new()
        .prefix("steppe-postgres-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(place)
        .context("no folder for it")?;
    let sweeper = Sweeper::start(folder.path())?;
    program.own(folder.path())?;
    let setting = Setting {
        folder: folder.path().to_owned(),
        address: Ipv4Addr::LOCALHOST.into(),
        port: free_port()?,
        durability,
        password: template.password.clone(),
    };
    template.copy(&setting.data())?;
    let url = setting.url()?;
    let mut private = Private { child: None, program: program.clone(), setting, sweeper, folder };
    private.run().await?;
    Ok((private, url))
}

impl Private {
    /// Starts the server and waits until it answers.
    pub async fn run(&mut self) -> Result<()> {
        if self.child.is_some() {
            bail!("the server runs");
        }
        let mut child = Child::launch(&Launch {
            name: "postgres".into(),
            program: self.program.path("postgres"),
            args: self.setting.args(),
            folder: self.folder.path().to_owned(),
            wrapper: self.program.wrapper(),
            parting: Parting::Quit,
        })?;
        self.sweeper.after(&child)?;
        answers(&self.setting.url()?, || child.must_run()).await?;
        self.child = Some(child);
        Ok(())
    }
}

/// Waits until the server answers.
pub async fn answers(url: &Url, mut must_run: impl FnMut() -> Result<()>) -> Result<()> {
    wait::until("PostgreSQL to answer", LIMIT, async || {
        must_run()?;
        PgConnection::connect(url.as_str()).await?.close().await?;
        Ok(Some(()))
    })
    .await
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_throwaway_server_may_lose_what_was_committed() {
        let setting = Setting {
            folder: "/f".into(),
            address: Ipv4Addr::LOCALHOST.into(),
            port: 5433,
            durability: Durability::Kept,
            password: "secret".into(),
        };
        let says = |durability, word: &str| {
            Setting { durability, ..setting.clone() }.args().iter().any(|argument| argument == word)
        };
        assert!(says(Durability::Throwaway, "fsync=off") && says(Durability::Throwaway, "port=5433"));
        assert!(!setting.args().iter().any(|argument| argument.ends_with("=off")));
        assert_eq!(setting.url().unwrap().as_str(), "postgres://steppe:secret@127.0.0.1:5433/postgres");
    }
}
