//! How far those who follow the outbox are behind.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Caller;
use crate::api::Json;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;

/// How far everything is behind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffOutbox)]
pub struct OutboxBody {
    /// The newest place in the outbox.
    newest: i64,
    /// Who keeps a place in it, and how far they are behind.
    readers: Vec<ReaderBody>,
    /// How many mails wait.
    mails_waiting: i64,
    /// For how many seconds the oldest of them has waited since it was due.
    oldest_mail_seconds: i64,
    /// How many mails were given up.
    mails_failed: i64,
}

/// Somebody who follows the outbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffOutboxReader)]
pub struct ReaderBody {
    /// Who.
    name: String,
    /// How many facts they are behind.
    behind: i64,
}

/// How far everything is behind
#[utoipa::path(
    get, path = "/outbox", tag = "outbox", operation_id = "outbox_show",
    responses((status = 200, description = "Now", body = OutboxBody)),
    security(("token" = [])),
)]
pub async fn show(State(platform): State<Arc<Platform>>, _: Caller) -> Result<Json<OutboxBody>, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let lag = store::backlog::lag(&mut connection, platform.now()).await?;
    Ok(Json(OutboxBody {
        newest: lag.newest,
        readers: lag.readers.into_iter().map(|(name, behind)| ReaderBody { name, behind }).collect(),
        mails_waiting: lag.mails,
        oldest_mail_seconds: lag.oldest_mail,
        mails_failed: lag.failed_mails,
    }))
}
