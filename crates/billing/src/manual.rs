//! Billing without a provider: what costs nothing is given at once, what costs something when one of us has agreed and
//! sees to the invoice.

use domain::offer::{Approval, Conditions};
use jiff::Timestamp;

use crate::{Admission, Billing, BillingError, Command, CommandKey, Event, Reply, SubscriptionState};

/// Billing without a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ManualBilling;

impl ManualBilling {
    /// How a subscription stands after a command. There is nobody to ask, so that this is known at once.
    pub const fn decide(command: &Command, now: Timestamp) -> Result<Event, BillingError> {
        let (state, offer) = match command {
            Command::Start { price, .. } | Command::Change { price, .. } => {
                (SubscriptionState::Active, Some(price.offer))
            }
            Command::End { .. } => (SubscriptionState::Canceled, None),
            Command::Refresh { .. } => return Err(BillingError::Unsupported("asking how a subscription stands")),
        };
        Ok(Event { instance: command.instance(), offer, state, paid_until: None, at: now })
    }
}

impl Billing for ManualBilling {
    fn admission(&self, conditions: &Conditions) -> Admission {
        match conditions.approval {
            Approval::None if conditions.price.is_free() => Admission::AtOnce,
            Approval::None | Approval::Staff => Admission::Staff,
        }
    }

    fn carry_out<'a>(&'a self, _: &'a CommandKey, command: &'a Command, now: Timestamp) -> Reply<'a> {
        Box::pin(std::future::ready(Self::decide(command, now)))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use domain::money::{Period, Tax};
    use domain::{Entitlement, Money};
    use names::{Flavour, Size};

    use super::*;
    use crate::command::Price;

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn conditions(minor: i64, approval: Approval) -> Conditions {
        let price = Money::new(minor, "EUR").unwrap();
        let (tax, period) = (Tax::Inclusive, Period::Month);
        Conditions { flavour: Flavour::Snac, size: Size::Small, price, tax, period, approval }
    }

    /// The answer, which is there at once.
    fn ask(command: &Command) -> Result<Event, BillingError> {
        let billing: &dyn Billing = &ManualBilling;
        let key = CommandKey::new("op_00000000000000000000000001".parse().unwrap(), "pay");
        let reply = pin!(billing.carry_out(&key, command, now()));
        match reply.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("there is nobody to wait for"),
        }
    }

    #[test]
    fn only_what_costs_nothing_is_given_without_asking() {
        for (minor, approval, admission) in [
            (0, Approval::None, Admission::AtOnce),
            (0, Approval::Staff, Admission::Staff),
            (500, Approval::None, Admission::Staff),
            (500, Approval::Staff, Admission::Staff),
        ] {
            assert_eq!(ManualBilling.admission(&conditions(minor, approval)), admission);
        }
    }

    #[test]
    fn from_the_first_day_to_the_last() {
        let instance = "inst_00000000000000000000000001".parse().unwrap();
        let amount = Money::new(500, "EUR").unwrap();
        let offer = "ofr_00000000000000000000000001".parse().unwrap();
        let price = Price { offer, amount, tax: Tax::Inclusive, period: Period::Month };
        let organization = "org_00000000000000000000000001".parse().unwrap();
        let started = ask(&Command::Start { organization, instance, price }).unwrap();
        assert_eq!((started.instance, started.offer, started.at), (instance, Some(offer), now()));
        assert_eq!(started.entitlement(), Entitlement::Full);
        let ended = ask(&Command::End { instance }).unwrap();
        assert_eq!(ended.entitlement(), Entitlement::None);
        assert!(matches!(ask(&Command::Refresh { instance }), Err(BillingError::Unsupported(_))));
    }

    #[test]
    fn commands_are_kept_as_text() {
        let command = Command::End { instance: "inst_00000000000000000000000001".parse().unwrap() };
        let json = serde_json::to_string(&command).unwrap();
        assert_eq!(json, r#"{"command":"end","instance":"inst_00000000000000000000000001"}"#);
        assert_eq!(serde_json::from_str::<Command>(&json).unwrap(), command);
    }
}
