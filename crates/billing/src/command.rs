//! What the control plane wants of whoever takes the money.

use domain::Money;
use domain::id::{InstanceId, OfferId, OperationId, OrganizationId};
use domain::money::{Period, Tax};
use serde::{Deserialize, Serialize};

/// Names a command for good, so that a repeat finds what the first try made: the operation and the step that needs it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandKey(String);

impl CommandKey {
    /// The key of a step of an operation.
    #[must_use]
    pub fn new(operation: OperationId, step: &str) -> Self {
        Self(format!("{operation}:{step}"))
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is paid for a server, as it was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Which version of which offer.
    pub offer: OfferId,
    /// How much for one period.
    pub amount: Money,
    /// Whether tax is in it.
    pub tax: Tax,
    /// How often.
    pub period: Period,
}

/// What the control plane wants. There is one subscription for each server, so that each ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Begin to take money for a server.
    Start {
        /// Who pays.
        organization: OrganizationId,
        /// For what.
        instance: InstanceId,
        /// How much.
        price: Price,
    },
    /// Take another price from now on.
    Change {
        /// For what.
        instance: InstanceId,
        /// How much.
        price: Price,
    },
    /// Take no more money for a server.
    End {
        /// For what.
        instance: InstanceId,
    },
    /// Tell how the subscription of a server stands, whatever was told before.
    Refresh {
        /// Which server.
        instance: InstanceId,
    },
}

impl Command {
    /// The server it is about.
    #[must_use]
    pub const fn instance(&self) -> InstanceId {
        match self {
            Self::Start { instance, .. }
            | Self::Change { instance, .. }
            | Self::End { instance }
            | Self::Refresh { instance } => *instance,
        }
    }
}
