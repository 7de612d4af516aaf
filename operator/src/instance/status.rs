//! Fifth step: what is true now. Computed last, from what was seen and what was done.

use crd::instance::LastExport;
use crd::{InstanceStatus, Mode, Phase, condition};
use kube::ResourceExt as _;

use super::apply::Applied;
use super::observe::Observed;
use super::power::{self, Power};
use super::validate::{self, Refusal};
use crate::cache::{Held, Seen};
use crate::condition::Conditions;
use crate::probe::Verdict;

/// What came of the decision.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// Nothing was changed: this is paused.
    Paused(&'static str),
    /// Nothing was changed: the wish cannot be carried out.
    Refused(&'a Refusal),
    /// It was carried out.
    Carried(&'a Applied),
}

/// The next status.
#[must_use]
pub fn next(seen: &Observed, outcome: &Outcome<'_>) -> InstanceStatus {
    let instance = &seen.instance;
    let old = instance.status.clone().unwrap_or_default();
    let generation = instance.metadata.generation;
    let mut conditions = Conditions::new(old.conditions.clone(), seen.now, generation);
    let mut status = InstanceStatus { last_export: last_export(seen).or(old.last_export.clone()), ..old };
    deletion(seen, &mut conditions);
    match outcome {
        Outcome::Paused(by) => {
            let message =
                format!("{by} is annotated with {}; nothing is changed until that is taken off", crd::labels::PAUSED);
            conditions.set(condition::PAUSED, true, "Annotated", &message);
        }
        Outcome::Refused(refusal) => {
            status.observed_generation = generation;
            conditions.remove(condition::PAUSED);
            refused(seen, refusal, &mut conditions);
        }
        Outcome::Carried(applied) => {
            status.observed_generation = generation;
            conditions.remove(condition::PAUSED);
            carried(seen, applied, &mut status, &mut conditions);
        }
    }
    status.conditions = conditions.into_list();
    status
}

fn deletion(seen: &Observed, conditions: &mut Conditions) {
    if seen.instance.metadata.deletion_timestamp.is_some() {
        conditions.set(
            condition::DELETION_HELD,
            true,
            "NoPurge",
            "somebody deleted this object. Its server is kept as it was; only a Purge removes it. To undo the deletion, make the Instance anew under the same name after the purger or an administrator released this one, annotated to adopt its uid",
        );
    } else {
        conditions.remove(condition::DELETION_HELD);
    }
}

fn refused(seen: &Observed, refusal: &Refusal, conditions: &mut Conditions) {
    conditions.set(condition::ACCEPTED, false, refusal.reason, &refusal.message);
    if let Some(older) = &seen.host_taken_by {
        let message = format!("the older Instance {older} has this host name");
        conditions.set(condition::HOST_TAKEN, true, "Older", &message);
    }
    let born = seen.instance.status.as_ref().is_some_and(|status| status.identity.is_some());
    // A server that was born is neither stopped nor started by a refusal: what is known of it stays. Only with its
    // namespace it goes.
    if !born || refusal.reason == validate::NAMESPACE_TERMINATING {
        conditions.set(condition::READY, false, refusal.reason, &refusal.message);
    }
}

fn carried(seen: &Observed, applied: &Applied, status: &mut InstanceStatus, conditions: &mut Conditions) {
    let wish = &applied.wish;
    conditions.set(condition::ACCEPTED, true, "Accepted", "");
    conditions.remove(condition::HOST_TAKEN);
    let (mode, why) = power::mode(wish, &applied.power);
    status.mode = Some(mode);
    status.mode_reason = why;
    status.address = Some(format!("https://{}", wish.hostname));
    status.namespace = Some(wish.namespace.clone());
    if let Some(record) = &applied.record {
        status.identity = Some(record.identity.clone());
        status.owner_claim = record.owner_claim.clone().or(status.owner_claim.take());
    }
    if wish.owner_claim.is_none() {
        status.owner_claim = None;
    }
    born(applied, status, conditions);
    identity_missing(applied, conditions);
    let server = Server::of(seen);
    health(seen, applied, conditions);
    stopped(seen, applied, server, conditions);
    if conditions.is_true(condition::READY) && server.is_up() && !applied.changed {
        status.version = Some(seen.instance.spec.version.to_string());
    }
    if is_settled(applied, server, mode, conditions) {
        status.observed_revision = seen.instance.spec.revision;
    }
}

fn born(applied: &Applied, status: &InstanceStatus, conditions: &mut Conditions) {
    if status.identity.is_some() {
        conditions.set(condition::BORN, true, "Recorded", "");
        return;
    }
    match &applied.birth {
        Some((reason, message)) => conditions.set(condition::BORN, false, reason, message),
        None => conditions.set(condition::BORN, false, "NotWanted", "spec.mode is Closing; nothing is made"),
    }
}

fn identity_missing(applied: &Applied, conditions: &mut Conditions) {
    let type_ = condition::IDENTITY_MISSING;
    match (&applied.missing, &applied.doubt) {
        (Some(missing), _) => conditions.set(type_, true, missing.reason, &missing.message),
        (None, Some(doubt)) => conditions.set(type_, false, doubt.reason, &doubt.message),
        // It is said once that all is there again.
        (None, None) if conditions.get(type_).is_some() => conditions.set(type_, false, "Complete", ""),
        (None, None) => {}
    }
}

/// The Deployment as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Server {
    exists: bool,
    wanted: i64,
    current: i64,
    ready: i64,
    settled: bool,
}

impl Server {
    fn of(seen: &Observed) -> Self {
        let Some(&Seen::Deployment { wanted, current, ready, settled, .. }) = seen.server().map(|held| &held.seen)
        else {
            return Self::default();
        };
        Self { exists: true, wanted, current, ready, settled }
    }

    const fn is_up(self) -> bool {
        self.settled && self.wanted > 0 && self.ready > 0
    }

    const fn is_down(self) -> bool {
        !self.exists || (self.settled && self.wanted == 0 && self.current == 0)
    }
}

/// Serving, Reachable and Ready.
fn health(seen: &Observed, applied: &Applied, conditions: &mut Conditions) {
    let down = match &applied.power {
        Power::Off(rest) => Some((rest.reason(), rest.message(&applied.wish))),
        Power::Announce => Some(("Starting", "it is about to start".to_owned())),
        Power::Wait(why) => Some(("Starting", format!("its start waits: {why}"))),
        Power::On => None,
    };
    if let Some((reason, message)) = down {
        for type_ in [condition::SERVING, condition::REACHABLE, condition::READY] {
            conditions.set(type_, false, reason, &message);
        }
        return;
    }
    let starting = starting(seen);
    probed(condition::SERVING, &seen.health.serving, &starting, conditions);
    probed(condition::REACHABLE, &seen.health.reachable, &starting, conditions);
    let worst = [condition::SERVING, condition::REACHABLE]
        .into_iter()
        .find(|type_| !conditions.is_true(type_))
        .and_then(|type_| conditions.get(type_).cloned());
    match worst {
        Some(worst) => conditions.set(condition::READY, false, &worst.reason, &worst.message),
        None => conditions.set(condition::READY, true, "Serving", ""),
    }
}

/// Why a server that should be up may not answer yet.
fn starting(seen: &Observed) -> String {
    match seen.waiting("server") {
        Some(why) => format!("its pod cannot start: {why}"),
        None => "it is starting and has not answered yet".to_owned(),
    }
}

fn probed(type_: &str, verdict: &Verdict, starting: &str, conditions: &mut Conditions) {
    match verdict {
        Verdict::Up => conditions.set(type_, true, "Answers", ""),
        Verdict::Down(why) => conditions.set(type_, false, "NoAnswer", why),
        // What was believed holds until the verdict changes.
        Verdict::Unknown if conditions.is_true(type_) => conditions.set(type_, true, "Answers", ""),
        Verdict::Unknown => conditions.set(type_, false, "Starting", starting),
    }
}

/// Stopped: the word that work on the data waits for, and that a start takes back before it happens.
fn stopped(seen: &Observed, applied: &Applied, server: Server, conditions: &mut Conditions) {
    let type_ = condition::STOPPED;
    match &applied.power {
        Power::On => conditions.set(type_, false, "Running", ""),
        Power::Announce | Power::Wait(_) => conditions.set(type_, false, "Starting", ""),
        Power::Off(rest) => {
            let gone = server.is_down() && seen.pods("server").all(|pod| is_over(pod));
            // After a write what was seen is old; a server that never was cannot have come up by it.
            if gone && (!applied.changed || !server.exists) {
                conditions.set(type_, true, rest.reason(), &rest.message(&applied.wish));
            } else if !conditions.is_true(type_) {
                let message = "its deliveries are finished and its processes end";
                conditions.set(type_, false, "Stopping", message);
            }
        }
    }
}

/// Whether all containers of a pod have ended for good. An evicted pod's object may stay for days.
fn is_over(pod: &Held) -> bool {
    matches!(&pod.seen, Seen::Pod { phase, .. } if phase == "Failed" || phase == "Succeeded")
}

/// Whether the wish has been carried out in full: all is written, and the server does what it should.
fn is_settled(applied: &Applied, server: Server, mode: Mode, conditions: &Conditions) -> bool {
    if applied.changed || applied.missing.is_some() {
        return false;
    }
    match mode {
        Mode::Running | Mode::ReadOnly => {
            applied.power.is_on() && server.is_up() && conditions.is_true(condition::READY)
        }
        // A server that is down for a copy only does what somebody else wished.
        Mode::Frozen | Mode::Closing => conditions.is_true(condition::STOPPED) && applied.wish.mode != Mode::Running,
    }
}

/// The newest complete bundle. One that expired since stays named until there is a newer one.
fn last_export(seen: &Observed) -> Option<LastExport> {
    let old = seen.instance.status.as_ref().and_then(|status| status.last_export.clone());
    let newest = seen
        .exports
        .iter()
        .filter_map(|export| {
            let status = export.status.as_ref()?;
            let bundle = status.bundle.as_ref()?;
            (status.work.phase == Phase::Succeeded).then_some(())?;
            Some(LastExport {
                uid: export.uid()?,
                manifest_digest: bundle.manifest_digest.clone(),
                finished_at: status.work.finished_at?,
            })
        })
        .max_by_key(|export| export.finished_at)?;
    match old {
        Some(old) if old.finished_at >= newest.finished_at => Some(old),
        Some(_) | None => Some(newest),
    }
}
