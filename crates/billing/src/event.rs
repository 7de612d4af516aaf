//! What whoever takes the money tells.

use domain::Entitlement;
use domain::id::{InstanceId, OfferId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::SubscriptionState;

/// How the subscription of a server stands. Always the whole of it and never a difference: told twice, or late, it does
/// no harm, as long as an older one does not win over a newer one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Which server.
    pub instance: InstanceId,
    /// Which version of which offer is paid.
    pub offer: Option<OfferId>,
    /// How it stands.
    pub state: SubscriptionState,
    /// Until when it is paid.
    pub paid_until: Option<Timestamp>,
    /// When it stood so.
    pub at: Timestamp,
}

impl Event {
    /// What the server may do.
    #[must_use]
    pub const fn entitlement(&self) -> Entitlement {
        self.state.entitlement()
    }

    /// Which of two is to be believed: the newer one; of two of the same moment the one that cannot change any more.
    #[must_use]
    pub fn newer(self, other: Self) -> Self {
        let weight = |event: &Self| (event.at, event.state.is_final(), event.state);
        if weight(&other) > weight(&self) { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn event(second: i64, state: SubscriptionState) -> Event {
        let instance = "inst_00000000000000000000000001".parse().unwrap();
        let at = Timestamp::from_second(second).unwrap();
        Event { instance, offer: None, state, paid_until: None, at }
    }

    #[test]
    fn what_is_late_does_not_win() {
        let (unpaid, paid) = (event(1, SubscriptionState::Unpaid), event(2, SubscriptionState::Active));
        assert_eq!(unpaid.clone().newer(paid.clone()).entitlement(), Entitlement::Full);
        assert_eq!(paid.newer(unpaid).entitlement(), Entitlement::Full);
    }

    proptest! {
        #[test]
        fn any_order_and_any_repeat_end_the_same(
            story in proptest::collection::vec((0_i64..5, select(SubscriptionState::ALL)), 1..8), turn in 0_usize..8, repeat in 0_usize..8,
        ) {
            let events: Vec<_> = story.into_iter().map(|(second, state)| event(second, state)).collect();
            let mut other = events.clone();
            other.rotate_left(turn % events.len());
            other.push(events[repeat % events.len()].clone());
            let end = |events: Vec<Event>| events.into_iter().reduce(Event::newer).unwrap();
            prop_assert_eq!(end(events), end(other));
        }
    }
}
