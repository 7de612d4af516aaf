//! The states of a subscription, and what a server may do in each.

use domain::{Entitlement, words};

words! {
    /// Where a subscription stands, in the words of Stripe's API
    /// (<https://docs.stripe.com/api/subscriptions/object#subscription_object-status>).
    pub enum SubscriptionState, "state of a subscription" {
        /// The first payment has not been made. It may be for 23 hours.
        Incomplete = "incomplete",
        /// The first payment was not made in time. Final.
        IncompleteExpired = "incomplete_expired",
        /// Being tried without payment.
        Trialing = "trialing",
        /// Paid.
        Active = "active",
        /// A later payment failed and is being tried again.
        PastDue = "past_due",
        /// All tries were used up; paying revives it.
        Unpaid = "unpaid",
        /// A trial ended and nobody said how to pay.
        Paused = "paused",
        /// Ended. Final.
        Canceled = "canceled",
    }
}

impl SubscriptionState {
    /// What a server may do. After
    /// <https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses>: provision in `trialing` and `active`
    /// only, revoke access when retries are exhausted.
    ///
    /// While payments are tried again (`past_due`, about two weeks) nothing changes: the community has not done
    /// anything, and after seven days of standing still other servers would stop delivering. Without payment
    /// (`unpaid`, `paused`) nothing more is written, all is kept, and exports work.
    #[must_use]
    pub const fn entitlement(self) -> Entitlement {
        match self {
            Self::Trialing | Self::Active | Self::PastDue => Entitlement::Full,
            Self::Unpaid | Self::Paused => Entitlement::ReadOnly,
            Self::Incomplete | Self::IncompleteExpired | Self::Canceled => Entitlement::None,
        }
    }

    /// Whether a new server may be made for it. A renewal that fails while a server is being made stops nothing, but a
    /// server that is not there yet is not begun on credit.
    #[must_use]
    pub const fn may_provision(self) -> bool {
        match self {
            Self::Trialing | Self::Active => true,
            Self::Incomplete
            | Self::IncompleteExpired
            | Self::PastDue
            | Self::Unpaid
            | Self::Paused
            | Self::Canceled => false,
        }
    }

    /// Whether it never changes again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::IncompleteExpired | Self::Canceled => true,
            Self::Incomplete | Self::Trialing | Self::Active | Self::PastDue | Self::Unpaid | Self::Paused => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let table: Vec<_> = SubscriptionState::ALL
            .iter()
            .map(|state| {
                let (provision, last) = (state.may_provision(), state.is_final());
                format!("{state} {} {provision} {last}", state.entitlement())
            })
            .collect();
        assert_eq!(
            table,
            [
                "incomplete none false false",
                "incomplete_expired none false true",
                "trialing full true false",
                "active full true false",
                "past_due full false false",
                "unpaid read-only false false",
                "paused read-only false false",
                "canceled none false true",
            ]
        );
    }

    #[test]
    fn what_may_be_begun_may_run() {
        for state in SubscriptionState::ALL {
            assert!(!state.may_provision() || state.entitlement() == Entitlement::Full, "{state}");
            assert!(!state.is_final() || state.entitlement() == Entitlement::None, "{state}");
        }
    }

    #[test]
    fn a_word_we_do_not_know_is_an_error_and_no_guess() {
        assert!("cancelled".parse::<SubscriptionState>().is_err());
        assert!("ended".parse::<SubscriptionState>().is_err());
        assert_eq!("past_due".parse(), Ok(SubscriptionState::PastDue));
    }
}
