//! The kinds of operations, and what is fixed about each.

use crate::Mode;
use crate::id::{AccountChangeId, ExportId, InstanceId};

words! {
    /// What an operation does.
    pub enum Kind, "kind of operation" {
        /// Bring a server to life.
        CreateInstance = "instance.create",
        /// Tell the cell what a server should be now: settings, mode, holds, a claim shown.
        ApplyInstance = "instance.apply",
        /// Make a bundle.
        Export = "instance.export",
        /// Add, reset or remove an account on a server.
        AccountChange = "instance.account",
        /// Stop a server for good and make its final bundle.
        CloseInstance = "instance.close",
        /// Take a closing back.
        ReopenInstance = "instance.reopen",
    }
}

words! {
    /// Which foreign system an operation waits for. Each has its own share of the workers, so that a slow one stops no
    /// other.
    pub enum Dependency, "dependency" {
        /// The cell's Kubernetes API.
        Cluster = "cluster",
        /// The object store.
        Store = "store",
        /// None: our own database only.
        None = "none",
    }
}

/// One step of an operation, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The stable word for it, unique in its kind.
    pub word: &'static str,
    /// How much of the whole it is, in percent. The steps of a kind sum up to 100.
    pub weight: u8,
}

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A server.
    Instance(InstanceId),
    /// A bundle of a server.
    Export(InstanceId, ExportId),
    /// A change to an account on a server.
    AccountChange(InstanceId, AccountChangeId),
}

impl Subject {
    /// Operations with the same key run one after the other. Wishes for one server follow each other; exports and
    /// account changes are objects of their own, which the cell brings into line, so that a long export keeps nobody
    /// from pausing the server.
    #[must_use]
    pub fn concurrency_key(self) -> String {
        match self {
            Self::Instance(instance) => instance.to_string(),
            Self::Export(instance, _) => format!("{instance}/export"),
            Self::AccountChange(instance, _) => format!("{instance}/accounts"),
        }
    }

    /// The server it is about.
    #[must_use]
    pub const fn instance(self) -> InstanceId {
        match self {
            Self::Instance(instance) | Self::Export(instance, _) | Self::AccountChange(instance, _) => instance,
        }
    }
}

const fn step(word: &'static str, weight: u8) -> Step {
    Step { word, weight }
}

impl Kind {
    /// Its steps, in order.
    #[must_use]
    pub const fn steps(self) -> &'static [Step] {
        match self {
            Self::CreateInstance => {
                const { &[step("ask", 5), step("birth", 45), step("start", 30), step("reach", 15), step("claim", 5)] }
            }
            Self::ApplyInstance | Self::ReopenInstance => const { &[step("ask", 20), step("apply", 80)] },
            Self::Export => const { &[step("ask", 5), step("stop", 10), step("copy", 75), step("sign", 10)] },
            Self::AccountChange => const { &[step("ask", 20), step("change", 80)] },
            Self::CloseInstance => const { &[step("ask", 5), step("stop", 15), step("copy", 70), step("sign", 10)] },
        }
    }

    /// How far the whole is when a step is done to this share. Steps it does not have count as not begun.
    #[must_use]
    pub fn percent(self, word: &str, of_step: u8) -> u8 {
        let mut before: u32 = 0;
        for step in self.steps() {
            if step.word == word {
                let share = u32::from(step.weight) * u32::from(of_step.min(100)) / 100;
                return u8::try_from(before + share).unwrap_or(100).min(100);
            }
            before += u32::from(step.weight);
        }
        0
    }

    /// Which foreign system it waits for.
    #[must_use]
    pub const fn dependency(self) -> Dependency {
        match self {
            Self::CreateInstance
            | Self::ApplyInstance
            | Self::Export
            | Self::AccountChange
            | Self::CloseInstance
            | Self::ReopenInstance => Dependency::Cluster,
        }
    }

    /// How often it is begun before it is given up and shown to staff. Waiting is no failure and does not count.
    #[must_use]
    pub const fn max_attempts(self) -> u32 {
        match self {
            // These change nothing until they work: worth a day of trying.
            Self::CreateInstance | Self::ApplyInstance | Self::CloseInstance | Self::ReopenInstance => 30,
            // The cell retries inside; a failed object stays failed, and people wait for the answer.
            Self::Export | Self::AccountChange => 12,
        }
    }

    /// Whether it can be given up half-way. What has been asked of a cell in an object of its own can be left alone; a
    /// server that is half closed cannot.
    #[must_use]
    pub const fn can_be_cancelled(self) -> bool {
        match self {
            Self::Export | Self::AccountChange => true,
            Self::CreateInstance | Self::ApplyInstance | Self::CloseInstance | Self::ReopenInstance => false,
        }
    }

    /// What the server may still do while it runs. An export stops the server too, but there the cell itself sees to
    /// the shortest possible time.
    #[must_use]
    pub const fn mode(self) -> Mode {
        match self {
            Self::CloseInstance => Mode::Frozen,
            Self::CreateInstance | Self::ApplyInstance | Self::Export | Self::AccountChange | Self::ReopenInstance => {
                Mode::Running
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use proptest::sample::select;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn steps_have_names_of_their_own_and_sum_up() {
        for kind in Kind::ALL {
            let steps = kind.steps();
            let words: BTreeSet<_> = steps.iter().map(|step| step.word).collect();
            assert_eq!(words.len(), steps.len(), "{kind}");
            assert_eq!(steps.iter().map(|step| u32::from(step.weight)).sum::<u32>(), 100, "{kind}");
            assert_eq!(kind.percent(steps[0].word, 0), 0, "{kind}");
            assert_eq!(kind.percent(steps[steps.len() - 1].word, 100), 100, "{kind}");
        }
    }

    #[test]
    fn how_far_it_is() {
        assert_eq!(Kind::Export.percent("copy", 50), 52);
        assert_eq!(Kind::Export.percent("copy", 255), 90);
        assert_eq!(Kind::Export.percent("dance", 50), 0);
    }

    #[test]
    fn a_long_export_stands_in_nobodys_way() {
        let instance = InstanceId::from(Uuid::from_u128(1));
        let keys = [
            Subject::Instance(instance),
            Subject::Export(instance, Uuid::from_u128(2).into()),
            Subject::AccountChange(instance, Uuid::from_u128(3).into()),
        ]
        .map(|subject| {
            assert_eq!(subject.instance(), instance);
            subject.concurrency_key()
        });
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), 3);
        assert_eq!(
            Subject::Export(instance, Uuid::from_u128(4).into()).concurrency_key(),
            keys[1],
            "two exports of one server run one after the other"
        );
    }

    proptest! {
        #[test]
        fn progress_never_goes_back(kind in select(Kind::ALL), a in 0_u8..=100, b in 0_u8..=100) {
            let mut last = 0;
            for step in kind.steps() {
                let (low, high) = (kind.percent(step.word, a.min(b)), kind.percent(step.word, a.max(b)));
                prop_assert!(last <= low && low <= high && high <= 100);
                last = kind.percent(step.word, 100);
            }
        }
    }
}
