//! How much there is to do.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::Result;

/// How much there is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// How many operations there are in each state that is not good and over.
    pub operations: Vec<(String, i64)>,
    /// The age of the oldest operation that has not ended, in seconds.
    pub oldest_operation: i64,
    /// How many mails wait.
    pub mails: i64,
    /// How many cells cannot be reached.
    pub cells_unreachable: i64,
    /// To how many cells nothing is written.
    pub cells_refused: i64,
}

/// How much there is to do now.
///
/// # Errors
/// When the database refuses.
pub async fn read(connection: &mut PgConnection, now: Timestamp) -> Result<Backlog> {
    let states = sqlx::query!(
        "SELECT state, count(*) AS \"count!\", min(created_at) AS oldest FROM operations
         WHERE state IN ('queued', 'running', 'waiting', 'failed') GROUP BY state ORDER BY state"
    )
    .fetch_all(&mut *connection)
    .await?;
    let open = states.iter().filter(|row| row.state != "failed").filter_map(|row| row.oldest);
    let oldest = open.map(jiff_sqlx::Timestamp::to_jiff).min();
    let rest = sqlx::query!(
        "SELECT (SELECT count(*) FROM mails WHERE state = 'queued' AND run_at <= $1) AS \"mails!\",
                count(*) FILTER (WHERE unreachable_since IS NOT NULL) AS \"unreachable!\",
                count(*) FILTER (WHERE refused IS NOT NULL) AS \"refused!\" FROM cells",
        now.to_sqlx(),
    )
    .fetch_one(connection)
    .await?;
    Ok(Backlog {
        operations: states.into_iter().map(|row| (row.state, row.count)).collect(),
        oldest_operation: oldest.map_or(0, |oldest| now.duration_since(oldest).as_secs().max(0)),
        mails: rest.mails,
        cells_unreachable: rest.unreachable,
        cells_refused: rest.refused,
    })
}
