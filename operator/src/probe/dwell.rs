//! When a row of answers is a verdict.

use jiff::Timestamp;

/// So many failures in a row are needed before a server counts as down …
pub const FAILURES: u32 = 3;
/// … spread over at least so many seconds. One lost packet and one restart of a pod are no outage.
pub const SECONDS: i64 = 30;

/// What is believed of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Verdict {
    /// Not asked often enough: what was believed before still holds.
    #[default]
    Unknown,
    /// It answers.
    Up,
    /// It has not answered for a while; what came instead.
    Down(String),
}

/// A server's answers so far, as much of them as the next verdict needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Streak {
    verdict: Verdict,
    failures: u32,
    since: Option<Timestamp>,
}

impl Streak {
    /// What is believed now.
    #[must_use]
    pub const fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Takes in one more answer. One good answer is enough to be up; it takes [`FAILURES`] bad ones over [`SECONDS`]
    /// to be down.
    #[must_use]
    pub fn after(self, answer: Result<(), String>, now: Timestamp) -> Self {
        let Err(message) = answer else {
            return Self { verdict: Verdict::Up, failures: 0, since: None };
        };
        let failures = self.failures.saturating_add(1);
        let since = self.since.unwrap_or(now);
        let long = now.as_second() - since.as_second() >= SECONDS;
        let verdict = match self.verdict {
            // The first message stays: a verdict that changed its words would cost a write each time.
            Verdict::Down(first) => Verdict::Down(first),
            Verdict::Unknown | Verdict::Up if failures >= FAILURES && long => Verdict::Down(message),
            verdict @ (Verdict::Unknown | Verdict::Up) => verdict,
        };
        Self { verdict, failures, since: Some(since) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn run(answers: &[(bool, i64)]) -> Streak {
        answers.iter().fold(Streak::default(), |streak, &(good, time)| {
            let answer = if good { Ok(()) } else { Err("refused".to_owned()) };
            streak.after(answer, at(time))
        })
    }

    #[test]
    fn table() {
        let down = Verdict::Down("refused".to_owned());
        for (answers, verdict) in [
            (vec![], Verdict::Unknown),
            (vec![(true, 0)], Verdict::Up),
            (vec![(false, 0)], Verdict::Unknown),
            (vec![(true, 0), (false, 1), (false, 2), (false, 3)], Verdict::Up),
            (vec![(true, 0), (false, 1), (false, 40)], Verdict::Up),
            (vec![(true, 0), (false, 1), (false, 16), (false, 31)], down.clone()),
            (vec![(false, 1), (false, 16), (false, 31)], down),
            (vec![(false, 1), (false, 16), (false, 31), (true, 32)], Verdict::Up),
            (vec![(true, 0), (false, 1), (true, 2), (false, 31), (false, 32)], Verdict::Up),
        ] {
            assert_eq!(run(&answers).verdict(), &verdict, "{answers:?}");
        }
    }

    proptest! {
        // A verdict of down is never given before the dwell time has passed since the last good answer.
        #[test]
        fn down_only_after_the_dwell_time(steps in prop::collection::vec((any::<bool>(), 0_i64..20), 0..60)) {
            let mut time = 0;
            let mut streak = Streak::default();
            let mut row: Vec<i64> = Vec::new();
            for (good, step) in steps {
                time += step;
                streak = streak.after(if good { Ok(()) } else { Err("x".to_owned()) }, at(time));
                if good { row.clear() } else { row.push(time) }
                match streak.verdict() {
                    Verdict::Up => prop_assert!(row.len() < 3 || time - row[0] < SECONDS),
                    Verdict::Down(_) => prop_assert!(row.len() >= 3 && time - row[0] >= SECONDS),
                    Verdict::Unknown => prop_assert!(!good),
                }
            }
        }
    }
}
