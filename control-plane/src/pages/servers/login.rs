//! The owner's first password: shown once.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Frame, visit};
use crate::app::server::claim;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Page, Path, html};
use crate::platform::Platform;
use crate::store::instance::Instance;

#[derive(Template)]
#[template(path = "servers/login.html")]
struct LoginPage<'a> {
    page: &'a Page,
    frame: &'a Frame,
    instance: &'a Instance,
    password: Option<&'a str>,
    /// `here`, `coming` or `gone`.
    stands: &'static str,
}

/// Whether it is there, and the button that shows it.
///
/// # Errors
/// `not-found`, `forbidden`, `password-needed`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::SeeClaim, "/login").await?;
    let frame = visit.frame(&platform, &signed, "").await?;
    let instance = &visit.instance;
    let stands = match (&instance.claim_key_sealed, &instance.claim_answer) {
        (Some(_), Some(_)) => "here",
        (Some(_), None) => "coming",
        (None, _) => "gone",
    };
    let page = Page::to(&signed);
    html(StatusCode::OK, &LoginPage { page: &page, frame: &frame, instance, password: None, stands })
}

/// Shows it. It is in this answer and nowhere else any more.
///
/// # Errors
/// `shown-once`, and as above.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::SeeClaim, "/login").await?;
    let password: SecretString = claim::show(&platform, &signed.actor(), visit.instance.id).await?;
    let frame = visit.frame(&platform, &signed, "").await?;
    let page = Page::to(&signed);
    let shown = LoginPage {
        page: &page,
        frame: &frame,
        instance: &visit.instance,
        password: Some(password.expose_secret()),
        stands: "shown",
    };
    html(StatusCode::OK, &shown)
}
