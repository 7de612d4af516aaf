//! Confirming a mail address. Opening the link shows a button, because programs that look into mails open links too.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use crate::app::account::confirm;
use crate::auth::secret::Secret;
use crate::error::{Code, Problem};
use crate::pages::form::within;
use crate::pages::{Page, Path, Query, html, see_other};
use crate::platform::Platform;
use crate::request::Request;
use crate::store::mail_link::{Purpose, find};

#[derive(Template)]
#[template(path = "account/confirm.html")]
struct ConfirmPage<'a> {
    page: &'a Page,
    secret: String,
    next: &'a str,
}

/// Where to go on to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Onward {
    next: String,
}

/// The button.
///
/// # Errors
/// `link-dead`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(secret): Path<String>,
    Query(onward): Query<Onward>,
    request: Request,
) -> Result<Response, Problem> {
    let secret = Secret::parse(&secret).ok_or(Problem::new(Code::LinkDead))?;
    let mut connection = platform.pool.acquire().await?;
    if find(&mut connection, &secret, Purpose::Confirm, platform.now()).await?.is_none() {
        return Err(Problem::new(Code::LinkDead));
    }
    html(StatusCode::OK, &ConfirmPage { page: &Page::of(&request), secret: secret.text(), next: within(&onward.next) })
}

/// Uses the link up.
///
/// # Errors
/// `link-dead`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(secret): Path<String>,
    Query(onward): Query<Onward>,
    request: Request,
) -> Result<Response, Problem> {
    let secret = Secret::parse(&secret).ok_or(Problem::new(Code::LinkDead))?;
    confirm(&platform, &request, &secret).await?;
    match within(&onward.next) {
        "/" => Ok(see_other("/?told=confirmed")),
        next => Ok(see_other(next)),
    }
}
