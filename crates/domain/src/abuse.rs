//! Reports of abuse: what somebody says about a server, and what becomes of it.

use jiff::Timestamp;
use names::Hostname;
use serde::{Deserialize, Serialize};

use crate::id::ReportId;
use crate::person::Prose;
use crate::{Email, Locale};

words! {
    /// What a report is about.
    pub enum Category, "category of report" {
        /// Something that is against the law.
        Illegal = "illegal",
        /// Someone is harassed.
        Harassment = "harassment",
        /// Unwanted messages.
        Spam = "spam",
        /// Programs that harm, or pages that steal passwords.
        Malware = "malware",
        /// Someone's work without their leave.
        Copyright = "copyright",
        /// Something else.
        Other = "other",
    }
}

words! {
    /// Where a report stands.
    pub enum ReportState, "state of a report" {
        /// Nobody has answered.
        Open = "open",
        /// Who reported has been answered; more may come.
        Answered = "answered",
        /// Done.
        Closed = "closed",
    }
}

words! {
    /// What came of a report.
    pub enum Decision, "decision" {
        /// Nothing was done to the server.
        Dismissed = "dismissed",
        /// The server was stopped.
        Held = "held",
    }
}

impl Category {
    /// Whether it comes before others in the queue: people are harmed meanwhile.
    #[must_use]
    pub const fn is_urgent(self) -> bool {
        match self {
            Self::Illegal | Self::Malware | Self::Harassment => true,
            Self::Spam | Self::Copyright | Self::Other => false,
        }
    }
}

/// What somebody says about a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Its id.
    pub id: ReportId,
    /// Which server, by its public name. It need not be one of ours: that is answered, too.
    pub hostname: Hostname,
    /// Who says so.
    pub reporter: Email,
    /// The language to answer in.
    pub locale: Locale,
    /// What it is about.
    pub category: Category,
    /// Addresses of what is meant.
    pub links: Option<Prose<4000>>,
    /// What is wrong with it.
    pub text: Prose<10_000>,
    /// Where it stands.
    pub state: ReportState,
    /// What came of it, once it is closed.
    pub decision: Option<Decision>,
    /// The newest answer.
    pub answer: Option<Prose<10_000>>,
    /// When it came in.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Why a report does not go where it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("report {id} is {state} and cannot become {to}")]
pub struct ReportError {
    /// The report.
    pub id: ReportId,
    /// Where it stands.
    pub state: ReportState,
    /// Where it was to go.
    pub to: ReportState,
}

impl Report {
    /// Answers who reported it. Can be done again.
    pub fn answer(self, text: Prose<10_000>, now: Timestamp) -> Result<Self, ReportError> {
        let to = ReportState::Answered;
        match self.state {
            ReportState::Open | ReportState::Answered => {
                Ok(Self { state: to, answer: Some(text), updated_at: now, ..self })
            }
            ReportState::Closed => Err(ReportError { id: self.id, state: self.state, to }),
        }
    }

    /// Decides about it. One that nobody answered can be closed too: spam comes in here as well.
    pub fn close(self, decision: Decision, now: Timestamp) -> Result<Self, ReportError> {
        let to = ReportState::Closed;
        match self.state {
            ReportState::Open | ReportState::Answered => {
                Ok(Self { state: to, decision: Some(decision), updated_at: now, ..self })
            }
            ReportState::Closed => Err(ReportError { id: self.id, state: self.state, to }),
        }
    }

    /// Takes it up again.
    pub fn reopen(self, now: Timestamp) -> Result<Self, ReportError> {
        let to = ReportState::Open;
        match self.state {
            ReportState::Closed => Ok(Self { state: to, decision: None, updated_at: now, ..self }),
            ReportState::Open | ReportState::Answered => Err(ReportError { id: self.id, state: self.state, to }),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn report() -> Report {
        Report {
            id: ReportId::from(Uuid::from_u128(1)),
            hostname: "birds.social.example".parse().unwrap(),
            reporter: "eve@elsewhere.example".parse().unwrap(),
            locale: Locale::De,
            category: Category::Spam,
            links: None,
            text: "They write to everybody.\nEvery day.".parse().unwrap(),
            state: ReportState::Open,
            decision: None,
            answer: None,
            created_at: at(0),
            updated_at: at(0),
        }
    }

    #[test]
    fn answered_as_often_as_needed_then_closed() {
        let first = report().answer("We look at it.".parse().unwrap(), at(1)).unwrap();
        let second = first.answer("It is over.".parse().unwrap(), at(2)).unwrap();
        assert_eq!((second.state, second.answer.as_ref().unwrap().as_str()), (ReportState::Answered, "It is over."));
        let closed = second.close(Decision::Held, at(3)).unwrap();
        assert_eq!((closed.state, closed.updated_at, closed.created_at), (ReportState::Closed, at(3), at(0)));
        assert!(closed.clone().answer("Again.".parse().unwrap(), at(4)).is_err());
        let error = closed.clone().close(Decision::Dismissed, at(4)).unwrap_err();
        assert!(error.to_string().ends_with("is closed and cannot become closed"), "{error}");
        assert_eq!(closed.decision, Some(Decision::Held));
        let reopened = closed.reopen(at(5)).unwrap();
        assert_eq!((reopened.state, reopened.decision), (ReportState::Open, None));
    }

    #[test]
    fn an_open_one_is_not_opened() {
        assert!(report().reopen(at(1)).is_err());
        assert!(report().close(Decision::Dismissed, at(1)).is_ok());
    }
}
