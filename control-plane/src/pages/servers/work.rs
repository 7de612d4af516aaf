//! What is being done to a server, as its people see it: steps, percent, what happened, what can be done.

use domain::operation::State;
use jiff::Timestamp;

use crate::app::operation::{may_cancel, may_retry};
use crate::pages::Page;
use crate::platform::Platform;
use crate::store::operation::Operation;

/// An operation in words.
#[derive(Debug)]
pub struct View {
    /// Its id.
    pub id: String,
    /// What it does.
    pub title: String,
    /// Where it stands: the stable word, and in words.
    pub state: &'static str,
    /// The same in words.
    pub state_text: String,
    /// How far it is.
    pub percent: u8,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Why it waits or failed.
    pub why: Option<String>,
    /// What happened.
    pub log: Vec<Line>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Whether it can be tried again.
    pub may_retry: bool,
    /// Whether it can be given up.
    pub may_cancel: bool,
}

/// A step.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// `done`, `now` or `todo`; as a class and in words.
    pub state: &'static str,
    /// What is done in it.
    pub text: String,
}

/// A line of what happened.
#[derive(Debug)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
    /// What a program said to it, in its own words; may be empty.
    pub said: String,
}

impl View {
    /// An operation in the reader's words. `may` says whether they have the right to change its course.
    #[must_use]
    pub fn of(page: &Page, platform: &Platform, operation: &Operation, may: bool) -> Self {
        let course = &operation.course;
        let kind = course.kind.as_str().replace('.', "-");
        let word =
            |word: &str| page.find(&format!("step-{kind}-{word}")).or_else(|| page.find(&format!("reason-{word}")));
        let steps = course.kind.steps().iter().map(|step| step.word);
        let log = operation.log.iter().map(|line| {
            let text = word(&line.word).unwrap_or_else(|| page.t("work-news"));
            Line { at: line.at, text, said: line.message.trim().to_owned() }
        });
        Self {
            id: operation.id.to_string(),
            title: page.t(&format!("work-{kind}")),
            state: course.state.as_str(),
            state_text: page.t(&format!("work-state-{}", course.state.as_str())),
            percent: course.percent,
            steps: places(steps, &course.step, &course.state)
                .map(|(step, state)| Step { state, text: page.t(&format!("step-{kind}-{step}")) })
                .collect(),
            why: why(page, operation),
            log: log.collect(),
            created_at: operation.created_at,
            finished_at: operation.finished_at,
            may_retry: may && may_retry(operation),
            may_cancel: may && may_cancel(platform, operation),
        }
    }

    /// Whether something still happens.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.finished_at.is_none()
    }
}

/// Each step with its place before, at or after the current one.
fn places<'a>(
    steps: impl Iterator<Item = &'static str> + 'a,
    current: &'a str,
    state: &'a State,
) -> impl Iterator<Item = (&'static str, &'static str)> + 'a {
    let succeeded = matches!(state, State::Succeeded { .. });
    let stopped = matches!(state, State::Failed { .. } | State::Cancelled { .. });
    let mut reached = current.is_empty();
    steps.map(move |step| {
        let here = !succeeded && step == current;
        let place = match (here, reached && !succeeded) {
            (true, _) if stopped => "failed",
            (true, _) => "now",
            (false, true) => "todo",
            (false, false) => "done",
        };
        reached |= here;
        (step, place)
    })
}

fn why(page: &Page, operation: &Operation) -> Option<String> {
    let reason = match &operation.course.state {
        State::Waiting { reason, .. } | State::Failed { reason, .. } => reason,
        State::Queued { .. } | State::Running { .. } | State::Succeeded { .. } | State::Cancelled { .. } => {
            return None;
        }
    };
    // A program's own words are for those who run it; they stand in the log.
    let rest =
        if matches!(operation.course.state, State::Failed { .. }) { "reason-failed" } else { "reason-cell-works" };
    Some(page.find(&format!("reason-{reason}")).unwrap_or_else(|| page.t(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_done_under_way_and_to_come() {
        let at = Timestamp::UNIX_EPOCH;
        let of = |current: &str, state: State| -> Vec<&'static str> {
            places(["ask", "stop", "copy"].into_iter(), current, &state).map(|(_, place)| place).collect()
        };
        assert_eq!(of("", State::Queued { run_at: at }), ["todo", "todo", "todo"]);
        assert_eq!(of("stop", State::Running { lease_until: at }), ["done", "now", "todo"]);
        assert_eq!(of("stop", State::Failed { at, reason: String::new() }), ["done", "failed", "todo"]);
        assert_eq!(of("stop", State::Succeeded { at }), ["done", "done", "done"]);
    }
}
