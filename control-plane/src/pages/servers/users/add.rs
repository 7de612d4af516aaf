//! Adding an account.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::Right;
use names::Handle;
use serde::Deserialize;

use super::{here, list};
use crate::app::server::user;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::pages::{Form, Path, see_other};
use crate::platform::Platform;
use crate::store::account_change::Action;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    pub(super) handle: String,
}

/// Adds it, or says what is wrong.
///
/// # Errors
/// `not-found`, `forbidden`, `wrong-state`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let visit = here(&platform, &signed, &id, Right::AddUsers).await?;
    let handle: Result<Handle, _> = input.handle.trim().to_ascii_lowercase().parse();
    let done = match handle {
        Err(_) => Err(Problem::field("handle", "handle-form")),
        Ok(handle) if handle == visit.instance.owner_handle => Err(Problem::field("handle", "handle-owner")),
        Ok(handle) => user::change(&platform, &signed.actor(), visit.instance.id, Action::Add, &handle).await,
    };
    match done {
        Ok(change) => Ok(see_other(&format!("/servers/{id}/users/{change}"))),
        Err(problem) if problem.code == Code::Invalid => {
            list(&platform, &signed, &visit, &input.handle, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}
