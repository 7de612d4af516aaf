//! Giving an organization to another member.

use std::sync::Arc;

use axum::extract::State;
use domain::id::{AccountId, OrganizationId};
use domain::scope::Scope;
use domain::{Right, Role};
use serde::Deserialize;
use utoipa::ToSchema;

use super::OrganizationBody;
use crate::api::{Json, Path, Tagged, schema};
use crate::app::organization::hand_over as carry_out;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Who gets it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOverBody {
    /// A member.
    #[schema(value_type = schema::AccountId)]
    to: String,
}

/// Hand an organization over
///
/// Whoever gave it is an admin from then on. The password must have been entered again: no token can do this.
#[utoipa::path(
    post, path = "/organizations/{organization}/hand-over", tag = "Organizations", operation_id = "organizations_hand_over",
    params(("organization" = schema::OrganizationId, Path)),
    request_body = HandOverBody,
    responses((status = 200, description = "As it is now", body = OrganizationBody)),
    security(("session" = [])),
    extensions(("x-right" = json!("hand-over"))),
)]
pub async fn hand_over(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
    Json(body): Json<HandOverBody>,
) -> Result<Json<OrganizationBody>, Problem> {
    let member = caller.demand(&platform, organization, Scope::OrganizationWrite, Right::HandOver)?;
    let to: AccountId = body.to.parse().map_err(|_| Problem::field("to", "id-form"))?;
    carry_out(&platform, &member, to).await?;
    let Tagged(_, now) = OrganizationBody::read(&platform, organization, Role::Admin).await?;
    Ok(Json(now))
}
