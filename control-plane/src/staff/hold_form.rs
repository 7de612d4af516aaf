//! The form for a hold, wherever it stands.

use domain::HoldKind;
use domain::person::{Prose, TextError};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::app::server::hold::Wish;
use crate::error::Problem;
use crate::pages::form::Check;

/// The kinds that are ours to place.
pub const KINDS: [HoldKind; 3] = [HoldKind::Staff, HoldKind::Legal, HoldKind::Capacity];

/// The form as it is sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    /// Why, as a kind.
    pub kind: String,
    /// Why, for the owner to read.
    pub reason: String,
    /// The day on which it ends by itself; may be empty.
    pub until: String,
    /// Which version of the hold was seen, when it is changed.
    pub version: i64,
}

/// A day as browsers send it: its beginning in UTC.
fn day(text: &str) -> Result<Option<Timestamp>, &'static str> {
    match text.trim() {
        "" => Ok(None),
        text => {
            let date: Date = text.parse().map_err(|_| "hold-end")?;
            let zoned = date.to_zoned(TimeZone::UTC).map_err(|_| "hold-end")?;
            Ok(Some(zoned.timestamp()))
        }
    }
}

/// A day as a form has it.
#[must_use]
pub fn text(until: Option<Timestamp>) -> String {
    until.map(|until| until.to_zoned(TimeZone::UTC).date().to_string()).unwrap_or_default()
}

impl Input {
    /// What is wanted.
    ///
    /// # Errors
    /// `invalid`, with all that cannot be used.
    pub fn wish(&self) -> Result<Wish, Problem> {
        let mut check = Check::default();
        let kind = check.take("kind", self.kind.parse::<HoldKind>().map_err(|_| "hold-kind"));
        let reason = check.take("reason", self.reason.parse::<Prose<1000>>().map_err(TextError::text_code));
        let until = check.take("until", day(&self.until));
        match (kind, reason, until) {
            (Some(kind), Some(reason), Some(until)) => Ok(Wish { kind, reason, until }),
            _ => Err(check.problem()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_there_and_back() {
        let until = day("2026-12-24").unwrap();
        assert_eq!(until, Some("2026-12-24T00:00:00Z".parse().unwrap()));
        assert_eq!(text(until), "2026-12-24");
        assert_eq!(day(" "), Ok(None));
        for bad in ["tomorrow", "2026-13-01", "-9999-01-01x", "2026-12-24T"] {
            assert_eq!(day(bad), Err("hold-end"), "{bad}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_said() {
        let problem = Input { until: "x".to_owned(), ..Input::default() }.wish().unwrap_err();
        assert_eq!(problem.fields.len(), 3);
    }
}
