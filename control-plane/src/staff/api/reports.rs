//! Reports of abuse.

pub mod answer;
pub mod dismiss;
pub mod hold;
pub mod list;
pub mod reopen;
pub mod show;

use domain::abuse::Decision;
use domain::id::{HoldId, InstanceId, ReportId};
use domain::person::Prose;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::staff::prose::prose;
use crate::store;
use crate::store::report::Filed;

/// A report of abuse.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffReport)]
pub struct ReportBody {
    /// Its id.
    #[schema(value_type = String, example = "rep_01kb0c9w40e8ar2xtk7c0h8v4f")]
    id: ReportId,
    /// Which server, by its public name.
    hostname: String,
    /// The server, when it is one of ours.
    #[schema(value_type = Option<String>)]
    instance: Option<InstanceId>,
    /// Who reported it.
    reporter: String,
    /// What it is about.
    #[schema(example = "spam")]
    category: &'static str,
    /// Whether it comes before others.
    urgent: bool,
    /// Addresses of what is meant.
    links: Option<String>,
    /// What is wrong with it.
    text: String,
    /// Where it stands.
    #[schema(example = "open")]
    state: &'static str,
    /// What came of it.
    decision: Option<&'static str>,
    /// The hold that it led to.
    #[schema(value_type = Option<String>)]
    hold: Option<HoldId>,
    /// The newest answer.
    answer: Option<String>,
    /// Who of us had it last.
    handled_by: Option<String>,
    /// When it came in.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Filed> for ReportBody {
    fn from(filed: Filed) -> Self {
        let report = filed.report;
        Self {
            id: report.id,
            hostname: report.hostname.to_string(),
            instance: filed.instance,
            reporter: report.reporter.to_string(),
            category: report.category.as_str(),
            urgent: report.category.is_urgent(),
            links: report.links.map(|links| links.as_str().to_owned()),
            text: report.text.as_str().to_owned(),
            state: report.state.as_str(),
            decision: report.decision.map(Decision::as_str),
            hold: filed.hold,
            answer: report.answer.map(|answer| answer.as_str().to_owned()),
            handled_by: filed.handled_by,
            created_at: report.created_at,
            updated_at: report.updated_at,
        }
    }
}

/// A mail to who reported.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerBody {
    /// What is written to who reported.
    #[schema(min_length = 1, max_length = 10_000)]
    answer: String,
}

/// A mail to who reported, if there is to be one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissBody {
    /// What is written to who reported.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10_000)]
    answer: Option<String>,
}

fn answer(text: Option<&str>) -> Result<Option<Prose<10_000>>, Problem> {
    text.map(|text| prose("answer", text)).transpose()
}

async fn read(platform: &Platform, id: ReportId) -> Result<ReportBody, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let found = store::report::find(&mut connection, id).await?;
    found.map(ReportBody::from).ok_or(Problem::new(Code::NotFound))
}
