//! Conditions of our objects' statuses.

use crd::Condition;
use jiff::Timestamp;

/// `True` or `False`.
const fn text(truth: bool) -> &'static str {
    if truth { "True" } else { "False" }
}

/// A status's conditions while the next status is computed.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditions {
    list: Vec<Condition>,
    now: Timestamp,
    generation: Option<i64>,
}

impl Conditions {
    /// Begins with the conditions as they are.
    #[must_use]
    pub fn new(list: Vec<Condition>, now: Timestamp, generation: Option<i64>) -> Self {
        Self { list, now, generation }
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, type_: &str) -> Option<&Condition> {
        self.list.iter().find(|condition| condition.type_ == type_)
    }

    /// Whether one is there and `True`.
    #[must_use]
    pub fn is_true(&self, type_: &str) -> bool {
        crd::condition::is_true(&self.list, type_)
    }

    /// Sets a condition. The time of its transition changes only with its truth.
    pub fn set(&mut self, type_: &str, truth: bool, reason: &str, message: &str) {
        let status = text(truth);
        let fresh = Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            last_transition_time: self.now,
            observed_generation: self.generation,
        };
        match self.list.iter_mut().find(|old| old.type_ == type_) {
            Some(old) => {
                let since = if old.status == status { old.last_transition_time } else { self.now };
                *old = Condition { last_transition_time: since, ..fresh };
            }
            None => self.list.push(fresh),
        }
    }

    /// Leaves a condition as it is, or sets it where there is none.
    pub fn keep(&mut self, type_: &str, truth: bool, reason: &str, message: &str) {
        if self.get(type_).is_none() {
            self.set(type_, truth, reason, message);
        }
    }

    /// Takes a condition out: there is nothing to say about it.
    pub fn remove(&mut self, type_: &str) {
        self.list.retain(|condition| condition.type_ != type_);
    }

    /// The conditions for the new status.
    #[must_use]
    pub fn into_list(self) -> Vec<Condition> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_time_changes_only_with_the_truth() {
        let mut first = Conditions::new(Vec::new(), at(1), Some(1));
        first.set("Ready", false, "Starting", "soon");
        let mut second = Conditions::new(first.into_list(), at(2), Some(2));
        second.set("Ready", false, "NoAnswer", "none");
        let ready = second.get("Ready").unwrap().clone();
        assert_eq!((ready.last_transition_time, ready.reason.as_str()), (at(1), "NoAnswer"));
        assert_eq!(ready.observed_generation, Some(2));
        second.set("Ready", true, "Up", "");
        assert_eq!(second.get("Ready").unwrap().last_transition_time, at(2));
        second.keep("Ready", false, "x", "x");
        assert!(second.is_true("Ready"));
        second.remove("Ready");
        assert!(second.into_list().is_empty());
    }
}
