//! Searching the audit log.

use std::sync::Arc;

use axum::extract::{Query, State};
use domain::id::InstanceId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Caller;
use super::filter::{Paged, plain};
use crate::api::cursor::Cursor;
use crate::api::{Json, Page};
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::audit::Line;
use crate::store::search::Wanted;

/// A line of the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffAuditLine)]
pub struct LineBody {
    /// Its place in the log, for `starting_after`.
    id: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who.
    #[schema(example = "staff:stf_01kb0c9w40e8ar2xtk7c0h8v4f")]
    actor: String,
    /// What they were called.
    actor_name: String,
    /// What was done.
    #[schema(example = "hold.place")]
    action: &'static str,
    /// To which server.
    #[schema(value_type = Option<String>)]
    instance: Option<InstanceId>,
    /// To what else.
    subject: Option<String>,
    /// Why.
    reason: Option<String>,
    /// Values before and after.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
    /// From where.
    address: Option<String>,
}

impl From<Line> for LineBody {
    fn from(line: Line) -> Self {
        Self {
            id: line.seq,
            at: line.at,
            actor: line.actor,
            actor_name: line.actor_name,
            action: line.action.as_str(),
            instance: line.instance,
            subject: line.subject,
            reason: line.reason,
            detail: line.detail,
            address: line.address,
        }
    }
}

/// What the query says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    actor: Option<String>,
    action: Option<String>,
    organization: Option<String>,
    instance: Option<String>,
    subject: Option<String>,
    since: Option<String>,
}

fn parsed<T: std::str::FromStr>(
    name: &'static str,
    code: &'static str,
    text: Option<&String>,
) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse().map_err(|_| Problem::field(name, code))).transpose()
}

impl Asked {
    fn wanted(&self) -> Result<Wanted, Problem> {
        Ok(Wanted {
            actor: plain("actor", self.actor.as_deref())?.map(str::to_owned),
            action: parsed("action", "action-unknown", self.action.as_ref())?,
            organization: parsed("organization", "id-form", self.organization.as_ref())?,
            instance: parsed("instance", "id-form", self.instance.as_ref())?,
            subject: plain("subject", self.subject.as_deref())?.map(str::to_owned),
            since: parsed("since", "time-form", self.since.as_ref())?,
        })
    }
}

/// Lines of the audit log, newest first
#[utoipa::path(
    get, path = "/audit", tag = "audit", operation_id = "audit_list",
    params(
        Paged,
        ("actor" = Option<String>, Query, description = "All of `account:…`, or a part of a name"),
        ("action" = Option<String>, Query),
        ("organization" = Option<String>, Query),
        ("instance" = Option<String>, Query),
        ("subject" = Option<String>, Query, description = "A part of what it was done to, or of a server's name"),
        ("since" = Option<String>, Query, description = "RFC 3339; not before"),
    ),
    responses((status = 200, description = "A page", body = Page<LineBody>)),
    security(("token" = [])),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    cursor: Cursor<i64>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page<LineBody>>, Problem> {
    let Query(asked) = asked.map_err(|_| Problem::new(Code::Malformed))?;
    let mut connection = platform.pool.acquire().await?;
    let found = store::search::audit(&mut connection, &asked.wanted()?, cursor.after, cursor.read()).await?;
    Ok(Json(Page::new(found.into_iter().map(LineBody::from).collect(), cursor.limit)))
}
