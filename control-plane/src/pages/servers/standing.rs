//! How a server stands, in the reader's words.

use domain::Standing;
use domain::standing::WayOut;
use fluent_templates::fluent_bundle::FluentValue;
use jiff::Timestamp;

pub use crate::app::server::standing::facts;
use crate::text::Texts;
use crate::when;

/// A standing in words.
#[derive(Debug, Clone)]
pub struct Told {
    /// How it is meant.
    pub tone: &'static str,
    /// In two or three words.
    pub title: String,
    /// In a sentence or two, the way out in them.
    pub text: String,
    /// What can be done.
    pub way: WayOut,
}

impl Told {
    /// A standing in words.
    #[must_use]
    pub fn of(standing: Standing, texts: &Texts) -> Self {
        let (tone, way) = standing.meaning();
        let word = standing.as_str();
        let time = time(standing).map(|time| when::text(texts.locale(), time)).unwrap_or_default();
        let arguments = [("time", FluentValue::from(time))];
        Self {
            tone: tone.as_str(),
            title: texts.get(&format!("standing-{word}")),
            text: texts.with(&format!("standing-{word}-text"), &arguments),
            way,
        }
    }
}

/// The time that belongs to a standing.
const fn time(standing: Standing) -> Option<Timestamp> {
    match standing {
        Standing::Offered { until } | Standing::AwaitingApproval { until } | Standing::SetupFailed { until } => {
            Some(until)
        }
        Standing::ClosingDown { undo_until } | Standing::Closed { undo_until } => Some(undo_until),
        Standing::OutOfSight { since } => Some(since),
        Standing::Waitlisted
        | Standing::Declined
        | Standing::Cancelled
        | Standing::Expired
        | Standing::SettingUp
        | Standing::Up
        | Standing::Starting
        | Standing::Disturbed
        | Standing::Unreachable
        | Standing::Stopping
        | Standing::Paused
        | Standing::Suspended
        | Standing::LegalHold
        | Standing::OverCapacity
        | Standing::Unpaid
        | Standing::NoSubscription
        | Standing::Working
        | Standing::Gone
        | Standing::IdentityMissing
        | Standing::NameTaken
        | Standing::Refused => None,
    }
}
