//! Accounts on a server that are made from here.

mod add;
mod answer;
mod change;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use http::StatusCode;
use jiff::Timestamp;

pub use add::submit as add;
pub use answer::{show as answer, submit as reveal};
pub use change::{ask_remove, remove, reset, reset_owner};

use super::{Frame, Visit, visit};
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::pages::{Page, Path, html};
use crate::platform::Platform;
use crate::store;
use crate::store::account_change::{AccountChange, Action};
use crate::store::work::Phase;

/// How many changes are looked at.
const CHANGES: i64 = 500;
/// How many of them are shown.
const SHOWN: usize = 20;

/// An account.
struct User {
    handle: String,
    owner: bool,
}

/// A change that was asked for.
struct Change {
    link: String,
    text: String,
    state: &'static str,
    answer: bool,
    at: Timestamp,
}

#[derive(Template)]
#[template(path = "servers/users.html")]
struct UsersPage<'a> {
    page: &'a Page,
    frame: &'a Frame,
    host: &'a str,
    users: Vec<User>,
    changes: Vec<Change>,
    handle: &'a str,
    problem: Option<&'a Problem>,
    may_remove: bool,
    may_reset_owner: bool,
}

/// Who is there, as far as they were made from here, and what was changed lately.
///
/// # Errors
/// `not-found`, `forbidden`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = here(&platform, &signed, &id, Right::AddUsers).await?;
    list(&platform, &signed, &visit, "", None).await
}

/// The same as any page of a server, for servers whose accounts are made from here.
async fn here(platform: &Platform, signed: &Signed, id: &str, right: Right) -> Result<Visit, Problem> {
    let visit = visit(platform, signed, id, right, "/users").await?;
    match crate::app::server::user::has_users(visit.instance.flavour) {
        true => Ok(visit),
        false => Err(Problem::new(Code::NotFound)),
    }
}

async fn list(
    platform: &Platform,
    signed: &Signed,
    visit: &Visit,
    handle: &str,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let (frame, page) = (visit.frame(platform, signed, "/users").await?, Page::to(signed));
    let mut connection = platform.pool.acquire().await?;
    let changes = store::account_change::page_of(&mut connection, visit.instance.id, None, CHANGES).await?;
    let owner = visit.instance.owner_handle.as_str();
    let others = users(&changes).into_iter().filter(|handle| handle != owner);
    let shown = UsersPage {
        users: std::iter::once(User { handle: owner.to_owned(), owner: true })
            .chain(others.map(|handle| User { handle, owner: false }))
            .collect(),
        changes: changes.iter().take(SHOWN).map(|one| change(&page, visit, one)).collect(),
        host: visit.instance.hostname.as_str(),
        frame: &frame,
        page: &page,
        handle,
        problem,
        may_remove: visit.may(Right::Settings),
        may_reset_owner: visit.may(Right::ResetOwnerLogin),
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &shown)
}

/// The accounts that follow from changes, newest first: those added and not removed since.
fn users(changes: &[AccountChange]) -> Vec<String> {
    let mut handles = std::collections::BTreeSet::new();
    for change in changes.iter().rev().filter(|change| change.phase == Phase::Succeeded) {
        match change.action {
            Action::Add | Action::Reset => handles.insert(change.handle.to_string()),
            Action::Remove => handles.remove(change.handle.as_str()),
        };
    }
    handles.into_iter().collect()
}

fn change(page: &Page, visit: &Visit, change: &AccountChange) -> Change {
    let text = page.t1(&format!("user-change-{}", change.action.as_str()), "handle", &change.handle);
    Change {
        link: format!("/servers/{}/users/{}", visit.instance.id, change.id),
        text,
        state: change.phase.as_str(),
        answer: change.claim_answer.is_some(),
        at: change.created_at,
    }
}
