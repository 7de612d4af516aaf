//! What we do about a report.

use domain::abuse::{Decision, Report, ReportError};
use domain::audit::Action;
use domain::id::{HoldId, ReportId, StaffId};
use domain::person::Prose;
use serde_json::json;

use super::{note, to_reporter};
use crate::actor::{Actor, Who};
use crate::app::server::hold::{Wish, place_in};
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::report::Filed;

/// A mail to who reported.
pub type Answer = Prose<10_000>;

async fn lock(tx: &mut Tx, id: ReportId) -> Result<Filed, Problem> {
    store::report::lock(tx, id).await?.ok_or(Problem::new(Code::NotFound))
}

fn refusal(_: ReportError) -> Problem {
    Problem::new(Code::WrongState)
}

const fn staff(actor: &Actor) -> Option<StaffId> {
    match actor.who {
        Who::Staff(id) => Some(id),
        Who::Visitor | Who::Account(_) | Who::Token(_) | Who::System => None,
    }
}

/// Answers who reported it, by mail. Can be done again.
///
/// # Errors
/// `not-found`; `wrong-state` when it is closed.
pub async fn answer(platform: &Platform, actor: &Actor, id: ReportId, text: &Answer) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let filed = lock(&mut tx, id).await?;
    let report = answered(platform, &mut tx, filed.report, Some(text)).await?;
    store::report::save(&mut tx, &report, filed.hold, staff(actor)).await?;
    note(platform, &mut tx, actor, &report, Action::ReportAnswer, None).await?;
    Ok(tx.commit().await?)
}

async fn answered(platform: &Platform, tx: &mut Tx, report: Report, text: Option<&Answer>) -> Result<Report, Problem> {
    let Some(text) = text else { return Ok(report) };
    let report = report.answer(text.clone(), platform.now()).map_err(refusal)?;
    let arguments = json!({ "host": report.hostname, "answer": text.as_str(), "link": platform.link("/abuse") });
    to_reporter(platform, tx, &report, "report-answered", arguments).await?;
    Ok(report)
}

/// Closes it: nothing is done to the server. Who reported is told why, if there is an answer.
///
/// # Errors
/// `not-found`; `wrong-state` when it is closed already.
pub async fn dismiss(platform: &Platform, actor: &Actor, id: ReportId, text: Option<&Answer>) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let filed = lock(&mut tx, id).await?;
    close(platform, &mut tx, actor, filed, Decision::Dismissed, None, text).await?;
    Ok(tx.commit().await?)
}

/// Stops the server that it is about, with a reason that its people read, and closes the report.
///
/// # Errors
/// `not-found`; `wrong-state` when it is closed already or its server is none of ours; see
/// [`crate::app::server::hold::place`].
pub async fn hold(
    platform: &Platform,
    actor: &Actor,
    id: ReportId,
    wish: &Wish,
    text: Option<&Answer>,
) -> Result<HoldId, Problem> {
    let mut tx = platform.begin().await?;
    let mut filed = lock(&mut tx, id).await?;
    if filed.instance.is_none() {
        // The server may have been adopted since.
        let found = store::instance::with_hostname(&mut tx, &filed.report.hostname).await?;
        filed.instance = found.map(|found| found.id);
    }
    let instance = filed.instance.ok_or(Problem::new(Code::WrongState))?;
    if filed.report.clone().close(Decision::Held, platform.now()).is_err() {
        return Err(Problem::new(Code::WrongState));
    }
    let hold = place_in(platform, &mut tx, actor, instance, wish).await?;
    close(platform, &mut tx, actor, filed, Decision::Held, Some(hold), text).await?;
    tx.commit().await?;
    Ok(hold)
}

async fn close(
    platform: &Platform,
    tx: &mut Tx,
    actor: &Actor,
    filed: Filed,
    decision: Decision,
    hold: Option<HoldId>,
    text: Option<&Answer>,
) -> Result<(), Problem> {
    let report = answered(platform, tx, filed.report, text).await?;
    let report = report.close(decision, platform.now()).map_err(refusal)?;
    store::report::save(tx, &report, hold.or(filed.hold), staff(actor)).await?;
    note(platform, tx, actor, &report, Action::ReportClose, Some(decision.as_str().to_owned())).await
}

/// Takes a closed report up again. A hold that it led to stays.
///
/// # Errors
/// `not-found`; `wrong-state` when it is not closed.
pub async fn reopen(platform: &Platform, actor: &Actor, id: ReportId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let filed = lock(&mut tx, id).await?;
    let report = filed.report.reopen(platform.now()).map_err(refusal)?;
    store::report::save(&mut tx, &report, filed.hold, staff(actor)).await?;
    note(platform, &mut tx, actor, &report, Action::ReportReopen, None).await?;
    Ok(tx.commit().await?)
}
