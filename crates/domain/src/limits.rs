//! How often something may be tried: token buckets, whose state is two numbers that all replicas share.

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

    /// What taking led to, when `tokens` are in the bucket afterwards.
    #[must_use]
    pub fn taken(self, tokens: f64, granted: bool) -> Taken {
        let wait = ((1.0 - tokens) * self.refill_seconds()).ceil().max(1.0);
        Taken { tokens, granted: if granted { Ok(()) } else { Err(wait as u32) } }
    }

    /// How long a row must be kept after its last use: then it would be full, and is as good as none.
    #[must_use]
    pub fn forget_after_seconds(self) -> i64 {
        (f64::from(self.capacity()) * self.refill_seconds()).ceil() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gets_none_is_told_how_long_to_wait() {
        assert_eq!(Bucket::LogInTo.taken(9.0, true).granted, Ok(()));
        assert_eq!(Bucket::LogInTo.taken(0.0, true).granted, Ok(()), "the last one");
        assert_eq!(Bucket::LogInTo.taken(0.0, false).granted, Err(60));
        assert_eq!(Bucket::Order.taken(0.5, false).granted, Err(1800));
        assert_eq!(Bucket::Api.taken(0.9, false).granted, Err(1), "never nothing");
    }

    #[test]
    fn a_guesser_has_fewer_than_a_hundred_tries_an_hour() {
        let tries = f64::from(Bucket::LogInTo.capacity()) + 3600.0 / Bucket::LogInTo.refill_seconds();
        assert!(tries < 100.0, "{tries}");
    }

    #[test]
    fn a_forgotten_row_would_be_full() {
        for bucket in Bucket::ALL {
            let came_in = bucket.forget_after_seconds() as f64 / bucket.refill_seconds();
            assert!(came_in + 1e-6 >= f64::from(bucket.capacity()), "{bucket}");
        }
    }

    #[test]
    fn keys_fit_the_row() {
        assert!(Bucket::ALL.iter().all(|bucket| bucket.as_str().len() <= 20));
    }
}
