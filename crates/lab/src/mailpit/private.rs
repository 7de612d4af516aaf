//! A mail server that ends with us.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::{Mailpit, args};
use crate::child::{Child, Sweeper};
use crate::light::base;

/// How often the start is tried when somebody else took a port in between.
const ATTEMPTS: u32 = 3;

/// Dropped in this order: the program first, then what it writes to.
#[derive(Debug)]
pub struct Private {
    child: Child,
    _folder: TempDir,
    _sweeper: Sweeper,
}

impl Private {
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

/// Starts mailpit on ports nobody listens on now.
pub async fn start(program: &Path) -> Result<Mailpit> {
    let mut attempt = 1;
    loop {
        match once(program).await {
            Ok(mailpit) => return Ok(mailpit),
            Err(error) if attempt < ATTEMPTS => tracing::warn!("mailpit, try {attempt}: {error:#}"),
            Err(error) => return Err(error).context("cannot start mailpit"),
        }
        attempt += 1;
    }
}

async fn once(program: &Path) -> Result<Mailpit> {
    let folder = tempfile::Builder::new().prefix("steppe-mails-").tempdir_in(base()).context("cannot make a folder")?;
    let sweeper = Sweeper::start(folder.path())?;
    let (smtp, api) = ports()?;
    let database = folder.path().join("mails.db").display().to_string();
    let child = Child::start("mailpit", program, &args(smtp, api, &database), folder.path())?;
    let private = Private { child, _folder: folder, _sweeper: sweeper };
    let mut mailpit = Mailpit::at(smtp, api, Some(private))?;
    let mut private = mailpit.private.take();
    mailpit.answers(|| private.as_mut().map_or(Ok(()), |private| private.child.must_run())).await?;
    mailpit.private = private;
    Ok(mailpit)
}

fn ports() -> Result<(SocketAddr, SocketAddr)> {
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1");
    let (one, two) = (free()?, free()?);
    Ok((one.local_addr()?, two.local_addr()?))
}
