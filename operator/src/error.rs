//! What can go wrong in a reconcile.

use std::fmt;

/// The five steps of a reconcile, as counted by the error metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Looking at the cluster.
    Observe,
    /// Turning what was seen into something that builders trust.
    Validate,
    /// Deciding.
    Plan,
    /// Writing.
    Apply,
    /// Saying what was found.
    Status,
}

impl Step {
    /// All steps in their order.
    pub const ALL: [Self; 5] = [Self::Observe, Self::Validate, Self::Plan, Self::Apply, Self::Status];

    /// The step as written in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Validate => "validate",
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Status => "status",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a reconcile did not get to its end. It is tried again, later each time.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {doing}")]
pub struct Error {
    /// Where it happened.
    pub step: Step,
    /// What was being done to which object: `applying Deployment steppe-t-birds/server`.
    pub doing: String,
    /// Whether it only means that our view was old: somebody wrote first. Tried again soon, and no alarm.
    pub stale: bool,
    /// What went wrong.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl Error {
    /// An error of any kind at a step.
    pub fn new(
        step: Step,
        doing: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { step, doing: doing.into(), stale: false, source: source.into() }
    }

    /// An answer of the API server. A conflict is a sign of an old view.
    #[must_use]
    pub fn kube(step: Step, doing: impl Into<String>, source: kube::Error) -> Self {
        let stale = is_conflict(&source);
        Self { step, doing: doing.into(), stale, source: source.into() }
    }

    /// The whole chain of causes in one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(inner) = cause {
            let next = inner.to_string();
            if !text.contains(&next) {
                text.push_str(": ");
                text.push_str(&next);
            }
            cause = inner.source();
        }
        text
    }
}

/// Whether the API server refused because the object had changed or already existed.
#[must_use]
pub fn is_conflict(error: &kube::Error) -> bool {
    code(error) == Some(409)
}

/// Whether the API server knows no such object.
#[must_use]
pub fn is_not_found(error: &kube::Error) -> bool {
    code(error) == Some(404)
}

fn code(error: &kube::Error) -> Option<u16> {
    if let kube::Error::Api(status) = error { Some(status.code) } else { None }
}
