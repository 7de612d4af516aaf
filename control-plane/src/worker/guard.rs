//! Before anything is written to a cell: is it the cluster it should be?

use std::sync::Arc;

use crd::condition;
use domain::Topic;
use domain::id::CellId;
use serde_json::json;
use sqlx::PgConnection;

use super::Stop;
use crate::error::Problem;
use crate::gateway::cells::Connection;
use crate::gateway::cluster::{Cluster, ClusterError};
use crate::platform::Platform;
use crate::store;
use crate::store::cell::{Cell, Refused};
use crate::store::outbox::About;

/// Which cluster an address leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The one it should, or one that nothing is known of yet.
    Right {
        /// Its uid.
        uid: String,
        /// Whether that is to be written down.
        first: bool,
    },
    /// Another one.
    Wrong(String),
    /// It cannot be told: no operator has said so yet.
    Unknown,
}

/// Compares what a cell says of itself with what was written down at first contact.
#[must_use]
pub fn prove(known: Option<&str>, cell: &crd::Cell) -> Proof {
    let status = cell.status.as_ref();
    let moved = status.is_some_and(|status| {
        status
            .conditions
            .iter()
            .any(|one| one.type_ == condition::ACCEPTED && !one.is_true() && one.reason == "WrongCluster")
    });
    let uid = status.and_then(|status| status.cluster_uid.as_deref()).filter(|uid| !uid.is_empty());
    match (known, uid) {
        (_, None) => Proof::Unknown,
        (_, Some(uid)) if moved => {
            Proof::Wrong(format!("its objects were copied here from cluster {uid}, as its own operator says"))
        }
        (None, Some(uid)) => Proof::Right { uid: uid.to_owned(), first: true },
        (Some(known), Some(uid)) if known == uid => Proof::Right { uid: uid.to_owned(), first: false },
        (Some(known), Some(uid)) => {
            Proof::Wrong(format!("it was cluster {known} at first contact, and now it is {uid}"))
        }
    }
}

/// What looking at a cell led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// It may be written to.
    Right,
    /// Another cluster: nothing may be written. It is written down and staff are told.
    Wrong(String),
    /// No operator there has said which cluster it is.
    Unknown,
}

/// Why a cell could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A mail to staff could not be written.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// The cell.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

/// Asks a cell which cluster it is, and writes down what follows: the uid at first contact, a refusal, or that a refusal is
/// over.
///
/// # Errors
/// When the cell cannot be reached or the database refuses.
pub async fn look(
    platform: &Platform,
    database: &mut PgConnection,
    cell: &Cell,
    connection: &Connection,
) -> Result<Look, LookError> {
    connection.set_proven(false);
    let said = connection.cluster.cell().await?;
    match prove(cell.cluster_uid.as_deref(), &said) {
        Proof::Unknown => Ok(Look::Unknown),
        Proof::Wrong(message) => {
            refuse(platform, database, cell, Refused::WrongCluster, &message).await?;
            Ok(Look::Wrong(message))
        }
        Proof::Right { uid, first } => {
            if first && !learn(database, cell, &uid).await? {
                let message = format!("cluster {uid} is another cell already, or was learned otherwise meanwhile");
                refuse(platform, database, cell, Refused::WrongCluster, &message).await?;
                return Ok(Look::Wrong(message));
            }
            if store::cell::trust(database, cell.id, Refused::WrongCluster).await? {
                tracing::info!(cell = cell.name, "it is the right cluster again");
                store::operation::wake_cell(database, cell.id, platform.now()).await?;
            }
            connection.set_proven(true);
            Ok(Look::Right)
        }
    }
}

