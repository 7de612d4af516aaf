//! Reports of abuse: filed by anybody, answered and decided about by us.

mod decide;

use domain::abuse::{Category, Report, ReportState};
use domain::audit::Action;
use domain::id::ReportId;
use domain::limits::Bucket;
use domain::person::Prose;
use domain::{Email, Topic};
use names::Hostname;
use serde_json::{Value, json};

pub use decide::{answer, dismiss, hold, reopen};

use super::mail::{self, Letter};
use super::throttle;
use crate::actor::{Actor, Who};
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::request::Request;
use crate::store;
use crate::store::audit::Entry;
use crate::store::outbox::About;

/// What somebody says about a server.
#[derive(Debug, Clone)]
pub struct Words {
    /// Which server, by its public name.
    pub hostname: Hostname,
    /// Who says so.
    pub reporter: Email,
    /// What it is about.
    pub category: Category,
    /// Addresses of what is meant.
    pub links: Option<Prose<4000>>,
    /// What is wrong with it.
    pub text: Prose<10_000>,
}

/// Takes a report in; who reported is told that it is here, and so are we.
///
/// # Errors
/// `too-many`.
pub async fn file(platform: &Platform, request: &Request, words: Words) -> Result<ReportId, Problem> {
    throttle::take(platform, Bucket::Report, &request.address.to_string()).await?;
    // Nobody fills somebody else's mailbox with our receipts: without one the report is taken all the same.
    let receipt = match throttle::take(platform, Bucket::Mail, &words.reporter.canonical()).await {
        Ok(()) => true,
        Err(problem) if problem.code == Code::TooMany => false,
        Err(problem) => return Err(problem),
    };
    let (id, now) = (platform.id(ReportId::new)?, platform.now());
    let report = Report {
        id,
        hostname: words.hostname,
        reporter: words.reporter,
        locale: request.texts.locale(),
        category: words.category,
        links: words.links,
        text: words.text,
        state: ReportState::Open,
        decision: None,
        answer: None,
        created_at: now,
        updated_at: now,
    };
    let mut tx = platform.begin().await?;
    let instance = store::instance::with_hostname(&mut tx, &report.hostname).await?;
    store::report::insert(&mut tx, &report, instance.map(|found| found.id)).await?;
    note(platform, &mut tx, &Actor::of(request, Who::Visitor, ""), &report, Action::ReportFile, None).await?;
    if receipt {
        let arguments = json!({ "host": report.hostname, "link": platform.link("/abuse") });
        to_reporter(platform, &mut tx, &report, "report-received", arguments).await?;
    }
    to_staff(platform, &mut tx, &report).await?;
    tx.commit().await?;
    Ok(id)
}

/// Writes down what happened to a report. Not beside the server: its people do not read who reported it.
async fn note(
    platform: &Platform,
    tx: &mut Tx,
    actor: &Actor,
    report: &Report,
    action: Action,
    reason: Option<String>,
) -> Result<(), Problem> {
    let now = platform.now();
    let payload = json!({ "report": report.id, "state": report.state });
    store::outbox::write(tx, now, Topic::Report, About::default(), payload).await?;
    let detail = json!({ "hostname": report.hostname, "category": report.category, "decision": report.decision });
    let entry = Entry { subject: Some(report.id.to_string()), reason, detail, ..Entry::default() };
    Ok(store::audit::write(tx, now, actor, action, entry).await?)
}

async fn to_reporter(
    platform: &Platform,
    tx: &mut Tx,
    report: &Report,
    template: &'static str,
    arguments: Value,
) -> Result<(), Problem> {
    let letter =
        Letter { template, locale: report.locale, to: &report.reporter, account: None, arguments, secret_link: None };
    mail::send(platform, tx, letter).await
}

async fn to_staff(platform: &Platform, tx: &mut Tx, report: &Report) -> Result<(), Problem> {
    let link = format!("{}/reports/{}", platform.config.staff_url.as_str().trim_end_matches('/'), report.id);
    let letter = Letter {
        template: "report-filed",
        locale: domain::Locale::En,
        to: &platform.config.support.clone(),
        account: None,
        arguments: json!({ "host": report.hostname, "category": report.category, "link": link }),
        secret_link: None,
    };
    mail::send(platform, tx, letter).await
}
