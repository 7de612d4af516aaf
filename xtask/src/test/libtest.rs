//! What a test program says: the lines of Rust's own test harness.

use crate::child::End;

/// `test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.01s`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
    pub ignored: u64,
}

/// All that was heard from one test program.
#[derive(Debug, Default)]
pub struct Heard {
    /// Tests announced by `running N tests`.
    announced: u64,
    /// Verdicts seen as they came.
    seen: Count,
    results: Vec<Count>,
    ignored: Vec<String>,
    /// The last test begun without a verdict on its line.
    current: String,
}

/// How a test program is judged.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    pub passed: u64,
    pub failed: u64,
    /// Why, when the counts alone do not say it.
    pub reasons: Vec<String>,
}

impl Heard {
    pub fn line(&mut self, line: &str) {
        if let Some(count) = line.strip_prefix("test result: ").and_then(count) {
            self.results.push(count);
        } else if let Some(announced) = line.strip_prefix("running ").and_then(announced) {
            self.announced += announced;
        } else if let Some((name, verdict)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) {
            name.clone_into(&mut self.current);
            match verdict.split([',', ' ']).next().unwrap_or_default() {
                "ok" => self.seen.passed += 1,
                "FAILED" => self.seen.failed += 1,
                "ignored" => {
                    self.seen.ignored += 1;
                    self.ignored.push(name.to_owned());
                }
                _ => {}
            }
        }
    }

    /// Tests that have ended, and how many there are.
    pub fn progress(&self) -> (u64, u64) {
        (self.seen.passed + self.seen.failed + self.seen.ignored, self.announced)
    }

    pub fn current(&self) -> &str {
        &self.current
    }

    /// A program that ended badly, said nothing or left tests out has failed, whatever it counted.
    pub fn verdict(&self, end: End) -> Verdict {
        let mut reasons = Vec::new();
        let (mut passed, mut failed) = self
            .results
            .iter()
            .fold((0, 0), |(passed, failed), result| (passed + result.passed, failed + result.failed + result.ignored));
        if !self.ignored.is_empty() || self.results.iter().any(|result| result.ignored > 0) {
            reasons.push(format!("ignored, which counts as failed: {}", self.ignored.join(", ")));
        }
        if self.results.is_empty() {
            passed = self.seen.passed;
            failed = self.announced.saturating_sub(passed).max(1);
            reasons.push(format!("{} before it told a result; unfinished tests count as failed", end.describe()));
        } else if !end.good() && failed == 0 {
            failed = 1;
            reasons.push(format!("{} although no test failed", end.describe()));
        }
        Verdict { passed, failed, reasons }
    }
}

/// `12 tests`, `1 test`.
fn announced(rest: &str) -> Option<u64> {
    let (number, word) = rest.split_once(' ')?;
    matches!(word, "test" | "tests").then(|| number.parse().ok()).flatten()
}

/// `ok. 5 passed; 0 failed; …`.
fn count(rest: &str) -> Option<Count> {
    let (_, counts) = rest.split_once(". ")?;
    let mut count = Count::default();
    for part in counts.split("; ") {
        let Some((number, what)) = part.split_once(' ') else {
            continue;
        };
        match what {
            "passed" => count.passed = number.parse().ok()?,
            "failed" => count.failed = number.parse().ok()?,
            "ignored" => count.ignored = number.parse().ok()?,
            _ => {}
        }
    }
    Some(count)
}

/// What is worth showing of a failed program: from its list of failures on, or its last lines.
pub fn failing_output(lines: &[String]) -> String {
    /// Enough to see a panic with its backtrace and what led to it.
    const LAST: usize = 200;
    let from = lines.iter().position(|line| line == "failures:").unwrap_or(lines.len().saturating_sub(LAST));
    lines[from..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str) -> Heard {
        let mut heard = Heard::default();
        text.lines().for_each(|line| heard.line(line));
        heard
    }

    const GOOD: &str = "\
running 2 tests
test names::short ... ok
test names::long ... ok

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.01s
";

    #[test]
    fn a_good_program_is_counted() {
        let heard = heard(GOOD);
        assert_eq!(heard.progress(), (2, 2));
        assert_eq!(heard.verdict(End::Code(0)), Verdict { passed: 2, failed: 0, reasons: vec![] });
    }

    #[test]
    fn failed_tests_are_counted_once() {
        let text = "running 2 tests\ntest a ... ok\ntest b ... FAILED\ntest result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(heard(text).verdict(End::Code(101)), Verdict { passed: 1, failed: 1, reasons: vec![] });
    }

    #[test]
    fn ignored_tests_fail() {
        let text = "running 1 test\ntest slow ... ignored, takes long\ntest result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        let verdict = heard(text).verdict(End::Code(0));
        assert_eq!(verdict.failed, 1);
        assert_eq!(verdict.reasons, ["ignored, which counts as failed: slow"]);
    }

    #[test]
    fn a_crash_fails_every_unfinished_test() {
        let text = "running 5 tests\ntest a ... ok\ntest b ... ok\n";
        let verdict = heard(text).verdict(End::Signal(11));
        assert_eq!((verdict.passed, verdict.failed), (2, 3));
        assert!(verdict.reasons[0].starts_with("killed by signal 11"), "{:?}", verdict.reasons);
    }

    #[test]
    fn a_program_without_a_result_fails_even_when_it_ends_well() {
        assert_eq!(heard("hello\n").verdict(End::Code(0)).failed, 1);
    }

    #[test]
    fn a_bad_end_after_good_results_fails() {
        assert_eq!(heard(GOOD).verdict(End::Code(1)).failed, 1);
    }

    #[test]
    fn the_list_of_failures_is_shown() {
        let lines = ["test a ... FAILED", "failures:", "---- a stdout ----", "panicked"].map(str::to_owned);
        assert_eq!(failing_output(&lines), "failures:\n---- a stdout ----\npanicked");
        assert_eq!(failing_output(&lines[2..]), "---- a stdout ----\npanicked");
    }
}
