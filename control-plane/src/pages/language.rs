//! Choosing another language: kept in a cookie for visitors, in the account for members.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::Cookie;
use domain::Locale;
use serde::Deserialize;

use crate::app::account::profile;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::form::within;
use crate::pages::{Form, see_other};
use crate::platform::Platform;
use crate::request::LOCALE_COOKIE;

/// The form as it is sent; `next` is where to go back to.
#[derive(Debug, Deserialize)]
pub struct Input {
    locale: Locale,
    #[serde(default)]
    next: String,
}

/// Changes the language.
///
/// # Errors
/// `invalid` for a language that we do not speak.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    signed: Option<Signed>,
    jar: CookieJar,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    if let Some(signed) = signed {
        let (actor, account) = (signed.actor(), &signed.account);
        profile::update(&platform, &actor, account, &account.name, input.locale).await?;
        return Ok(see_other(within(&input.next)));
    }
    let year = 365 * 24 * 60 * 60;
    let text = format!("{LOCALE_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={year}", input.locale);
    let cookie = Cookie::parse(text).map_err(Problem::internal)?;
    Ok((jar.add(cookie), see_other(within(&input.next))).into_response())
}
