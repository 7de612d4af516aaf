//! How a change to an account goes, and the new password that comes of it: shown once.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use domain::id::AccountChangeId;
use http::StatusCode;
use secrecy::ExposeSecret as _;

use crate::app::server::user;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::pages::servers::{Frame, Visit, WorkView, visit};
use crate::pages::{Page, Path, html};
use crate::platform::Platform;
use crate::store;
use crate::store::account_change::AccountChange;

#[derive(Template)]
#[template(path = "servers/user-answer.html")]
struct AnswerPage<'a> {
    page: &'a Page,
    frame: &'a Frame,
    host: &'a str,
    title: String,
    change: &'a AccountChange,
    work: Option<WorkView>,
    password: Option<&'a str>,
    may_reveal: bool,
}

/// Finds a change for somebody who has the right to it.
async fn find(
    platform: &Platform,
    signed: &Signed,
    id: &str,
    change: &str,
    reveal: bool,
) -> Result<(Visit, AccountChange), Problem> {
    let found = visit(platform, signed, id, Right::See, "").await?;
    let missing = || Problem::new(Code::NotFound);
    let change: AccountChangeId = change.parse().map_err(|_| missing())?;
    let mut connection = platform.pool.acquire().await?;
    let change = store::account_change::find(&mut connection, change).await?;
    let change = change.filter(|one| one.instance == found.instance.id).ok_or_else(missing)?;
    let right = user::right(&found.instance, change.action, &change.handle);
    match reveal {
        true => {
            visit(platform, signed, id, right, &format!("/users/{}", change.id)).await?;
        }
        false if !found.may(right) => return Err(Problem::new(Code::Forbidden)),
        false => {}
    }
    Ok((found, change))
}

/// How it goes.
///
/// # Errors
/// `not-found`, `forbidden`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path((id, change)): Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let (visit, change) = find(&platform, &signed, &id, &change, false).await?;
    page(&platform, &signed, &visit, &change, None).await
}

/// Shows the new password.
///
/// # Errors
/// `not-found`, `forbidden`, `password-needed`, `shown-once`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path((id, change)): Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let (visit, change) = find(&platform, &signed, &id, &change, true).await?;
    let password = user::show(&platform, &signed.actor(), &change).await?;
    page(&platform, &signed, &visit, &change, Some(password.expose_secret())).await
}

async fn page(
    platform: &Platform,
    signed: &Signed,
    visit: &Visit,
    change: &AccountChange,
    password: Option<&str>,
) -> Result<Response, Problem> {
    let tab = if change.handle == visit.instance.owner_handle { "" } else { "/users" };
    let (frame, page) = (visit.frame(platform, signed, tab).await?, Page::to(signed));
    let mut connection = platform.pool.acquire().await?;
    let operation = match change.operation {
        Some(id) => store::operation::find(&mut connection, id).await?,
        None => None,
    };
    let shown = AnswerPage {
        work: operation.map(|one| WorkView::of(&page, platform, &one, true)),
        may_reveal: change.claim_answer.is_some() && password.is_none(),
        title: page.t1(&format!("user-change-{}", change.action.as_str()), "handle", &change.handle),
        host: visit.instance.hostname.as_str(),
        page: &page,
        frame: &frame,
        change,
        password,
    };
    html(StatusCode::OK, &shown)
}
