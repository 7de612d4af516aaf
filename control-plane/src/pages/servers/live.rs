//! What happens to a server, as it happens.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::Right;
use http::HeaderMap;

use super::visit;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::stream::{From, Subject, follow};
use crate::pages::{Path, Query};
use crate::platform::Platform;

/// A stream of events.
///
/// # Errors
/// `not-found`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Query(from): Query<From>,
    headers: HeaderMap,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::See, "").await?;
    let subject = Subject::Instance(visit.instance.id);
    follow(platform, visit.instance.organization, subject, &from, &headers).await
}
