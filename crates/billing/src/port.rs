//! The port itself.

use std::pin::Pin;

use domain::offer::Conditions;

use crate::{Command, CommandKey, Event};

/// What must happen before an order is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Nothing.
    AtOnce,
    /// One of us must agree.
    Staff,
    /// The customer must pay first, on a page of the provider.
    Checkout,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BillingError {
    /// Try again later: the provider cannot be reached, or asks to wait.
    #[error("the payment provider cannot be asked now: {0}")]
    Unavailable(String),
    /// Trying again does not help.
    #[error("the payment provider refused: {0}")]
    Refused(String),
    /// This implementation cannot do it.
    #[error("{0} is not possible with this kind of billing")]
    Unsupported(&'static str),
}

/// The answer to a command, when it is there.
pub type Reply<'a> = Pin<Box<dyn Future<Output = Result<Event, BillingError>> + Send + 'a>>;

/// Whoever takes the money.
pub trait Billing: Send + Sync + std::fmt::Debug {
    /// What must happen before an order with these conditions is carried out.
    fn admission(&self, conditions: &Conditions) -> Admission;

    /// Carries out a command and tells how things stand after it. With the same key it is carried out once, however often
    /// it is asked for. Called by workers only, never while a person waits for a page.
    fn carry_out<'a>(&'a self, key: &'a CommandKey, command: &'a Command, now: jiff::Timestamp) -> Reply<'a>;
}
