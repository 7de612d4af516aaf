//! Confirming a mail address. Opening the link shows a button, because programs that look into mails open links too.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;

use crate::app::account::confirm;
use crate::auth::secret::Secret;
use crate::error::{Code, Problem};
use crate::pages::{Page, html, see_other};
use crate::platform::Platform;
use crate::request::Request;
use crate::store::mail_link::{Purpose, is_good};

#[derive(Template)]
#[template(path = "account/confirm.html")]
struct ConfirmPage<'a> {
    page: &'a Page,
    secret: String,
}

/// The button.
///
/// # Errors
/// `link-dead`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(secret): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let secret = Secret::parse(&secret).ok_or(Problem::new(Code::LinkDead))?;
    let mut connection = platform.pool.acquire().await?;
    if !is_good(&mut connection, &secret, Purpose::Confirm, platform.now()).await? {
        return Err(Problem::new(Code::LinkDead));
    }
    html(StatusCode::OK, &ConfirmPage { page: &Page::of(&request), secret: secret.text() })
}

/// Uses the link up.
///
/// # Errors
/// `link-dead`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(secret): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let secret = Secret::parse(&secret).ok_or(Problem::new(Code::LinkDead))?;
    confirm(&platform, &request, &secret).await?;
    Ok(see_other("/?told=confirmed"))
}
