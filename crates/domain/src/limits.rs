//! How often something may be tried: token buckets, whose state is two numbers that all replicas share.

use jiff::Timestamp;

words! {
    /// What is limited. The word begins the key of a bucket's row.
    pub enum Bucket, "limit" {
        /// Log-ins tried from one network address.
        LogInFrom = "login:ip",
        /// Log-ins tried for one account, from anywhere.
        LogInTo = "login:account",
        /// The password entered again, or a code, by one session.
        Confirm = "login:confirm",
        /// Accounts made from one network address.
        SignUp = "signup:ip",
        /// Mails asked for to one address: confirmations, resets, invitations.
        Mail = "mail",
        /// Invitations sent by one organization.
        Invite = "invite",
        /// Orders placed by one organization.
        Order = "order",
        /// Exports asked for of one server.
        Export = "export",
        /// Reports of abuse from one network address.
        Report = "report:ip",
        /// Requests with one API token.
        Api = "api",
    }
}

/// What taking a token led to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taken {
    /// How many tokens are in the bucket now: its new state, together with the time of asking.
    pub tokens: f64,
    /// `Err` when there was none: after how many seconds there will be one.
    pub granted: Result<(), u32>,
}

impl Bucket {
    /// How many tokens are in it when it is full: how much may happen at once.
    ///
    /// Log-ins for one account: at most 10 at once and 70 in an hour, below the 100 that NIST SP 800-63B-4 §3.2.2 allows
    /// in a row, and slow enough that whoever shuts somebody else out by guessing keeps them waiting for a minute only.
    #[must_use]
    pub const fn capacity(self) -> u16 {
        match self {
            Self::LogInFrom => 30,
            Self::LogInTo | Self::Confirm => 10,
            Self::SignUp | Self::Mail | Self::Order | Self::Report => 5,
            Self::Invite => 20,
            Self::Export => 3,
            Self::Api => 300,
        }
    }

    /// After how many seconds one more token is in it.
    #[must_use]
    pub const fn refill_seconds(self) -> f64 {
        match self {
            Self::LogInFrom => 20.0,
            Self::LogInTo | Self::Confirm => 60.0,
            Self::SignUp | Self::Mail | Self::Invite | Self::Report => 600.0,
            Self::Order | Self::Export => 3600.0,
            Self::Api => 0.2,
        }
    }

    /// Takes one token from a bucket that held `tokens` at `updated_at`. A clock that went back refills nothing.
    #[must_use]
    pub fn take(self, tokens: f64, updated_at: Timestamp, now: Timestamp) -> Taken {
        let full = f64::from(self.capacity());
        let seconds = now.duration_since(updated_at).as_secs_f64().max(0.0);
        let held = (tokens.max(0.0) + seconds / self.refill_seconds()).min(full);
        if held >= 1.0 {
            return Taken { tokens: held - 1.0, granted: Ok(()) };
        }
        let wait = ((1.0 - held) * self.refill_seconds()).ceil().max(1.0);
        Taken { tokens: held, granted: Err(wait as u32) }
    }

    /// How long a row must be kept after its last use: then it would be full, and is as good as none.
    #[must_use]
    pub fn forget_after_seconds(self) -> i64 {
        (f64::from(self.capacity()) * self.refill_seconds()).ceil() as i64
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    /// Asks at each of these seconds, beginning with a full bucket; which were granted.
    fn ask(bucket: Bucket, seconds: &[i64]) -> Vec<Result<(), u32>> {
        let (mut tokens, mut updated) = (f64::from(bucket.capacity()), at(0));
        seconds
            .iter()
            .map(|second| {
                let taken = bucket.take(tokens, updated, at(*second));
                (tokens, updated) = (taken.tokens, at(*second));
                taken.granted
            })
            .collect()
    }

    #[test]
    fn full_at_first_then_one_by_one() {
        let answers = ask(Bucket::LogInTo, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 59, 60, 61]);
        assert_eq!(answers[..10], [Ok(()); 10]);
        assert_eq!(answers[10..], [Err(60), Err(30), Err(1), Ok(()), Err(59)]);
    }

    #[test]
    fn a_guesser_has_fewer_than_a_hundred_tries_an_hour() {
        let every_second: Vec<i64> = (0..3600).collect();
        let granted = ask(Bucket::LogInTo, &every_second).iter().filter(|answer| answer.is_ok()).count();
        assert!((60..100).contains(&granted), "{granted}");
    }

    #[test]
    fn a_clock_that_went_back_neither_fills_nor_panics() {
        let taken = Bucket::Order.take(0.5, at(0), at(-100_000));
        assert_eq!(taken, Taken { tokens: 0.5, granted: Err(1800) });
        assert!(Bucket::Order.take(f64::NAN, at(0), at(0)).tokens >= 0.0);
    }

    #[test]
    fn a_forgotten_row_would_be_full() {
        for bucket in Bucket::ALL {
            let later = at(0) + SignedDuration::from_secs(bucket.forget_after_seconds());
            let taken = bucket.take(0.0, at(0), later);
            assert!((taken.tokens - f64::from(bucket.capacity() - 1)).abs() < 1e-6, "{bucket}");
        }
    }

    #[test]
    fn keys_fit_the_row() {
        assert!(Bucket::ALL.iter().all(|bucket| bucket.as_str().len() <= 20));
    }

    proptest! {
        #[test]
        fn waiting_as_long_as_told_is_enough(bucket in select(Bucket::ALL), tokens in 0.0..1.0_f64, later in 0_i64..100) {
            if let Taken { tokens, granted: Err(wait) } = bucket.take(tokens, at(0), at(later)) {
                let after = at(later) + SignedDuration::from_secs(i64::from(wait));
                prop_assert!(bucket.take(tokens + 1e-9, at(later), after).granted.is_ok());
            }
        }

        #[test]
        fn never_more_than_it_holds_and_never_less_than_nothing(
            bucket in select(Bucket::ALL), tokens in -10.0..1000.0_f64, later in -1000_i64..10_000_000,
        ) {
            let taken = bucket.take(tokens, at(0), at(later));
            prop_assert!((0.0..f64::from(bucket.capacity())).contains(&taken.tokens));
        }

        #[test]
        fn no_more_in_any_time_than_full_plus_what_came_in(bucket in select(Bucket::ALL), mut asks in proptest::collection::vec(0_i64..7200, 1..400)) {
            asks.sort_unstable();
            let granted = ask(bucket, &asks).iter().filter(|answer| answer.is_ok()).count();
            prop_assert!(granted as f64 <= f64::from(bucket.capacity()) + 7200.0 / bucket.refill_seconds() + 1.0);
        }
    }
}
