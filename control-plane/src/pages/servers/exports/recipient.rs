//! The key to which bundles are encrypted.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bundle::seal::Recipient;
use domain::Right;
use serde::Deserialize;

use super::{From, list};
use crate::app::server::settings::set_recipient;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::servers::visit;
use crate::pages::{Form, Path, see_other};
use crate::platform::Platform;

/// The form as it is sent. `version` is that of the server when the form was shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    recipient: String,
    version: i64,
}

/// Changes it from the next bundle on, or says what is wrong.
///
/// # Errors
/// `not-found`, `forbidden`, `stale`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::Settings, "/exports").await?;
    let parsed: Result<Option<Recipient>, Problem> = match input.recipient.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Problem::field("recipient", "recipient-form")),
    };
    match parsed {
        Ok(recipient) => {
            let (actor, id) = (signed.actor(), visit.instance.id);
            set_recipient(&platform, &actor, id, input.version, recipient.as_ref()).await?;
            Ok(see_other(&format!("/servers/{id}/exports")))
        }
        Err(problem) => {
            list(&platform, &signed, &visit, &From::default(), input.recipient.trim(), Some(&problem)).await
        }
    }
}
