//! How often an operator asked the API server, by its own count.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lab::wait;
use tokio::time::Instant;

/// An operator that asked nothing for so long has nothing left to do.
const QUIET: Duration = Duration::from_secs(2);

/// A counter from the text of an operator's `/metrics`, by the values of its labels.
///
/// # Errors
/// When a count is no number.
pub fn counter(text: &str, name: &str) -> Result<BTreeMap<String, u64>> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(&format!("steppe_operator_{name}_total{{")));
    lines
        .map(|line| {
            let labels: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
            let count = line.rsplit(' ').next().unwrap_or_default();
            Ok((labels.join(" "), count.parse().with_context(|| format!("{line:?} ends with no count"))?))
        })
        .collect()
}

/// Requests by `verb resource`; watches and the lists before them left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls(pub BTreeMap<String, u64>);

impl Calls {
    /// Reads them from the text of `/metrics`.
    ///
    /// # Errors
    /// When a count is no number.
    pub fn parse(text: &str) -> Result<Self> {
        let mut calls = counter(text, "api_calls")?;
        calls.retain(|call, _| !call.starts_with("watch "));
        Ok(Self(calls))
    }

    /// Those since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let new = |(call, count): (&String, &u64)| {
            let count = count - before.0.get(call).copied().unwrap_or(0);
            (count > 0).then(|| (call.clone(), count))
        };
        Self(self.0.iter().filter_map(new).collect())
    }

    /// How many only read.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.sum(true)
    }

    /// How many may have changed something.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.sum(false)
    }

    fn sum(&self, read: bool) -> u64 {
        let is_read = |call: &str| call.starts_with("get ") || call.starts_with("list ");
        self.0.iter().filter(|(call, _)| is_read(call) == read).map(|(_, count)| count).sum()
    }
}

/// Waits until an operator, whose calls `look` reads, asks nothing any more.
///
/// # Errors
/// When it still does after `limit`.
pub async fn quiet(limit: Duration, mut look: impl AsyncFnMut() -> Result<Calls>) -> Result<Calls> {
    let mut last = (Calls::default(), Instant::now());
    wait::until("the operator to be quiet", limit, async || {
        let now = look().await?;
        if now != last.0 {
            last = (now, Instant::now());
        }
        Ok((last.1.elapsed() > QUIET).then(|| last.0.clone()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# TYPE steppe_operator_api_calls counter
steppe_operator_api_calls_total{verb="get",resource="secrets"} 4
steppe_operator_api_calls_total{verb="patch",resource="instances/status"} 9
steppe_operator_api_calls_total{verb="watch",resource="pods"} 70
"#;

    #[test]
    fn watches_are_no_calls_and_reads_are_told_from_writes() {
        let calls = Calls::parse(TEXT).unwrap();
        assert_eq!((calls.reads(), calls.writes()), (4, 9));
    }

    #[test]
    fn what_was_before_is_not_counted() {
        let before = Calls([("get secrets".to_owned(), 4), ("patch instances/status".to_owned(), 2)].into());
        let since = Calls::parse(TEXT).unwrap().since(&before);
        assert_eq!(since, Calls([("patch instances/status".to_owned(), 7)].into()));
    }
}
