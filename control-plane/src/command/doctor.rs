//! `steppe doctor`: does everything that the configuration names answer, and is it what it should be?

mod cells;
mod ourselves;

use std::time::Duration;

use anyhow::bail;

use super::{config, platform, say};
use crate::Given;
use crate::platform::Platform;

/// How long any one thing may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, and somebody should look.
    Look,
    /// It does not work.
    Bad,
}

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How.
    pub verdict: Verdict,
    /// Of what.
    pub what: String,
    /// In words, and what to do.
    pub words: String,
}

impl Finding {
    fn good(what: impl Into<String>, words: impl Into<String>) -> Self {
        Self { verdict: Verdict::Good, what: what.into(), words: words.into() }
    }

    fn look(what: impl Into<String>, words: impl Into<String>) -> Self {
        Self { verdict: Verdict::Look, what: what.into(), words: words.into() }
    }

    fn bad(what: impl Into<String>, words: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, what: what.into(), words: words.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match self.verdict {
            Verdict::Good => "good",
            Verdict::Look => "look",
            Verdict::Bad => "BAD ",
        };
        write!(f, "{mark}  {}: {}", self.what, self.words)
    }
}

/// Waits for an answer, but not for ever.
async fn patient<T>(answer: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PATIENCE, answer).await.ok()
}

/// Looks at everything. What needs the database is left out when that does not answer.
pub async fn look(platform: &Platform) -> Vec<Finding> {
    let mut found = ourselves::database(platform).await;
    if found.iter().all(|one| one.verdict != Verdict::Bad) {
        found.extend(ourselves::keys(platform).await);
        found.extend(ourselves::rows(platform).await);
        found.extend(cells::all(platform).await);
    }
    found.push(ourselves::mail(platform).await);
    found
}

/// Says what was found.
///
/// # Errors
/// When something is bad.
pub async fn run(given: Given) -> anyhow::Result<()> {
    let platform = platform(config(given)?, 2)?;
    let found = look(&platform).await;
    for one in &found {
        say(&one.to_string())?;
    }
    let bad = found.iter().filter(|one| one.verdict == Verdict::Bad).count();
    match bad {
        0 => say("all is well"),
        1 => bail!("one thing is not as it should be"),
        many => bail!("{many} things are not as they should be"),
    }
}
