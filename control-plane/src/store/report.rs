//! Reports of abuse.

use domain::abuse::{Decision, Report};
use domain::id::{HoldId, InstanceId, ReportId, StaffId};
use domain::person::Prose;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Stored, ToSqlx as _};
use sqlx::PgConnection;

use super::{Error, Result, word};

const TABLE: &str = "abuse_reports";

/// A report with what staff ask about it.
#[derive(Debug, Clone)]
pub struct Filed {
    /// The report.
    pub report: Report,
    /// The server that it is about, when it is one of ours.
    pub instance: Option<InstanceId>,
    /// The hold that it led to.
    pub hold: Option<HoldId>,
    /// Who of us had it last, for people.
    pub handled_by: Option<String>,
    /// +1 with each change.
    pub version: i64,
}

struct Row {
    id: uuid::Uuid,
    hostname: String,
    instance_id: Option<uuid::Uuid>,
    reporter_email: String,
    reporter_locale: String,
    category: String,
    links: String,
    text: String,
    state: String,
    decision: Option<String>,
    answer: Option<String>,
    hold_id: Option<uuid::Uuid>,
    handled_by: Option<String>,
    created_at: Stored,
    updated_at: Stored,
    version: i64,
}

fn prose<const MAX: usize>(id: ReportId, text: &str) -> Result<Prose<MAX>> {
    text.parse().map_err(|error: domain::person::TextError| Error::corrupt(TABLE, id, error))
}

impl TryFrom<Row> for Filed {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = ReportId::from(row.id);
        let links = Some(row.links.as_str()).filter(|text| !text.is_empty());
        let report = Report {
            id,
            hostname: word(TABLE, id, &row.hostname)?,
            reporter: word(TABLE, id, &row.reporter_email)?,
            locale: word(TABLE, id, &row.reporter_locale)?,
            category: word(TABLE, id, &row.category)?,
            links: links.map(|text| prose(id, text)).transpose()?,
            text: prose(id, &row.text)?,
            state: word(TABLE, id, &row.state)?,
            decision: row.decision.as_deref().map(|text| word::<Decision>(TABLE, id, text)).transpose()?,
            answer: row.answer.as_deref().map(|text| prose(id, text)).transpose()?,
            created_at: row.created_at.to_jiff(),
            updated_at: row.updated_at.to_jiff(),
        };
        Ok(Self {
            report,
            instance: row.instance_id.map(Into::into),
            hold: row.hold_id.map(Into::into),
            handled_by: row.handled_by,
            version: row.version,
        })
    }
}

/// Adds a report.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, report: &Report, instance: Option<InstanceId>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO abuse_reports (id, hostname, instance_id, reporter_email, reporter_locale, category, links, text, state,
                                    created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
        report.id.uuid(),
        report.hostname.as_str(),
        instance.map(InstanceId::uuid),
        report.reporter.as_str(),
        report.locale.as_str(),
        report.category.as_str(),
        report.links.as_ref().map(Prose::as_str).unwrap_or_default(),
        report.text.as_str(),
        report.state.as_str(),
        report.created_at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes where a report stands now, and who of us had it. Its row must be locked.
///
/// # Errors
/// When the database refuses.
pub async fn save(
    connection: &mut PgConnection,
    report: &Report,
    hold: Option<HoldId>,
    handled_by: Option<StaffId>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE abuse_reports SET state = $2, decision = $3, answer = $4, hold_id = $5, handled_by = coalesce($6, handled_by),
                updated_at = $7, version = version + 1 WHERE id = $1",
        report.id.uuid(),
        report.state.as_str(),
        report.decision.map(Decision::as_str),
        report.answer.as_ref().map(Prose::as_str),
        hold.map(HoldId::uuid),
        handled_by.map(StaffId::uuid),
        report.updated_at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// One report.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, id: ReportId) -> Result<Option<Filed>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT r.id, r.hostname, r.instance_id, r.reporter_email, r.reporter_locale, r.category, r.links, r.text, r.state,
                r.decision, r.answer, r.hold_id, s.name AS \"handled_by?\", r.created_at, r.updated_at, r.version
         FROM abuse_reports r LEFT JOIN staff s ON s.id = r.handled_by WHERE r.id = $1",
        id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(Filed::try_from).transpose()
}

/// One report, locked until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, id: ReportId) -> Result<Option<Filed>> {
    sqlx::query!("SELECT id FROM abuse_reports WHERE id = $1 FOR UPDATE", id.uuid())
        .fetch_optional(&mut *connection)
        .await?;
    find(connection, id).await
}

/// Reports in one state or all, newest first, from before `before` on.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    connection: &mut PgConnection,
    state: Option<&str>,
    before: Option<ReportId>,
    limit: i64,
) -> Result<Vec<Filed>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT r.id, r.hostname, r.instance_id, r.reporter_email, r.reporter_locale, r.category, r.links, r.text, r.state,
                r.decision, r.answer, r.hold_id, s.name AS \"handled_by?\", r.created_at, r.updated_at, r.version
         FROM abuse_reports r LEFT JOIN staff s ON s.id = r.handled_by
         WHERE ($1::text IS NULL OR r.state = $1) AND ($2::uuid IS NULL OR r.id < $2) ORDER BY r.id DESC LIMIT $3",
        state,
        before.map(ReportId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Filed::try_from).collect()
}

/// How often a server was reported, and how many of these reports are open.
///
/// # Errors
/// When the database refuses.
pub async fn count(connection: &mut PgConnection, instance: InstanceId) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        "SELECT count(*) AS \"all!\", count(*) FILTER (WHERE state <> 'closed') AS \"open!\" FROM abuse_reports
         WHERE instance_id = $1",
        instance.uuid(),
    )
    .fetch_one(connection)
    .await?;
    Ok((row.all, row.open))
}

/// Forgets reports that nothing was done about since a time, open ones excepted: the reporter's address and words are theirs.
///
/// # Errors
/// When the database refuses.
pub async fn forget(connection: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM abuse_reports WHERE id IN (
             SELECT id FROM abuse_reports WHERE state <> 'open' AND updated_at < $1 LIMIT $2)",
        before.to_sqlx(),
        limit,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
