//! Who is in an organization.

use std::sync::Arc;

use axum::extract::State;
use domain::id::{AccountId, OrganizationId};
use domain::scope::Scope;
use domain::{Right, Role};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::cursor::Cursor;
use crate::api::{Json, Page, Path, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;
use crate::store::membership::Person;

/// A member of an organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberBody {
    #[schema(value_type = schema::AccountId)]
    id: AccountId,
    /// What they are called.
    #[schema(example = "Ada")]
    name: String,
    /// Where they read mail.
    #[schema(example = "ada@birds.example")]
    email: String,
    #[schema(value_type = schema::Role)]
    role: Role,
    /// Since when they are a member.
    since: Timestamp,
}

impl From<Person> for MemberBody {
    fn from(person: Person) -> Self {
        let Person { account, name, email, role, since } = person;
        Self { id: account, name: name.to_string(), email: email.to_string(), role, since }
    }
}

/// List members
///
/// The owner first, then by role and name.
#[utoipa::path(
    get, path = "/organizations/{organization}/members", tag = "Organizations", operation_id = "members_list",
    params(
        ("organization" = schema::OrganizationId, Path),
        ("limit" = schema::Limit, Query),
        ("starting_after" = schema::AccountId, Query, description = "The last one of the page before"),
    ),
    responses((status = 200, description = "A page of them", body = Page<MemberBody>)),
    security(("token" = ["organization:read"]), ("session" = [])),
    extensions(("x-right" = json!("see-members"))),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
    cursor: Cursor<AccountId>,
) -> Result<Json<Page<MemberBody>>, Problem> {
    caller.demand(&platform, organization, Scope::OrganizationRead, Right::SeeMembers)?;
    let mut connection = platform.pool.acquire().await?;
    let people = store::membership::of_organization(&mut connection, organization).await?;
    Ok(Json(cursor.page_of(people.into_iter().map(MemberBody::from), |one| &one.id)))
}
