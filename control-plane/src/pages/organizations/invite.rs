//! Inviting somebody.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::id::OrganizationId;
use domain::{Email, Right, Role};
use serde::Deserialize;

use super::show::{self, Drafts};
use crate::app::organization::invitation::invite;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::form::Check;
use crate::pages::{Form, Path, see_other};
use crate::platform::Platform;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    email: String,
    role: String,
}

/// Sends the invitation.
///
/// # Errors
/// What cannot be put right in the form.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(organization): Path<OrganizationId>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let member = signed.member(&platform, organization, Right::Invite)?;
    let done = match parse(&input) {
        Ok((email, role)) => invite(&platform, &signed.request, &member, &email, role).await.map(drop),
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => Ok(see_other(&format!("{}?told=invited", super::path(organization)))),
        Err(problem) if problem.is_about_input() => {
            let drafts = Drafts { email: &input.email, role: &input.role, invite: Some(&problem), ..Drafts::default() };
            show::page(&platform, &signed, organization, drafts).await
        }
        Err(problem) => Err(problem),
    }
}

fn parse(input: &Input) -> Result<(Email, Role), Problem> {
    let mut check = Check::default();
    let email = check.take("email", input.email.parse::<Email>().map_err(|error| error.code()));
    let role = check.take("role", input.role.parse::<Role>().map_err(|_| "role-unknown"));
    email.zip(role).ok_or_else(|| check.problem())
}
