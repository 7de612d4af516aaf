//! What an operator does, one step at a time.

use crd::instance::Identity;
use crd::{
    AccountAction, AccountChange, Bundle, Condition, Export, ExportStatus, Instance, InstanceStatus, Mode, Phase,
    condition,
};
use jiff::Timestamp;
use kube::ResourceExt as _;

use super::State;

/// When everything in a fake happens.
const AT: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// The password that a fake makes for an account: whoever opens the claim can tell what it should read.
#[must_use]
pub fn password(handle: &str) -> String {
    format!("password-of-{handle}")
}

impl State {
    /// Does the next step of everything. Whether there was one.
    pub(super) fn work(&mut self) -> bool {
        let taken: Vec<(String, String)> =
            self.instances.values().map(|one| (one.spec.hostname.to_string(), one.name_any())).collect();
        let mut worked = false;
        for mut instance in self.instances.values().cloned().collect::<Vec<_>>() {
            let host = instance.spec.hostname.to_string();
            let older =
                taken.iter().find(|(name, _)| *name == host).is_some_and(|(_, name)| *name != instance.name_any());
            if server(&mut instance, older) {
                self.put_instance(instance);
                worked = true;
            }
        }
        for mut export in self.exports.values().cloned().collect::<Vec<_>>() {
            if bundle(&mut export) {
                self.put_export(export);
                worked = true;
            }
        }
        for mut change in self.changes.values().cloned().collect::<Vec<_>>() {
            if account(&mut change) {
                self.put_change(change);
                worked = true;
            }
        }
        worked
    }
}

fn set(status: &mut InstanceStatus, type_: &str, is_true: bool, reason: &str) {
    let status_word = if is_true { "True" } else { "False" };
    status.conditions.retain(|condition| condition.type_ != type_);
    status.conditions.push(Condition {
        type_: type_.to_owned(),
        status: status_word.to_owned(),
        reason: reason.to_owned(),
        message: String::new(),
        last_transition_time: AT,
        observed_generation: None,
    });
    status.conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
}

/// One step of a server: born, serving, reachable; or stopped.
fn server(instance: &mut Instance, host_taken: bool) -> bool {
    let before = instance.status.clone();
    let spec = instance.spec.clone();
    let mut status = before.clone().unwrap_or_default();
    if host_taken {
        set(&mut status, condition::ACCEPTED, false, "HostTaken");
        set(&mut status, condition::HOST_TAKEN, true, "Older");
    } else {
        set(&mut status, condition::ACCEPTED, true, "Accepted");
        let born = status.identity.is_some();
        status.address = Some(format!("https://{}", spec.hostname));
        status.mode = Some(spec.mode);
        if spec.owner_claim.is_none() {
            status.owner_claim = None;
        }
        match spec.mode {
            // One that is wished frozen is born all the same: what it is made of must be there before anything can be held.
            Mode::Running | Mode::ReadOnly | Mode::Frozen if !born => birth(instance, &mut status),
            Mode::Running | Mode::ReadOnly if !crd::condition::is_true(&status.conditions, condition::SERVING) => {
                set(&mut status, condition::STOPPED, false, "Running");
                set(&mut status, condition::SERVING, true, "Answers");
            }
            Mode::Running | Mode::ReadOnly => {
                set(&mut status, condition::REACHABLE, true, "Answers");
                set(&mut status, condition::READY, true, "Serving");
                status.observed_revision = spec.revision;
            }
            Mode::Frozen | Mode::Closing => {
                for type_ in [condition::SERVING, condition::REACHABLE, condition::READY] {
                    set(&mut status, type_, false, spec.mode.as_str());
                }
                set(&mut status, condition::STOPPED, true, spec.mode.as_str());
                status.observed_revision = spec.revision;
            }
        }
        status.observed_generation = instance.metadata.generation;
    }
    instance.status = Some(status);
    instance.status != before
}

fn birth(instance: &Instance, status: &mut InstanceStatus) {
    let name = instance.name_any();
    status.identity = Some(Identity {
        volume_claim_uid: format!("{name}-claim"),
        volume_name: format!("{name}-volume"),
        secret_uid: format!("{name}-secret"),
        fingerprint: "0".repeat(64),
        born_at: AT,
    });
    set(status, condition::BORN, true, "Recorded");
    let handle = instance.spec.owner.handle.as_str();
    status.owner_claim = instance.spec.owner_claim.as_deref().and_then(|to| seal(to, &password(handle)));
}

fn seal(recipient: &str, text: &str) -> Option<String> {
    let recipient: age::x25519::Recipient = recipient.parse().ok()?;
    age::encrypt_and_armor(&recipient, text.as_bytes()).ok()
}

/// One step of a bundle: stopping, copying, complete; and the answer to who asks for its key.
fn bundle(export: &mut Export) -> bool {
    let mut status = export.status.clone().unwrap_or_default();
    let step = status.work.step.clone();
    match (status.work.phase, step.as_str()) {
        (Phase::Pending, _) => {
            status.work.phase = Phase::Running;
            status.work.attempt = 1;
            (status.work.step, status.work.percent) = ("Stopping".to_owned(), 5);
            status.work.say("stopping");
        }
        (Phase::Running, "Stopping") => {
            (status.work.step, status.work.percent) = ("Copying".to_owned(), 50);
            status.work.say("copying");
        }
        (Phase::Running, _) => complete(export, &mut status),
        (Phase::Succeeded | Phase::Failed, _) => {}
    }
    let own_key = export.spec.recipient.is_none() && status.work.phase == Phase::Succeeded;
    if own_key && status.key_claim_for != export.spec.key_claim {
        status.key_claim = export.spec.key_claim.as_deref().and_then(|to| seal(to, &password(&export.name_any())));
        status.key_claim_for = export.spec.key_claim.clone();
    }
    let changed = export.status.as_ref() != Some(&status);
    export.status = Some(status);
    changed
}

fn complete(export: &Export, status: &mut ExportStatus) {
    status.work.phase = Phase::Succeeded;
    (status.work.step, status.work.percent) = (String::new(), 100);
    status.work.finished_at = Some(AT);
    status.work.say("complete");
    status.bundle = Some(Bundle {
        prefix: format!("bundles/{}/", export.name_any()),
        manifest_digest: "ab".repeat(32),
        bytes: 4711,
        parts: 1,
        files: 3,
        stopped_seconds: 9,
        ..Bundle::default()
    });
}

/// A change to an account, at once.
fn account(change: &mut AccountChange) -> bool {
    let mut status = change.status.clone().unwrap_or_default();
    if status.work.phase.is_final() {
        return false;
    }
    status.work.phase = Phase::Succeeded;
    status.work.percent = 100;
    status.work.finished_at = Some(AT);
    status.claim = match change.spec.action {
        AccountAction::Add | AccountAction::ResetLogin => {
            change.spec.claim.as_deref().and_then(|to| seal(to, &password(change.spec.handle.as_str())))
        }
        AccountAction::Remove => None,
    };
    change.status = Some(status);
    true
}
