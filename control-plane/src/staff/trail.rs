//! Lines of the audit log in words, with everything that is in them: for us, not for customers.

use domain::id::InstanceId;
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::actor::Who;
use crate::pages::Page;
use crate::store;
use crate::store::audit;

/// A line in words.
#[derive(Debug)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// What they were called, or else who: `account:…`. None for who was not logged in.
    pub who: Option<String>,
    /// The same for people: customer, staff, a program.
    pub kind: String,
    /// What was done.
    pub what: String,
    /// To which server.
    pub instance: Option<InstanceId>,
    /// To what else.
    pub subject: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Values before and after.
    pub detail: Option<String>,
    /// From where.
    pub address: Option<String>,
}

/// Lines in words.
#[must_use]
pub fn lines(page: &Page, lines: Vec<audit::Line>) -> Vec<Line> {
    lines.into_iter().map(|line| one(page, line)).collect()
}

/// Who somebody is in words, by their text in the database: what they are called today, and what they are.
///
/// # Errors
/// When the database refuses.
pub async fn called(page: &Page, connection: &mut PgConnection, actor: &str) -> store::Result<String> {
    let kind = page.t(kind(actor));
    let name = match Who::read(actor) {
        Some(who) => store::actor::name(connection, who).await?,
        None => None,
    };
    Ok(name.map_or_else(|| kind.clone(), |name| format!("{name} ({kind})")))
}

fn kind(actor: &str) -> &'static str {
    match actor.split(':').next() {
        Some("staff") => "trail-staff",
        Some("token") => "trail-token",
        Some("account") => "trail-account",
        Some("system") => "actor-system",
        Some(_) | None => "actor-visitor",
    }
}

fn one(page: &Page, line: audit::Line) -> Line {
    let empty = line.detail.as_object().is_none_or(serde_json::Map::is_empty);
    Line {
        kind: page.t(kind(&line.actor)),
        what: page.t(&format!("action-{}", line.action.as_str().replace('.', "-"))),
        detail: (!empty).then(|| line.detail.to_string()),
        at: line.at,
        who: [line.actor_name, line.actor].into_iter().find(|who| !who.is_empty() && who != "visitor"),
        instance: line.instance,
        subject: line.subject,
        reason: line.reason.filter(|reason| !reason.is_empty()),
        address: line.address,
    }
}
