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

/// What waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// Orders that one of us has to look at.
    pub approvals: i64,
    /// Orders in the waitlist.
    pub waiting: i64,
    /// Operations that were given up.
    pub dead: i64,
    /// Operations that take long.
    pub stuck: i64,
    /// Reports of abuse that nobody has decided about, and how many of them nobody has answered.
    pub reports: i64,
    /// Holds that staff or the law placed.
    pub holds: i64,
}

/// What waits for a person now. What was asked for before `slow` takes long.
///
/// # Errors
/// When the database refuses.
pub async fn desk(connection: &mut PgConnection, slow: Timestamp) -> Result<Desk> {
    let row = sqlx::query!(
        "SELECT (SELECT count(*) FROM orders WHERE state = 'approval') AS \"approvals!\",
                (SELECT count(*) FROM orders WHERE state = 'waitlisted') AS \"waiting!\",
                (SELECT count(*) FROM operations WHERE state = 'failed') AS \"dead!\",
                (SELECT count(*) FROM operations WHERE state IN ('queued', 'running', 'waiting') AND created_at <= $1)
                    AS \"stuck!\",
                (SELECT count(*) FROM abuse_reports WHERE state <> 'closed') AS \"reports!\",
                (SELECT count(*) FROM holds WHERE lifted_at IS NULL AND kind IN ('staff', 'legal')) AS \"holds!\"",
        slow.to_sqlx(),
    )
    .fetch_one(connection)
    .await?;
    Ok(Desk {
        approvals: row.approvals,
        waiting: row.waiting,
        dead: row.dead,
        stuck: row.stuck,
        reports: row.reports,
        holds: row.holds,
    })
}

/// How far those who follow the outbox, and the mails, are behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// The newest place in the outbox.
    pub newest: i64,
    /// Each reader that keeps its place, and how many facts it is behind.
    pub readers: Vec<(String, i64)>,
    /// How many mails wait.
    pub mails: i64,
    /// For how many seconds the oldest of them has waited since it was due.
    pub oldest_mail: i64,
    /// How many mails were given up.
    pub failed_mails: i64,
}

/// How far everything is behind now.
///
/// # Errors
/// When the database refuses.
pub async fn lag(connection: &mut PgConnection, now: Timestamp) -> Result<Lag> {
    let newest = super::outbox::last(connection).await?;
    let readers =
        sqlx::query!("SELECT reader, seq FROM outbox_readers ORDER BY reader").fetch_all(&mut *connection).await?;
    let mails = sqlx::query!(
        "SELECT count(*) FILTER (WHERE state = 'queued') AS \"waiting!\",
                min(created_at) FILTER (WHERE state = 'queued' AND run_at <= $1) AS oldest,
                count(*) FILTER (WHERE state = 'failed') AS \"failed!\" FROM mails WHERE state <> 'sent'",
        now.to_sqlx(),
    )
    .fetch_one(connection)
    .await?;
    let oldest = mails.oldest.map(jiff_sqlx::Timestamp::to_jiff);
    Ok(Lag {
        newest,
        readers: readers.into_iter().map(|row| (row.reader, (newest - row.seq).max(0))).collect(),
        mails: mails.waiting,
        oldest_mail: oldest.map_or(0, |oldest| now.duration_since(oldest).as_secs().max(0)),
        failed_mails: mails.failed,
    })
}
