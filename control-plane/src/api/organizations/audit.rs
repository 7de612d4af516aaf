//! Who did what in an organization.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::audit::Action;
use domain::id::{InstanceId, OrganizationId};
use domain::scope::Scope;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::cursor::Cursor;
use crate::api::{Json, Page, Path, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;
use crate::store::audit::Line;

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditBody {
    /// Its place in the log; later ones are greater.
    #[schema(example = 4711)]
    id: i64,
    /// When.
    at: Timestamp,
    /// Who: `account:acc_…`, `token:tok_…`, `staff`, `system`.
    #[schema(example = "system")]
    actor: String,
    /// The same for people, as they were called then.
    #[schema(example = "Ada")]
    actor_name: String,
    #[schema(value_type = schema::Action)]
    action: Action,
    /// To which server.
    #[schema(value_type = Option<schema::InstanceId>)]
    instance: Option<InstanceId>,
    /// To what else: an id, an address, a name.
    subject: Option<String>,
    /// Why, in the words of who did it.
    reason: Option<String>,
    /// From which network address.
    address: Option<String>,
}

impl From<Line> for AuditBody {
    fn from(line: Line) -> Self {
        let Line { seq, at, actor, actor_name, instance, action, subject, reason, detail: _, address } = line;
        // Which of us it was, and where we sit, is for us to know.
        let ours = matches!(actor.split(':').next(), Some("staff" | "system"));
        let (actor, actor_name, address) = match actor.split_once(':') {
            Some(("staff", _)) => ("staff".to_owned(), "staff".to_owned(), None),
            _ => (actor, actor_name, address.filter(|_| !ours)),
        };
        Self { id: seq, at, actor, actor_name, action, instance, subject, reason, address }
    }
}

/// Read the audit log
///
/// Newest first. Nothing is ever changed or removed in it.
#[utoipa::path(
    get, path = "/organizations/{organization}/audit", tag = "Organizations", operation_id = "audit_list",
    params(
        ("organization" = schema::OrganizationId, Path),
        ("limit" = schema::Limit, Query),
        ("starting_after" = i64, Query, description = "The last one of the page before"),
    ),
    responses((status = 200, description = "A page of it", body = Page<AuditBody>)),
    security(("token" = ["organization:read"]), ("session" = [])),
    extensions(("x-right" = json!("see-audit"))),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
    cursor: Cursor<i64>,
) -> Result<Json<Page<AuditBody>>, Problem> {
    caller.demand(&platform, organization, Scope::OrganizationRead, Right::SeeAudit)?;
    let mut connection = platform.pool.acquire().await?;
    let lines = store::audit::of_organization(&mut connection, organization, cursor.after, cursor.read()).await?;
    Ok(Json(Page::new(lines.into_iter().map(AuditBody::from).collect(), cursor.limit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_of_us_it_was_stays_with_us() {
        let line = |actor: &str| Line {
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            actor: actor.to_owned(),
            actor_name: "Name".to_owned(),
            instance: None,
            action: Action::InstancePause,
            subject: None,
            reason: None,
            detail: serde_json::json!({ "inner": "values" }),
            address: Some("192.0.2.1".to_owned()),
        };
        let told = |actor: &str| {
            let body = AuditBody::from(line(actor));
            (body.actor, body.actor_name, body.address)
        };
        let address = Some("192.0.2.1".to_owned());
        assert_eq!(told("account:acc_1"), ("account:acc_1".to_owned(), "Name".to_owned(), address));
        assert_eq!(told("staff:stf_1"), ("staff".to_owned(), "staff".to_owned(), None));
        assert_eq!(told("system"), ("system".to_owned(), "Name".to_owned(), None));
    }
}
