//! The breaker: what looks like an accident stops all destruction until a person has looked.

use jiff::{SignedDuration, Timestamp};

/// Over which time purges are counted.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// Why the breaker opens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trip {
    /// Too many servers would be destroyed in one hour.
    #[error("{recent} servers were destroyed within the last hour, and {limit} is the most in a cell of {instances}")]
    TooManyPurges {
        /// How many there were.
        recent: usize,
        /// How many there may be.
        limit: usize,
        /// How many instances there are.
        instances: u32,
    },
    /// The list of instances lost more than a tenth.
    #[error("there were {recorded} instances, and now {found} are listed: more than a tenth vanished without a purge")]
    ListShrank {
        /// How many there were.
        recorded: u32,
        /// How many there are.
        found: u32,
    },
    /// The list of instances is empty, and was not.
    #[error("there were {recorded} instances, and now none is listed")]
    ListEmpty {
        /// How many there were.
        recorded: u32,
    },
    /// The list of instances was refused.
    #[error("the list of instances was refused ({0})")]
    ListForbidden(String),
}

impl Trip {
    /// As one CamelCase word.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooManyPurges { .. } => "TooManyPurges",
            Self::ListShrank { .. } => "ListShrank",
            Self::ListEmpty { .. } => "ListEmpty",
            Self::ListForbidden(_) => "ListForbidden",
        }
    }
}

/// How many servers may be destroyed in one hour: 3, or 1 % of them where that is more.
#[must_use]
pub fn limit(instances: u32) -> usize {
    usize::try_from(instances / 100).unwrap_or(usize::MAX).max(3)
}

/// Those of the recorded times that lie within the last hour. A time in the future counts too: a clock that went back
/// must not make room.
#[must_use]
pub fn recent(now: Timestamp, recorded: &[Timestamp]) -> Vec<Timestamp> {
    recorded.iter().copied().filter(|time| now.duration_since(*time) < WINDOW).collect()
}

/// Whether one more server may be destroyed now.
///
/// # Errors
/// Why the breaker opens.
pub fn admit(now: Timestamp, recorded: &[Timestamp], instances: u32) -> Result<(), Trip> {
    let recent = recent(now, recorded).len();
    let limit = limit(instances);
    if recent >= limit {
        return Err(Trip::TooManyPurges { recent, limit, instances });
    }
    Ok(())
}

/// A time for a purge's beginning that none of the recorded ones has, so that each time stands for one purge and a
/// repeat after a crash is not counted twice.
#[must_use]
pub fn own_time(now: Timestamp, taken: &[Timestamp]) -> Timestamp {
    let mut time = now;
    while taken.contains(&time) {
        let Ok(next) = time.checked_add(SignedDuration::from_secs(1)) else {
            return time;
        };
        time = next;
    }
    time
}

/// What a count of the instances says, against the last one.
///
/// # Errors
/// Why the breaker opens.
pub fn census(recorded: Option<u32>, found: u32) -> Result<(), Trip> {
    let Some(recorded) = recorded.filter(|&recorded| recorded > 0) else {
        return Ok(());
    };
    if found == 0 {
        return Err(Trip::ListEmpty { recorded });
    }
    let (now, before) = (u64::from(found), u64::from(recorded));
    if now * 10 < before * 9 {
        return Err(Trip::ListShrank { recorded, found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_limit_is_three_or_one_percent() {
        for (instances, expected) in [(0, 3), (1, 3), (399, 3), (400, 4), (2500, 25)] {
            assert_eq!(limit(instances), expected, "{instances}");
        }
    }

    #[test]
    fn the_fourth_within_an_hour_opens_it() {
        let recorded = [at(100), at(200), at(300)];
        assert!(admit(at(400), &recorded[..2], 10).is_ok());
        let trip = admit(at(400), &recorded, 10).unwrap_err();
        assert_eq!(trip.reason(), "TooManyPurges");
        assert!(admit(at(3699), &recorded, 10).is_err());
        assert!(admit(at(3700), &recorded, 10).is_ok());
    }

    #[test]
    fn a_clock_that_goes_back_makes_no_room() {
        assert!(admit(at(0), &[at(100), at(200), at(300)], 10).is_err());
    }

    #[test]
    fn a_list_that_shrinks_opens_it() {
        for (recorded, found, reason) in [
            (None, 0, None),
            (Some(0), 0, None),
            (Some(10), 10, None),
            (Some(10), 9, None),
            (Some(10), 8, Some("ListShrank")),
            (Some(3), 2, Some("ListShrank")),
            (Some(1), 0, Some("ListEmpty")),
            (Some(10), 0, Some("ListEmpty")),
            (Some(10), 1000, None),
        ] {
            let trip = census(recorded, found).err().map(|trip| trip.reason());
            assert_eq!(trip, reason, "{recorded:?} -> {found}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_times_no_hour_has_more_than_the_limit(
            instances in 0u32..1000,
            steps in prop::collection::vec(0i64..1200, 1..100),
        ) {
            let mut now = 1_000_000;
            let mut recorded = Vec::new();
            for step in steps {
                now += step;
                if admit(at(now), &recorded, instances).is_ok() {
                    let own = own_time(at(now), &recorded);
                    prop_assert!(!recorded.contains(&own));
                    recorded.push(own);
                }
            }
            for &start in &recorded {
                let within = recorded.iter().filter(|&&t| t >= start && t.duration_since(start) < WINDOW).count();
                prop_assert!(within <= limit(instances), "{within}");
            }
        }

        #[test]
        fn a_census_trips_exactly_beyond_a_tenth(recorded in 1u32..100_000, found in 0u32..200_000) {
            let lost = f64::from(recorded) - f64::from(found);
            let expected = found == 0 || lost / f64::from(recorded) > 0.1 + 1e-12;
            prop_assert_eq!(census(Some(recorded), found).is_err(), expected);
        }
    }
}
