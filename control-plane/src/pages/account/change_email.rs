//! Changing to another mail address, by the link that was sent there. Opening it shows a button, because programs that look
//! into mails open links too. Whoever is logged in must be whoever asked: a link that was sent to a stranger by mistake gives
//! the stranger nothing.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::app::account::email::{change, offered};
use crate::auth::secret::Secret;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::pages::{Page, Path, html, see_other};
use crate::platform::Platform;

#[derive(Template)]
#[template(path = "account/change-email.html")]
struct ChangeEmailPage<'a> {
    page: &'a Page,
    secret: String,
    email: &'a str,
}

/// The button.
///
/// # Errors
/// `link-dead`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(secret): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let secret = Secret::parse(&secret).ok_or(Problem::new(Code::LinkDead))?;
    let email = offered(&platform, &signed, &secret).await?;
    let page = &Page::to(&signed);
    html(StatusCode::OK, &ChangeEmailPage { page, secret: secret.text(), email: email.as_str() })
}

/// Uses the link up.
///
/// # Errors
/// `link-dead`, `address-taken`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(secret): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let secret = Secret::parse(&secret).ok_or(Problem::new(Code::LinkDead))?;
    change(&platform, &signed, &secret).await?;
    Ok(see_other("/account?told=email-changed"))
}
