//! Searching the audit log.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::audit::Action;
use http::StatusCode;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::list::{Pager, ROWS};
use super::trail::{self, Line};
use crate::auth::staff::StaffSigned;
use crate::error::Problem;
use crate::pages::{Page, Query, html};
use crate::platform::Platform;
use crate::store;
use crate::store::search::Wanted;

/// What the address says. What cannot be read is as if it were not there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    actor: String,
    action: String,
    organization: String,
    instance: String,
    subject: String,
    since: String,
    before: String,
}

fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= 300 && !text.contains('\0')).then(|| text.to_owned())
}

impl Input {
    fn wanted(&self) -> Wanted {
        let since = self.since.parse::<Date>().ok().and_then(|date| date.to_zoned(TimeZone::UTC).ok());
        Wanted {
            actor: given(&self.actor),
            action: self.action.parse().ok(),
            organization: self.organization.trim().parse().ok(),
            instance: self.instance.trim().parse().ok(),
            subject: given(&self.subject),
            since: since.map(|zoned| zoned.timestamp()),
        }
    }

    fn address(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let all = [
            ("actor", &self.actor),
            ("action", &self.action),
            ("organization", &self.organization),
            ("instance", &self.instance),
            ("subject", &self.subject),
            ("since", &self.since),
        ];
        query.extend_pairs(all.iter().filter(|(_, value)| !value.is_empty()));
        format!("/audit?{}", query.finish())
    }
}

#[derive(Template)]
#[template(path = "staff/audit.html")]
struct AuditPage<'a> {
    page: &'a Page,
    input: &'a Input,
    actions: Vec<(&'static str, String)>,
    lines: Vec<Line>,
    pager: Pager,
}

/// Lines of the log.
///
/// # Errors
/// When the database refuses.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Query(input): Query<Input>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    let page = &Page::to_staff(&signed);
    let mut connection = platform.pool.acquire().await?;
    let before = input.before.parse().ok();
    let mut lines = store::search::audit(&mut connection, &input.wanted(), before, ROWS + 1).await?;
    let more = lines.len() as i64 > ROWS;
    lines.truncate(usize::try_from(ROWS).unwrap_or(usize::MAX));
    let older = lines.last().filter(|_| more).map(|line| line.seq.to_string());
    let pager = Pager { address: input.address(), older, later: !input.before.is_empty() };
    let action = |action: &Action| (action.as_str(), page.t(&format!("action-{}", action.as_str().replace('.', "-"))));
    let actions = Action::ALL.iter().map(action).collect();
    let lines = trail::lines(page, lines);
    html(StatusCode::OK, &AuditPage { page, input: &input, actions, lines, pager })
}
