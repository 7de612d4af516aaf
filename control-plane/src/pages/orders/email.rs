//! Correcting where the owner of an ordered server reads mail.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::{Email, Right};
use serde::Deserialize;

use super::find;
use super::show::page;
use crate::app::order::correct_email;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Form, Path, see_other};
use crate::platform::Platform;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    owner_email: String,
}

/// Corrects it, or says what is wrong.
///
/// # Errors
/// `not-found`, `forbidden`, `wrong-state`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let order = find(&platform, &signed, &id, Right::Order).await?;
    match input.owner_email.parse::<Email>() {
        Ok(email) => {
            correct_email(&platform, &signed.actor(), order.id, None, &email).await?;
            Ok(see_other(&format!("/orders/{}", order.id)))
        }
        Err(error) => {
            let problem = Problem::field("owner_email", error.code());
            page(&platform, &signed, &order, &input.owner_email, Some(&problem)).await
        }
    }
}
