//! Whose turn it is.

use jiff::Timestamp;
use kube::ResourceExt;

/// A piece of work's place in the queue of its instance: the oldest first, by name among those of one second.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    created: Timestamp,
    name: String,
}

impl Turn {
    /// The place of this object.
    #[must_use]
    pub fn of(object: &impl ResourceExt) -> Self {
        let created = object.creation_timestamp().map_or(Timestamp::MAX, |time| time.0);
        Self { created, name: object.name_any() }
    }

    /// The object's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_first_then_by_name() {
        let turn = |second, name: &str| Turn { created: Timestamp::from_second(second).unwrap(), name: name.into() };
        assert!(turn(1, "z") < turn(2, "a"));
        assert!(turn(1, "a") < turn(1, "b"));
    }
}
