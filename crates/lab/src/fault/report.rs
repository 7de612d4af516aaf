//! What came of running plans.

use std::fmt;
use std::time::Duration;

use super::log::Log;
use super::plan::Plan;

/// A plan under which the operator did not do what it does without.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The plan: [`Plan::json`] replays it.
    pub plan: Plan,
    /// What was wrong.
    pub wrong: Vec<String>,
    /// What went through the proxy.
    pub log: Log,
}

/// What came of a list of plans.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many were run.
    pub plans: usize,
    /// Those whose fault never found its moment: nothing was shown by them.
    pub missed: Vec<Plan>,
    /// Those that failed.
    pub failures: Vec<Failure>,
    /// How long all took.
    pub took: Duration,
    /// The plan that took longest.
    pub slowest: Option<(String, Duration)>,
}

impl Report {
    /// Both together.
    pub fn add(&mut self, other: Self) {
        self.plans += other.plans;
        self.missed.extend(other.missed);
        self.failures.extend(other.failures);
        self.took += other.took;
        let most = |slowest: &Option<(String, Duration)>| slowest.as_ref().map(|(_, took)| *took);
        if most(&other.slowest) > most(&self.slowest) {
            self.slowest = other.slowest;
        }
    }

    /// Whether every plan came to the same end as the clean run.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, missed) = (self.failures.len(), self.missed.len());
        writeln!(f, "{} plans in {:.1} s, {failed} failed, {missed} missed", self.plans, self.took.as_secs_f64())?;
        if let Some((name, took)) = &self.slowest {
            writeln!(f, "slowest, {:.1} s: {name}", took.as_secs_f64())?;
        }
        for plan in &self.missed {
            writeln!(f, "missed {}", plan.json())?;
        }
        for Failure { plan, wrong, .. } in &self.failures {
            writeln!(f, "failed {}\n  {}", plan.json(), wrong.join("\n  "))?;
        }
        Ok(())
    }
}
