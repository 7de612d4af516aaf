//! The way up: what cells say becomes rows. One observer a cell, over all workers; it watches and never polls.

mod digest;
mod gone;
mod lock;
mod watch;
mod write;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::id::CellId;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::timer::{chance, jittered};
use crate::platform::Platform;
use crate::store;

/// How often new cells are looked for, and a cell that is not observed is tried again.
const LOOK: Duration = Duration::from_secs(5);

/// Observes all cells until `stop`.
pub async fn all(platform: Arc<Platform>, stop: CancellationToken) {
    let mut observers: JoinSet<()> = JoinSet::new();
    let mut of: HashMap<CellId, AbortHandle> = HashMap::new();
    loop {
        match cells(&platform).await {
            Ok(cells) => {
                for cell in cells {
                    if of.get(&cell).is_none_or(AbortHandle::is_finished) {
                        of.insert(cell, observers.spawn(one(platform.clone(), cell, stop.clone())));
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "cannot read which cells there are"),
        }
        while observers.try_join_next().is_some() {}
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(jittered(LOOK, chance(&platform))) => {}
        }
    }
    while observers.join_next().await.is_some() {}
}

async fn cells(platform: &Platform) -> store::Result<Vec<CellId>> {
    let mut connection = platform.pool.acquire().await?;
    Ok(store::cell::all(&mut connection).await?.into_iter().map(|cell| cell.id).collect())
}

/// Observes one cell until `stop`, whenever no other worker does.
pub async fn one(platform: Arc<Platform>, cell: CellId, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(ended) = watch::round(&platform, cell, &stop).await {
            tracing::warn!(%cell, %ended, "observing ended; it begins anew");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(jittered(LOOK, chance(&platform))) => {}
        }
    }
}
