//! Changing what an organization is called.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::id::OrganizationId;
use domain::{PersonName, Right};
use serde::Deserialize;

use super::show::{self, Drafts};
use crate::app::organization::rename;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Form, Path, see_other};
use crate::platform::Platform;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    name: String,
}

/// Renames it.
///
/// # Errors
/// What cannot be put right in the form.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(organization): Path<OrganizationId>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let member = signed.member(&platform, organization, Right::Rename)?;
    let done = match input.name.parse::<PersonName>() {
        Ok(name) => rename(&platform, &member, None, &name).await,
        Err(error) => Err(Problem::field("name", error.code())),
    };
    match done {
        Ok(()) => Ok(see_other(&format!("{}?told=saved", super::path(organization)))),
        Err(problem) if problem.is_about_input() => {
            let drafts = Drafts { name: Some(&input.name), rename: Some(&problem), ..Drafts::default() };
            show::page(&platform, &signed, organization, drafts).await
        }
        Err(problem) => Err(problem),
    }
}
