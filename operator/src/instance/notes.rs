//! What to tell about an instance: the transitions of its conditions, in plain words.

use crd::{Condition, InstanceStatus, condition};

use crate::events::Note;

/// What changed from one status to the next that somebody may want to know.
#[must_use]
pub fn notes(old: &InstanceStatus, new: &InstanceStatus) -> Vec<Note> {
    let mut notes = Vec::new();
    for now in &new.conditions {
        let before = old.conditions.iter().find(|one| one.type_ == now.type_);
        let turned = before.is_none_or(|before| before.status != now.status);
        let other_reason = before.is_some_and(|before| before.reason != now.reason);
        if let Some(note) = note(now, turned, other_reason) {
            notes.push(note);
        }
    }
    if old.mode != new.mode
        && let (Some(before), Some(now)) = (old.mode, new.mode)
    {
        let why = new.mode_reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let message = format!("from {} to {}{why}", before.as_str(), now.as_str());
        notes.push(Note::normal("Mode", message));
    }
    notes
}

fn note(now: &Condition, turned: bool, other_reason: bool) -> Option<Note> {
    let text = || {
        if now.message.is_empty() { now.reason.clone() } else { now.message.clone() }
    };
    match (now.type_.as_str(), now.is_true()) {
        (condition::ACCEPTED, false) if turned || other_reason => Some(Note::warning(now.reason.clone(), text())),
        (condition::BORN, true) if turned => {
            Some(Note::normal("Born", "the server's keys and its owner's account have been made and recorded"))
        }
        (condition::BORN, false) if other_reason && ["BirthFailed", "BirthStuck"].contains(&now.reason.as_str()) => {
            Some(Note::warning(now.reason.clone(), text()))
        }
        (condition::IDENTITY_MISSING, true) if turned || other_reason => {
            Some(Note::warning("IdentityMissing", format!("the server is stopped: {}", now.message)))
        }
        (condition::IDENTITY_MISSING, false) if (turned || other_reason) && now.reason != "Complete" => {
            Some(Note::warning(now.reason.clone(), text()))
        }
        (condition::IDENTITY_MISSING, false) if turned => {
            Some(Note::normal("IdentityComplete", "everything the server was born with is there again"))
        }
        (condition::READY, true) if turned => Some(Note::normal("Ready", "the server answers at its public address")),
        (condition::SERVING | condition::REACHABLE, false) if turned && now.reason == "NoAnswer" => {
            let reason = if now.type_ == condition::SERVING { "NotServing" } else { "NotReachable" };
            Some(Note::warning(reason, text()))
        }
        (condition::STOPPED, true) if turned && now.reason != "NotBorn" => {
            Some(Note::normal("Stopped", format!("visitors see the 503 page: {}", text())))
        }
        (condition::PAUSED, true) if turned => Some(Note::normal("Paused", text())),
        (condition::DELETION_HELD, true) if turned => Some(Note::warning("DeletionHeld", text())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::Conditions;
    use jiff::Timestamp;

    fn status(list: &[(&str, bool, &str)]) -> InstanceStatus {
        let mut conditions = Conditions::new(Vec::new(), Timestamp::UNIX_EPOCH, None);
        for (type_, truth, reason) in list {
            conditions.set(type_, *truth, reason, "the message");
        }
        InstanceStatus { conditions: conditions.into_list(), ..InstanceStatus::default() }
    }

    #[test]
    fn told_once_and_only_when_it_matters() {
        let starting = status(&[("Serving", false, "Starting"), ("Ready", false, "Starting")]);
        assert_eq!(notes(&InstanceStatus::default(), &starting), []);
        let up = status(&[("Serving", true, "Answers"), ("Ready", true, "Serving")]);
        assert_eq!(notes(&starting, &up).len(), 1);
        assert_eq!(notes(&up, &up), []);
        let down = status(&[("Serving", false, "NoAnswer"), ("Ready", false, "NoAnswer")]);
        let told = notes(&up, &down);
        assert_eq!((told.len(), told[0].reason.as_str(), told[0].warning), (1, "NotServing", true));
        let missing = status(&[("IdentityMissing", true, "SecretMissing")]);
        let replaced = status(&[("IdentityMissing", true, "SecretReplaced")]);
        assert_eq!(notes(&up, &missing).len(), 1);
        assert_eq!(notes(&missing, &replaced).len(), 1);
    }
}
