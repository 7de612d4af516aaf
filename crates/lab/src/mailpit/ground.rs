//! mailpit on a ground, for the demo: it outlives the command that starts it, and mails go with the ground's data.
//! Nothing else of a ground needs it, so it is started only by those who want it.

use std::fs;
use std::net::SocketAddr;

use anyhow::{Context as _, Result};

use super::{Mailpit, args};
use crate::cache::Cache;
use crate::node::Ground;
use crate::process::Spec;
use crate::tools::{self, Progress};

const NAME: &str = "mailpit";

/// Starts mailpit at the node's address, or finds it running. Does nothing twice.
pub async fn on(ground: &Ground, cache: &Cache, progress: &mut dyn Progress) -> Result<Mailpit> {
    let tools = tools::mail(cache, progress).await?;
    let folder = ground.state_dir.join(NAME);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let (smtp, api) = addresses(ground);
    let processes = ground.processes();
    processes.start(&Spec {
        name: NAME.into(),
        program: tools.program("mailpit"),
        args: args(smtp, api, &folder.join("mails.db").display().to_string()),
        ..Spec::default()
    })?;
    let mailpit = of(ground)?;
    mailpit.answers(|| processes.must_run(NAME)).await?;
    Ok(mailpit)
}

/// The mail server of a ground, for asking it; it is not started.
pub fn of(ground: &Ground) -> Result<Mailpit> {
    let (smtp, api) = addresses(ground);
    Mailpit::at(smtp, api, None)
}

fn addresses(ground: &Ground) -> (SocketAddr, SocketAddr) {
    let node = ground.addresses.node_ip;
    ((node, ground.ports.smtp).into(), (node, ground.ports.mails).into())
}
