//! The cell's ledger of destruction, in its status: how many instances there are, when servers were destroyed, and the
//! breaker. The purger alone writes these; a person alone closes the breaker.

use crd::cell::Breaker;
use crd::{Cell, labels};
use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource as _, ResourceExt as _};
use serde_json::{Value, json};

use super::Purger;
use super::breaker::{self, Trip};
use crate::error::{Error, Step};
use crate::events::Note;

/// The cell as it was found, after the count.
pub(super) struct Found {
    /// The cell.
    pub cell: Option<Cell>,
    /// Which cluster this is.
    pub cluster_uid: String,
    /// How many instances there are.
    pub instances: u32,
}

impl Purger {
    /// Reads the cell and counts the instances. A count that cannot be right opens the breaker, one that is higher than
    /// the last is recorded.
    pub(super) async fn count(&self) -> Result<Found, Error> {
        let cluster_uid = self.cluster_uid().await?;
        let Some(cell) = self.cell().await? else {
            return Ok(Found { cell: None, cluster_uid, instances: 0 });
        };
        if !is_here(&cell, &cluster_uid) {
            return Ok(Found { cell: Some(cell), cluster_uid, instances: 0 });
        }
        let recorded = cell.status.as_ref().and_then(|status| status.instances);
        let counted = self.instances().await?.and_then(|found| {
            let found = u32::try_from(found.len()).unwrap_or(u32::MAX);
            breaker::census(recorded, found).map(|()| found)
        });
        let (cell, instances) = match counted {
            Ok(found) if recorded.is_none_or(|recorded| found > recorded) => {
                (self.write(&cell, json!({ "instances": found })).await?, found)
            }
            Ok(found) => (cell, found),
            Err(trip) => (self.open(&cell, &trip).await?, 0),
        };
        Ok(Found { cell: Some(cell), cluster_uid, instances })
    }

    /// Opens the breaker, unless it is open.
    pub(super) async fn open(&self, cell: &Cell, trip: &Trip) -> Result<Cell, Error> {
        if cell.status.as_ref().is_some_and(|status| status.breaker.is_some()) {
            return Ok(cell.clone());
        }
        let breaker = Breaker { reason: trip.reason().to_owned(), message: trip.to_string(), since: self.clock.now() };
        tracing::error!(reason = breaker.reason, message = breaker.message, "the breaker opens: nothing is destroyed");
        let written = self.write(cell, json!({ "breaker": breaker })).await?;
        let message = format!("{trip}; nothing is destroyed until a person closes the breaker (docs/operating.md)");
        self.events.tell(&cell.object_ref(&()), vec![Note::warning("BreakerOpen", message)]).await;
        Ok(written)
    }

    /// Records how many instances there are or will be in a moment.
    pub(super) async fn record_instances(&self, instances: u32) -> Result<(), Error> {
        let Some(cell) = self.cell().await? else { return Ok(()) };
        if cell.status.as_ref().and_then(|status| status.instances) == Some(instances) {
            return Ok(());
        }
        self.write(&cell, json!({ "instances": instances })).await.map(drop)
    }

    /// Records that a server's destruction began at `time`, once. Times older than the breaker's window are dropped.
    pub(super) async fn record_purge(&self, time: Timestamp) -> Result<(), Error> {
        let Some(cell) = self.cell().await? else { return Ok(()) };
        let recorded = cell.status.as_ref().map(|status| status.recent_purges.clone()).unwrap_or_default();
        let now = self.clock.now();
        if recorded.contains(&time) || now.duration_since(time) >= breaker::WINDOW {
            return Ok(());
        }
        let mut times = breaker::recent(now, &recorded);
        times.push(time);
        times.sort();
        self.write(&cell, json!({ "recentPurges": times })).await.map(drop)
    }

    async fn write(&self, cell: &Cell, status: Value) -> Result<Cell, Error> {
        let patch = json!({
            "metadata": { "uid": cell.uid(), "resourceVersion": cell.resource_version() },
            "status": status,
        });
        let api: Api<Cell> = Api::all(self.client.clone());
        let written = api.patch_status(labels::CELL, &PatchParams::default(), &Patch::Merge(patch)).await;
        written.map_err(|error| Error::kube(Step::Status, "writing the status of Cell cell", error))
    }
}

/// A copy of a cell in another cluster is not written to.
fn is_here(cell: &Cell, cluster_uid: &str) -> bool {
    let recorded = cell.status.as_ref().and_then(|status| status.cluster_uid.as_deref());
    recorded.is_none_or(|recorded| recorded == cluster_uid)
}
