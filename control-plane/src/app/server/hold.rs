//! Holds by us: a server is stopped, or takes no changes, until one of us says otherwise. What is said about it its people
//! read.

use domain::audit::Action;
use domain::hold::{Authority, HoldError};
use domain::id::{HoldId, InstanceId};
use domain::operation::{Kind, Subject};
use domain::person::Prose;
use domain::{Hold, HoldKind};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{lock_any, note, told};
use crate::actor::Actor;
use crate::app::operation::begin;
use crate::app::tell::{self, News};
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::audit::Entry;
use crate::store::instance::Instance;

/// A hold that one of us wants.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Why, as a kind.
    pub kind: HoldKind,
    /// Why, for the owner to read.
    pub reason: Prose<1000>,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// What the domain says against it, at the field that it is about.
fn refusal(error: &HoldError) -> Problem {
    match error {
        HoldError::NotTheirs { .. } => Problem::field("kind", "hold-kind"),
        HoldError::End { kind: HoldKind::Legal, .. } => Problem::field("until", "hold-legal-end"),
        HoldError::End { .. } => Problem::field("until", "hold-end"),
        HoldError::Over(_) => Problem::new(Code::WrongState),
    }
}

/// Places a hold. The same one again, as when a form is sent twice, is refused; another one of the same kind is not: each is
/// lifted for itself.
///
/// # Errors
/// `not-found`; `invalid` when the kind is not ours to place or the end cannot be; `wrong-state` when it is there already or
/// the server's data are gone.
pub async fn place(platform: &Platform, actor: &Actor, id: InstanceId, wish: &Wish) -> Result<HoldId, Problem> {
    let mut tx = platform.begin().await?;
    let hold = place_in(platform, &mut tx, actor, id, wish).await?;
    tx.commit().await?;
    Ok(hold)
}

/// As [`place`], within a transaction.
pub(in crate::app) async fn place_in(
    platform: &Platform,
    tx: &mut Tx,
    actor: &Actor,
    id: InstanceId,
    wish: &Wish,
) -> Result<HoldId, Problem> {
    let (instance, now) = (super::lock(tx, id).await?, platform.now());
    let reason = wish.reason.as_str();
    let there = store::hold::of_instance(tx, id).await?;
    if there.iter().any(|hold| hold.kind == wish.kind && hold.reason == reason && hold.is_in_force(now)) {
        return Err(Problem::new(Code::WrongState));
    }
    let hold = Hold::place(platform.id(HoldId::new)?, wish.kind, reason.to_owned(), Authority::Staff, now, wish.until);
    let hold = hold.map_err(|error| refusal(&error))?;
    store::hold::insert(tx, id, &hold, actor.who).await?;
    begin(platform, tx, actor, &instance, Kind::ApplyInstance, Subject::Instance(id)).await?;
    note(platform, tx, actor, &instance, Action::HoldPlace, entry(&hold, json!({ "until": hold.until }))).await?;
    tell::owners(platform, tx, instance.organization, news(platform, &instance, "held", &hold)).await?;
    Ok(hold.id)
}

fn entry(hold: &Hold, mut detail: Value) -> Entry {
    detail["kind"] = Value::from(hold.kind.as_str());
    Entry { subject: Some(hold.id.to_string()), reason: Some(hold.reason.clone()), detail, ..Entry::default() }
}

fn news(platform: &Platform, instance: &Instance, template: &'static str, hold: &Hold) -> News {
    let mut news = told(platform, instance, template);
    news.arguments["reason"] = Value::from(hold.reason.as_str());
    news
}

/// The hold, locked, and then its server: in the order in which holds that end by themselves are taken.
async fn locked(tx: &mut Tx, id: HoldId) -> Result<(Hold, Instance), Problem> {
    let found = store::hold::lock(tx, id).await?;
    let (instance, hold) = found.ok_or(Problem::new(Code::NotFound))?;
    Ok((hold, lock_any(tx, instance).await?))
}

/// Changes what is said about a hold, if nobody was faster: `version` is that of the hold as it was seen.
///
/// # Errors
/// `not-found`; `stale`; `invalid` when the end cannot be; `wrong-state` when it is over.
pub async fn change(
    platform: &Platform,
    actor: &Actor,
    id: HoldId,
    version: i64,
    reason: &Prose<1000>,
    until: Option<Timestamp>,
) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let (before, instance) = locked(&mut tx, id).await?;
    let changed = before.clone().change(Authority::Staff, reason.as_str().to_owned(), until, platform.now());
    let hold = changed.map_err(|error| refusal(&error))?;
    if !store::hold::change(&mut tx, &hold, version).await? {
        return Err(Problem::new(Code::Stale));
    }
    if hold == before {
        return Ok(tx.commit().await?);
    }
    if hold.kind == HoldKind::Legal && instance.purged_at.is_none() {
        // The cell keeps the reason beside the data that it must not destroy.
        begin(platform, &mut tx, actor, &instance, Kind::ApplyInstance, Subject::Instance(instance.id)).await?;
    }
    let detail = json!({ "before": { "reason": before.reason, "until": before.until }, "until": hold.until });
    note(platform, &mut tx, actor, &instance, Action::HoldChange, entry(&hold, detail)).await?;
    if hold.reason != before.reason {
        tell::owners(platform, &mut tx, instance.organization, news(platform, &instance, "held", &hold)).await?;
    }
    Ok(tx.commit().await?)
}

/// Lifts a hold. Others on the server stay. `why` is for us: it is not shown to the server's people.
///
/// # Errors
/// `not-found`; `forbidden` when it is not ours to lift; `wrong-state` when it is over.
pub async fn lift(platform: &Platform, actor: &Actor, id: HoldId, why: Option<&str>) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let ((hold, instance), now) = (locked(&mut tx, id).await?, platform.now());
    let lifted = hold.lift(Authority::Staff, now).map_err(|error| match error {
        HoldError::NotTheirs { .. } => Problem::new(Code::Forbidden),
        HoldError::End { .. } | HoldError::Over(_) => Problem::new(Code::WrongState),
    })?;
    store::hold::lift(&mut tx, id, actor.who, now).await?;
    if instance.purged_at.is_none() {
        begin(platform, &mut tx, actor, &instance, Kind::ApplyInstance, Subject::Instance(instance.id)).await?;
    }
    // The reason in the log is the hold's, which its people know; ours for lifting it is for us.
    let written = entry(&lifted, json!({ "why": why }));
    note(platform, &mut tx, actor, &instance, Action::HoldLift, written).await?;
    tell::owners(platform, &mut tx, instance.organization, news(platform, &instance, "hold-lifted", &lifted)).await?;
    Ok(tx.commit().await?)
}
