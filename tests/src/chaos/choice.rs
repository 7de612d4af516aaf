//! Which plans are run.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use anyhow::{Context as _, Result};
use lab::fault::{Action, Plan};

/// Says what is run: nothing for a sample, `all`, a number for another sample, or a plan as it was printed.
pub const VARIABLE: &str = "STEPPE_CHAOS";

/// How many plans of each way to fail are in the sample.
const OF_EACH: usize = 1;

/// Which plans are run.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// Every crash, and of all else so many of each way to fail, drawn by the seed.
    Sample {
        /// So many.
        of_each: usize,
        /// The seed.
        seed: u64,
    },
    /// All.
    All,
    /// This one.
    One(Plan),
}

impl Choice {
    /// What the environment says.
    ///
    /// # Errors
    /// When that is neither of them.
    pub fn read() -> Result<Self> {
        #[allow(clippy::disallowed_methods)] // A test program has no command line of its own.
        let text = std::env::var(VARIABLE).unwrap_or_default();
        Self::parse(&text).with_context(|| format!("{VARIABLE} is neither `all` nor a seed nor a plan: {text}"))
    }

    fn parse(text: &str) -> Result<Self> {
        Ok(match text.trim() {
            "" => Self::Sample { of_each: OF_EACH, seed: 1 },
            "all" => Self::All,
            plan if plan.starts_with('{') => Self::One(Plan::parse(plan)?),
            seed => Self::Sample { of_each: OF_EACH, seed: seed.parse()? },
        })
    }
}

/// So many plans of each way to fail. The same seed draws the same of the same plans.
#[must_use]
pub fn draw(plans: &[Plan], of_each: usize, seed: u64) -> Vec<Plan> {
    let mut ways: BTreeMap<String, Vec<(u64, &Plan)>> = BTreeMap::new();
    for plan in plans {
        ways.entry(way(plan)).or_default().push((lot(seed, &plan.name), plan));
    }
    let mut drawn = Vec::new();
    for all in ways.values_mut() {
        all.sort_by_key(|(lot, _)| *lot);
        drawn.extend(all.iter().take(of_each).map(|(_, plan)| (*plan).clone()));
    }
    drawn
}

fn lot(seed: u64, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, name).hash(&mut hasher);
    hasher.finish()
}

fn way(plan: &Plan) -> String {
    let ways = plan.faults.iter().map(|fault| match &fault.action {
        Action::DropBeforeForward => "lost before".to_owned(),
        Action::DropAfterCommit => "lost after".to_owned(),
        Action::DropAfterAnswer => "lost later".to_owned(),
        Action::Answer { code, .. } => code.to_string(),
        Action::Timeout { .. } => "timeout".to_owned(),
        Action::Delay { .. } => "delay".to_owned(),
        Action::Mischief { what } => what.clone(),
        Action::CutWatch { .. } => "cut".to_owned(),
        Action::Gone { kind, .. } if kind.is_empty() => "relist".to_owned(),
        Action::Gone { .. } => "unobserved".to_owned(),
        Action::Freeze { .. } => "frozen".to_owned(),
    });
    format!("{} {}", plan.operators, ways.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab::fault::{Match, On};

    #[test]
    fn a_seed_draws_the_same_of_each_way() {
        let plan = |n: u32, code: u16| {
            let action = Action::Answer { code, retry_after: None };
            Plan::one(format!("{code} at {n}"), On::Request(Match::write(n)), action)
        };
        let plans: Vec<Plan> = (0..50).flat_map(|n| [plan(n, 409), plan(n, 500)]).collect();
        let drawn = draw(&plans, 2, 7);
        assert_eq!(drawn.len(), 4);
        assert_eq!(drawn, draw(&plans, 2, 7));
        assert_ne!(drawn, draw(&plans, 2, 8));
    }

    #[test]
    fn the_variable_says_it() {
        assert_eq!(Choice::parse("").unwrap(), Choice::Sample { of_each: OF_EACH, seed: 1 });
        assert_eq!(Choice::parse("all").unwrap(), Choice::All);
        assert_eq!(Choice::parse("12").unwrap(), Choice::Sample { of_each: OF_EACH, seed: 12 });
        let plan = Plan::one("x", On::Request(Match::write(3)), Action::DropAfterCommit);
        assert_eq!(Choice::parse(&plan.json()).unwrap(), Choice::One(plan));
        assert!(Choice::parse("most").is_err() && Choice::parse("{}").is_err());
    }
}
