//! Correcting an order.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OrderId;
use domain::scope::Scope;
use domain::{Email, Right};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{OrderBody, find};
use crate::api::etag::IfMatch;
use crate::api::{Json, Path, Tagged, schema};
use crate::app::order::correct_email;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// What is corrected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectBody {
    /// Where its owner reads mail.
    #[schema(example = "ada@birds.example", format = "email")]
    owner_email: String,
}

/// Correct an order
///
/// Until it has ended. Takes the `ETag` of the order as it was read.
#[utoipa::path(
    patch, path = "/orders/{order}", tag = "Orders", operation_id = "orders_update",
    params(("order" = schema::OrderId, Path), ("If-Match" = schema::Tag, Header)),
    request_body = CorrectBody,
    responses((status = 200, description = "How it stands now", body = OrderBody, headers(("ETag" = String)))),
    security(("token" = ["orders:write"]), ("session" = [])),
    extensions(("x-right" = json!("order"))),
)]
pub async fn update(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<OrderId>,
    matched: IfMatch,
    Json(body): Json<CorrectBody>,
) -> Result<Tagged<OrderBody>, Problem> {
    find(&platform, &caller, id, Scope::OrdersWrite, Right::Order).await?;
    let email = body.owner_email.parse::<Email>().map_err(|error| Problem::field("owner_email", error.code()))?;
    correct_email(&platform, &caller.actor(), id, Some(matched.0), &email).await?;
    OrderBody::tagged(&platform, id).await
}
