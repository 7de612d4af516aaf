//! Making an organization.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::PersonName;
use domain::id::OrganizationId;
use serde::Deserialize;

use super::list;
use crate::app::organization::create;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::pages::{Form, see_other};
use crate::platform::Platform;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    id: String,
    name: String,
}

/// Makes it. The same form sent again leads to what the first one made.
///
/// # Errors
/// What cannot be put right in the form.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let id: OrganizationId = input.id.parse().map_err(|_| Problem::new(Code::Malformed))?;
    let done = match input.name.parse::<PersonName>() {
        Ok(_) if signed.membership(id).is_ok() => Ok(()),
        Ok(name) => create(&platform, &signed, id, &name).await,
        Err(error) => Err(Problem::field("name", error.code())),
    };
    match done {
        Ok(()) => Ok(see_other(&super::path(id))),
        Err(problem) if problem.is_about_input() => list::page(&platform, &signed, &input.name, Some(&problem)),
        Err(problem) => Err(problem),
    }
}
