//! One round of observing: from getting the lock until something ends it.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::id::CellId;
use futures::StreamExt as _;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use super::{gone, lock, write};
use crate::error::Problem;
use crate::gateway::cells::Connection;
use crate::gateway::cluster::{ClusterError, Kind, News, Object};
use crate::platform::Platform;
use crate::store;
use crate::store::cell::{Cell, Refused};
use crate::worker::guard::{self, Look, LookError};

/// How many news are written at once.
const CHUNK: usize = 200;
/// How often it is checked that the lock is still ours, and a cell that was lost is tried again.
const CHECK: Duration = Duration::from_secs(5);

/// Why a round ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Problem(#[from] Problem),
    #[error("{0}")]
    Cell(String),
}

/// Observes a cell until `stop` or until something ends the round. Returns at once when another worker observes it, or when
/// nothing may be believed of it.
pub(super) async fn round(platform: &Platform, id: CellId, stop: &CancellationToken) -> Result<(), Ended> {
    let Some(mut database) = lock::take(platform, id).await? else { return Ok(()) };
    let Some(cell) = store::cell::find(&mut database, id).await? else { return Ok(()) };
    if matches!(cell.refused, Some((Refused::DatabaseBehind, _))) {
        return Ok(());
    }
    let connection = match platform.cells.to(&cell.name).await {
        Ok(connection) => connection,
        Err(error) => return Ok(lost(platform, &mut database, &cell, &error).await?),
    };
    if !is_right(platform, &mut database, &cell, &connection).await? {
        return Ok(());
    }
    let mut watching = Watching { platform, database, cell, connection, listed: BTreeSet::new(), is_lost: false };
    watching.reached().await?;
    watching.until(stop).await
}

/// Whether a cell answers and is the right one. If not, that is written down.
async fn is_right(
    platform: &Platform,
    database: &mut PgConnection,
    cell: &Cell,
    connection: &Connection,
) -> Result<bool, Ended> {
    match guard::look(platform, database, cell, connection).await {
        Ok(Look::Right) => Ok(true),
        Ok(Look::Wrong(_)) => Ok(false),
        Ok(Look::Unknown) => {
            tracing::warn!(cell = cell.name, "no operator there has said which cluster it is");
            Ok(false)
        }
        Err(LookError::Store(error)) => Err(error.into()),
        Err(LookError::Problem(problem)) => Err(problem.into()),
        Err(LookError::Cluster(error)) => {
            lost(platform, database, cell, &error).await?;
            Ok(false)
        }
    }
}

async fn lost(
    platform: &Platform,
    database: &mut PgConnection,
    cell: &Cell,
    error: &ClusterError,
) -> store::Result<()> {
    if store::cell::lost(database, cell.id, platform.now()).await? {
        tracing::error!(cell = cell.name, %error, "the cell is lost from sight; its servers are not touched, operations wait");
        write::cell_changed(platform, database, cell, "lost").await?;
    }
    Ok(())
}

struct Watching<'a> {
    platform: &'a Platform,
    database: PgConnection,
    cell: Cell,
    connection: std::sync::Arc<Connection>,
    /// The servers that were in the list that is just being told.
    listed: BTreeSet<String>,
    is_lost: bool,
}

impl Watching<'_> {
    async fn until(&mut self, stop: &CancellationToken) -> Result<(), Ended> {
        let mut news = self.connection.cluster.watch().ready_chunks(CHUNK);
        let mut check = tokio::time::interval(CHECK);
        check.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = check.tick() => {
                    if !self.check().await? {
                        return Ok(());
                    }
                }
                chunk = news.next() => match chunk {
                    Some(chunk) => {
                        if !self.hear(chunk).await? {
                            return Ok(());
                        }
                    }
                    None => return Err(Ended::Cell("the watch ended".to_owned())),
                },
            }
        }
    }

    /// Whether the lock is still ours and the cell may be believed. One that was lost is tried again.
    async fn check(&mut self) -> Result<bool, Ended> {
        let Some(now) = store::cell::find(&mut self.database, self.cell.id).await? else { return Ok(false) };
        if now.refused.is_some() {
            return Ok(false);
        }
        self.cell = now;
        if self.is_lost {
            self.look_again().await?;
        }
        Ok(true)
    }

    /// Writes news in their order. `false` ends the round.
    async fn hear(&mut self, chunk: Vec<Result<News, ClusterError>>) -> Result<bool, Ended> {
        let mut batch = Vec::new();
        for one in chunk {
            match one {
                Ok(News::Is(object)) => {
                    if let Object::Instance(instance) = &object {
                        self.listed.insert(kube::ResourceExt::name_any(instance.as_ref()));
                    }
                    batch.push(object);
                }
                Ok(News::Listing(kind)) => {
                    if !self.write(&mut batch).await? || !self.begins(kind).await? {
                        return Ok(false);
                    }
                }
                Ok(News::Listed(kind)) => {
                    if !self.write(&mut batch).await? {
                        return Ok(false);
                    }
                    if kind == Kind::Instance {
                        let listed = std::mem::take(&mut self.listed);
                        gone::not_among(self.platform, &mut self.database, &self.cell, &listed).await?;
                    }
                }
                Ok(News::Gone(kind, name)) => {
                    if !self.write(&mut batch).await? {
                        return Ok(false);
                    }
                    if kind == Kind::Instance {
                        gone::gone(self.platform, &mut self.database, &self.cell, &name).await?;
                    }
                }
                Err(error) => {
                    tracing::debug!(cell = self.cell.name, %error, "the watch was cut");
                    self.look_again().await?;
                }
            }
        }
        self.write(&mut batch).await
    }

    /// A list begins: it may come from another cluster than the one before.
    async fn begins(&mut self, kind: Kind) -> Result<bool, Ended> {
        if kind == Kind::Instance {
            self.listed.clear();
        }
        let right = is_right(self.platform, &mut self.database, &self.cell, &self.connection).await?;
        if right {
            self.reached().await?;
        }
        Ok(right)
    }

    async fn write(&mut self, batch: &mut Vec<Object>) -> Result<bool, Ended> {
        match batch.is_empty() {
            true => Ok(true),
            false => Ok(write::write(self.platform, &mut self.database, &self.cell, std::mem::take(batch)).await?),
        }
    }

    /// Whether the cell answers: a watch that was cut goes on by itself, and says nothing when it does.
    async fn look_again(&mut self) -> store::Result<()> {
        match self.connection.cluster.cell().await {
            Ok(_) => self.reached().await,
            Err(error) => {
                self.is_lost = true;
                self.connection.set_proven(false);
                lost(self.platform, &mut self.database, &self.cell, &error).await
            }
        }
    }

    async fn reached(&mut self) -> store::Result<()> {
        self.is_lost = false;
        let now = self.platform.now();
        if store::cell::reached(&mut self.database, self.cell.id, now).await? {
            tracing::info!(cell = self.cell.name, "the cell is in sight again");
            store::operation::wake_cell(&mut self.database, self.cell.id, now).await?;
            write::cell_changed(self.platform, &mut self.database, &self.cell, "reached").await?;
        }
        Ok(())
    }
}
