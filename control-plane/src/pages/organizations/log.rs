//! Who did what in an organization.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use domain::id::OrganizationId;
use http::StatusCode;
use serde::Deserialize;

use super::Head;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Page, Path, Query, html};
use crate::platform::Platform;
use crate::store;
use crate::store::audit::Line;

/// How many lines a page has.
const LINES: usize = 50;

/// Which page: the lines before a place.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Cursor {
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "organizations/log.html")]
struct LogPage<'a> {
    page: &'a Page,
    head: Head,
    lines: Vec<Line>,
    /// Whether these are not the newest.
    later: bool,
    /// Where the next page begins, if there is one.
    older: Option<i64>,
}

impl LogPage<'_> {
    fn who(&self, line: &Line) -> String {
        match line.actor.split(':').next() {
            // Which of us it was is for us to know.
            Some("staff") => self.page.t("actor-staff"),
            Some("system") => self.page.t("actor-system"),
            _ if line.actor_name.is_empty() => self.page.t("actor-visitor"),
            _ => line.actor_name.clone(),
        }
    }

    fn what(&self, line: &Line) -> String {
        self.page.t(&format!("action-{}", line.action.as_str().replace('.', "-")))
    }

    /// To whom or what: a name, and a role where it is about one.
    fn whom(&self, line: &Line) -> Option<String> {
        let text = |key: &str| line.detail.get(key).and_then(serde_json::Value::as_str);
        let name = text("name").or_else(|| line.subject.as_deref().filter(|subject| !is_id(subject)));
        let role = text("role").and_then(|role| role.parse().ok()).map(|role: domain::Role| self.page.role(role));
        match (name, role) {
            (Some(name), Some(role)) => Some(format!("{name}, {role}")),
            (name, role) => name.map(str::to_owned).or(role),
        }
    }
}

/// Ids say nothing to people.
fn is_id(text: &str) -> bool {
    text.split_once('_').is_some_and(|(prefix, rest)| prefix.len() <= 4 && rest.len() == 26)
}

/// A page of the log.
///
/// # Errors
/// `not-found`, `forbidden`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(organization): Path<OrganizationId>,
    Query(cursor): Query<Cursor>,
    signed: Signed,
) -> Result<Response, Problem> {
    signed.demand(&platform, organization, Right::SeeAudit)?;
    let head = Head::of(&signed, organization)?;
    let mut connection = platform.pool.acquire().await?;
    let limit = LINES as i64 + 1;
    let mut lines = store::audit::of_organization(&mut connection, organization, cursor.before, limit).await?;
    let more = lines.len() > LINES;
    lines.truncate(LINES);
    let older = lines.last().map(|line| line.seq).filter(|_| more);
    let later = cursor.before.is_some();
    html(StatusCode::OK, &LogPage { page: &Page::to(&signed), head, lines, later, older })
}

#[cfg(test)]
mod tests {
    use domain::Locale;
    use domain::audit::Action;

    use super::*;
    use crate::text::Texts;

    #[test]
    fn everything_that_can_be_done_is_said_in_words() {
        for action in Action::ALL {
            let id = format!("action-{}", action.as_str().replace('.', "-"));
            assert_ne!(Texts::new(Locale::En).get(&id), id);
        }
    }

    #[test]
    fn ids_are_not_shown_names_are() {
        assert!(is_id("acc_01k9z3w0000000000000000000") && is_id("inst_01k9z3w0000000000000000000"));
        for name in ["ada@birds.example", "birds.example", "snac_small", ""] {
            assert!(!is_id(name), "{name}");
        }
    }
}
