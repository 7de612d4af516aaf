//! A token for the staff API.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Json;
use crate::app::staff::token;
use crate::auth::staff::StaffSigned;
use crate::auth::staff_token::FOR;
use crate::error::Problem;
use crate::platform::Platform;

/// A token.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffToken)]
pub struct TokenBody {
    /// Sent as `Authorization: Bearer …`.
    token: String,
    /// For how many seconds it is good.
    expires_in: i64,
}

/// A token for the log-in that asks
///
/// A token for the session that asks. A token cannot ask for its own successor for longer than the session lasts.
///
/// # Errors
/// `unavailable` when there is no key to sign with.
#[utoipa::path(
    post, path = "/token", tag = "token", operation_id = "token_create",
    responses((status = 200, description = "A token", body = TokenBody)),
    security(("token" = []), ("log-in" = [])),
)]
pub async fn create(State(platform): State<Arc<Platform>>, signed: StaffSigned) -> Result<Json<TokenBody>, Problem> {
    Ok(Json(TokenBody { token: token(&platform, &signed).await?, expires_in: FOR.as_secs() }))
}
