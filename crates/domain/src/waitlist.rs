//! The waitlist: who gets a place that is freed. There is one for each size, because places are of a size.

use jiff::Timestamp;

use crate::id::OrderId;

/// An order that waits for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The order.
    pub order: OrderId,
    /// Since when. Who came first is first; of two that came at once, the one with the smaller id.
    pub since: Timestamp,
}

/// An order that a place is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The order.
    pub order: OrderId,
    /// Until when.
    pub until: Timestamp,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Orders whose offer has expired: they end, and their places are free.
    pub take_back: Vec<OrderId>,
    /// Orders that are offered a place, the first one first.
    pub offer: Vec<OrderId>,
}

fn in_order(waiting: &[Waiting]) -> Vec<Waiting> {
    let mut all = waiting.to_vec();
    all.sort_by_key(|one| (one.since, one.order));
    all
}

/// What is to be done with `free` places that nobody has or is kept one of.
#[must_use]
pub fn plan(waiting: &[Waiting], kept: &[Kept], free: u32, now: Timestamp) -> Plan {
    let take_back: Vec<OrderId> = kept.iter().filter(|one| one.until <= now).map(|one| one.order).collect();
    let places = usize::try_from(free).unwrap_or(usize::MAX).saturating_add(take_back.len());
    let offer = in_order(waiting).into_iter().take(places).map(|one| one.order).collect();
    Plan { take_back, offer }
}

/// At which place an order waits; 1 is the next. `None`: it does not wait.
#[must_use]
pub fn position(waiting: &[Waiting], order: OrderId) -> Option<u32> {
    let place = in_order(waiting).iter().position(|one| one.order == order)?;
    u32::try_from(place + 1).ok()
}

/// Whether a new order may have one of the `free` places at once. Not while others wait: they came first.
#[must_use]
pub const fn is_open(waiting: usize, free: u32) -> bool {
    waiting == 0 && free > 0
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn id(number: u128) -> OrderId {
        Uuid::from_u128(number).into()
    }

    fn waiting(number: u128, second: i64) -> Waiting {
        Waiting { order: id(number), since: at(second) }
    }

    #[test]
    fn first_come_first_served() {
        let all = [waiting(3, 30), waiting(1, 10), waiting(4, 10), waiting(2, 20)];
        assert_eq!(plan(&all, &[], 3, at(99)).offer, [id(1), id(4), id(2)]);
        assert_eq!([1, 4, 2, 3].map(|number| position(&all, id(number))), [Some(1), Some(2), Some(3), Some(4)]);
        assert_eq!(position(&all, id(9)), None);
    }

    #[test]
    fn an_offer_that_expired_goes_to_the_next() {
        let kept = [Kept { order: id(8), until: at(100) }, Kept { order: id(9), until: at(101) }];
        let plan = plan(&[waiting(1, 10), waiting(2, 20)], &kept, 0, at(100));
        assert_eq!(plan, Plan { take_back: vec![id(8)], offer: vec![id(1)] });
    }

    #[test]
    fn nobody_overtakes_those_who_wait() {
        assert!(is_open(0, 1));
        assert!(!is_open(1, 5));
        assert!(!is_open(0, 0));
    }

    proptest! {
        #[test]
        fn whoever_is_offered_a_place_was_before_all_who_are_not(
            seconds in proptest::collection::vec(0_i64..50, 0..30), ends in proptest::collection::vec(0_i64..200, 0..10), free in 0_u32..20,
        ) {
            let all: Vec<_> = seconds.iter().zip(1..).map(|(second, number)| waiting(number, *second)).collect();
            let kept: Vec<_> = ends.iter().zip(100..).map(|(end, number)| Kept { order: id(number), until: at(*end) }).collect();
            let plan = plan(&all, &kept, free, at(100));
            let places = free as usize + plan.take_back.len();
            prop_assert_eq!(plan.offer.len(), places.min(all.len()));
            prop_assert!(kept.iter().all(|one| plan.take_back.contains(&one.order) == (one.until <= at(100))));
            let since = |order: &OrderId| all.iter().find(|one| one.order == *order).map(|one| (one.since, one.order));
            let last = plan.offer.iter().filter_map(since).max();
            prop_assert!(all.iter().filter(|one| !plan.offer.contains(&one.order)).all(|one| Some((one.since, one.order)) > last));
        }

        #[test]
        fn doing_the_plan_leaves_nothing_to_do(seconds in proptest::collection::vec(0_i64..50, 0..30), free in 0_u32..20) {
            let mut all: Vec<_> = seconds.iter().zip(1..).map(|(second, number)| waiting(number, *second)).collect();
            let first = plan(&all, &[], free, at(100));
            all.retain(|one| !first.offer.contains(&one.order));
            let kept: Vec<_> = first.offer.iter()
                .map(|order| Kept { order: *order, until: at(100) + SignedDuration::from_hours(72) }).collect();
            let left = free - u32::try_from(first.offer.len()).unwrap();
            prop_assert_eq!(plan(&all, &kept, left, at(101)), Plan::default());
        }
    }
}
