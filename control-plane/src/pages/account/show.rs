//! The account: who one is, where mail goes, in which browsers one is logged in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::download::{self, Asker, Download};
use domain::{Locale, PersonName, Role};
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;

use crate::app::account::profile;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::form::Check;
use crate::pages::{Form, Page, browser, html, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::account::Account;
use crate::store::session::Session;
use crate::store::terms::{Accepted, Terms};

/// The form as it is sent.
#[derive(Debug, Deserialize)]
pub struct Input {
    name: String,
    locale: String,
}

#[derive(Template)]
#[template(path = "account/show.html")]
struct AccountPage<'a> {
    page: &'a Page,
    account: &'a Account,
    input: &'a Input,
    problem: Option<&'a Problem>,
    sessions: Vec<Session>,
    current: &'a Session,
    accepted: Vec<Accepted>,
    /// The terms in force, when they were not agreed to.
    newer: Option<Terms>,
    /// Until when no bundle leaves.
    paused_until: Option<Timestamp>,
}

impl AccountPage<'_> {
    fn browser(&self, session: &Session) -> String {
        let found = browser::of(&session.user_agent);
        let unknown = self.page.t("browser-unknown");
        match (found.name, found.system) {
            (Some(name), Some(system)) => self.page.t2("browser-on", "browser", name, "system", system),
            (Some(name), None) | (None, Some(name)) => name.to_owned(),
            (None, None) => unknown,
        }
    }
}

/// The account.
///
/// # Errors
/// When the database refuses.
pub async fn show(State(platform): State<Arc<Platform>>, signed: Signed) -> Result<Response, Problem> {
    let (name, locale) = (signed.account.name.to_string(), signed.account.locale.to_string());
    page(&platform, &signed, &Input { name, locale }, None).await
}

/// The form with name and language that was sent.
///
/// # Errors
/// What cannot be put right in the form.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let done = match parse(&input) {
        Ok((name, locale)) => profile::update(&platform, &signed.actor(), &signed.account, &name, locale).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => Ok(see_other("/account?told=saved")),
        Err(problem) if problem.is_about_input() => page(&platform, &signed, &input, Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

fn parse(input: &Input) -> Result<(PersonName, Locale), Problem> {
    let mut check = Check::default();
    let name = check.take("name", input.name.parse::<PersonName>().map_err(|error| error.code()));
    let locale = check.take("locale", input.locale.parse::<Locale>().map_err(|_| "locale-unknown"));
    name.zip(locale).ok_or_else(|| check.problem())
}

async fn page(
    platform: &Platform,
    signed: &Signed,
    input: &Input,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let now = platform.now();
    let mut connection = platform.pool.acquire().await?;
    let sessions = store::session::of_account(&mut connection, signed.account.id, now).await?;
    let accepted = store::terms::accepted(&mut connection, signed.account.id).await?;
    let terms = store::terms::current(&mut connection, now).await?;
    let page = AccountPage {
        page: &Page::to(signed),
        account: &signed.account,
        input,
        problem,
        sessions,
        current: &signed.session,
        newer: Some(terms).filter(|terms| !terms.are_among(&accepted)),
        accepted,
        paused_until: paused_until(signed, now),
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &page)
}

fn paused_until(signed: &Signed, now: Timestamp) -> Option<Timestamp> {
    let asker = Asker {
        role: Role::Owner,
        confirmed_until: signed.session.confirmed_until,
        created_at: signed.account.created_at,
        password_changed_at: signed.account.password_changed_at,
        email_changed_at: signed.account.email_changed_at,
    };
    match download::decide(&asker, now) {
        Download::Wait { until } => Some(until),
        Download::Ok | Download::PasswordNeeded | Download::Refused => None,
    }
}