/// Writes down which cluster a cell is. `false`: it is another one.
async fn learn(database: &mut PgConnection, cell: &Cell, uid: &str) -> store::Result<bool> {
    match store::cell::learn_cluster(database, cell.id, uid).await {
        Ok(true) => Ok(true),
        Ok(false) => {
            let now = store::cell::find(database, cell.id).await?;
            Ok(now.is_some_and(|now| now.cluster_uid.as_deref() == Some(uid)))
        }
        Err(error) if error.constraint() == Some("cells_cluster") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes down that nothing is written to a cell any more, and tells staff, once.
///
/// # Errors
/// When the database refuses.
pub async fn refuse(
    platform: &Platform,
    database: &mut PgConnection,
    cell: &Cell,
    refused: Refused,
    message: &str,
) -> Result<(), Problem> {
    if store::cell::refuse(database, cell.id, refused, message).await? {
        tracing::error!(
            cell = cell.name,
            reason = refused.as_str(),
            message,
            "nothing is written to this cell any more"
        );
        let payload = json!({ "cell": cell.name, "reason": refused.as_str(), "message": message });
        store::outbox::write(database, platform.now(), Topic::Alarm, About::default(), payload).await?;
        super::tell::staff_of_cell(platform, database, cell, refused, message).await?;
    }
    Ok(())
}

/// The way to a cell, if it may be written to now.
///
/// # Errors
/// A reason to wait, when it is refused, cut off or not proven.
pub async fn reach(platform: &Platform, id: CellId) -> Result<(Cell, Arc<dyn Cluster>), Stop> {
    let mut database = platform.pool.acquire().await?;
    let cell = store::cell::find(&mut database, id).await?;
    let cell = cell.ok_or_else(|| Stop::fail("no-cell", format!("there is no cell {id}")))?;
    if let Some((refused, message)) = &cell.refused {
        return Err(Stop::person(refused.as_str(), message.clone()));
    }
    if cell.unreachable_since.is_some() {
        return Err(Stop::unreachable(format!("the cell {} cannot be reached", cell.name)));
    }
    let connection = platform.cells.to(&cell.name).await?;
    if !connection.is_proven() {
        match look(platform, &mut database, &cell, &connection).await {
            Ok(Look::Right) => {}
            Ok(Look::Wrong(message)) => return Err(Stop::person(Refused::WrongCluster.as_str(), message)),
            Ok(Look::Unknown) => {
                let message = format!("no operator in the cell {} has said which cluster it is", cell.name);
                return Err(Stop::person("cell-unready", message));
            }
            Err(LookError::Store(error)) => return Err(error.into()),
            Err(LookError::Problem(problem)) => return Err(problem.into()),
            Err(LookError::Cluster(error)) => return Err(error.into()),
        }
    }
    Ok((cell, connection.cluster.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(uid: Option<&str>, moved: bool) -> crd::Cell {
        let conditions = match moved {
            true => {
                json!([{ "type": "Accepted", "status": "False", "reason": "WrongCluster", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z" }])
            }
            false => json!([]),
        };
        let mut status = json!({ "conditions": conditions });
        if let Some(uid) = uid {
            status["clusterUid"] = json!(uid);
        }
        serde_json::from_value(json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "Cell", "metadata": { "name": "cell" }, "status": status,
            "spec": { "zone": "birds.example", "ingress": { "className": "x" }, "networks": {}, "storageClass": "x", "versions": [],
                      "objectStore": { "endpoint": "https://s.example", "bucket": "bbb" } }
        }))
        .unwrap()
    }

    #[test]
    fn only_the_cluster_of_the_first_contact_is_right() {
        let right = |first| Proof::Right { uid: "a".to_owned(), first };
        assert_eq!(prove(None, &cell(Some("a"), false)), right(true));
        assert_eq!(prove(Some("a"), &cell(Some("a"), false)), right(false));
        assert!(matches!(prove(Some("a"), &cell(Some("b"), false)), Proof::Wrong(_)));
        assert!(
            matches!(prove(Some("a"), &cell(Some("a"), true)), Proof::Wrong(_)),
            "objects that were copied elsewhere"
        );
        assert_eq!(prove(Some("a"), &cell(None, false)), Proof::Unknown);
    }
}
