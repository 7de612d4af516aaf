//! Changing the course of what is being done.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::Right;
use domain::id::OperationId;

use super::visit;
use crate::app::operation;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::pages::{Path, see_other};
use crate::platform::Platform;
use crate::store;

/// Finds an operation on a server for somebody who may change its course.
async fn find(platform: &Platform, signed: &Signed, id: &str, operation: &str) -> Result<OperationId, Problem> {
    let visit = visit(platform, signed, id, Right::Settings, "").await?;
    let missing = || Problem::new(Code::NotFound);
    let operation: OperationId = operation.parse().map_err(|_| missing())?;
    let mut connection = platform.pool.acquire().await?;
    let found = store::operation::find(&mut connection, operation).await?;
    let found = found.filter(|one| one.subject.instance() == visit.instance.id).ok_or_else(missing)?;
    Ok(found.id)
}

/// Another round of tries.
///
/// # Errors
/// `not-found`, `forbidden`, `wrong-state`.
pub async fn retry(
    State(platform): State<Arc<Platform>>,
    Path((id, operation)): Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let operation = find(&platform, &signed, &id, &operation).await?;
    operation::retry(&platform, &signed.actor(), operation).await?;
    Ok(see_other(&format!("/servers/{id}")))
}

/// Gives it up.
///
/// # Errors
/// `not-found`, `forbidden`, `wrong-state`.
pub async fn cancel(
    State(platform): State<Arc<Platform>>,
    Path((id, operation)): Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let operation = find(&platform, &signed, &id, &operation).await?;
    operation::cancel(&platform, &signed.actor(), operation).await?;
    Ok(see_other(&format!("/servers/{id}")))
}
