//! Adds a cell.

use std::sync::Arc;

use axum::extract::State;
use names::Hostname;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{CellBody, read};
use crate::api::Json;
use crate::app::cell;
use crate::error::Problem;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::{Made, Tagged};

/// A cell that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddBody {
    /// Its name: that of its folder below `cells-dir`.
    #[schema(example = "one", pattern = "^[a-z][a-z0-9-]{0,39}$")]
    name: String,
    /// The zone whose names servers in it get.
    #[schema(example = "servers.example")]
    zone: String,
}

/// Adds a cell; which cluster it is is learned at first contact
#[utoipa::path(
    post, path = "/cells", tag = "cells", operation_id = "cells_add", request_body = AddBody,
    responses((status = 201, description = "It", body = CellBody)),
    security(("token" = [])),
)]
pub async fn add(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Json(input): Json<AddBody>,
) -> Result<Made<CellBody>, Problem> {
    let zone: Hostname = input.zone.parse().map_err(|_| Problem::field("zone", "server-unknown"))?;
    let id = cell::add(&platform, &caller.actor(), &input.name, &zone).await?;
    let Tagged(_, body) = read(&platform, id).await?;
    Ok(Made(format!("/v1/staff/cells/{id}"), body))
}
