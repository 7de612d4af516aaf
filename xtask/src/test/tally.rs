//! The count of a whole run, and what is told at its end.

use std::time::Duration;

use crate::progress::Ended;

#[derive(Debug, Default)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    failures: Vec<Failure>,
    /// Test programs that this run cannot have, by title.
    pub left_out: Vec<String>,
}

#[derive(Debug)]
struct Failure {
    title: String,
    output: String,
}

impl Tally {
    pub fn pass(&mut self, count: u64) {
        self.passed += count;
    }

    /// `output` is shown in full at the end.
    pub fn fail(&mut self, count: u64, title: impl Into<String>, output: impl Into<String>) {
        self.failed += count;
        self.failures.push(Failure { title: title.into(), output: output.into() });
    }

    /// What another lane counted.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.failures.extend(other.failures);
        self.left_out.extend(other.left_out);
    }

    pub fn good(&self) -> bool {
        self.failed == 0
    }

    pub fn failures(&self) -> String {
        let shown = self.failures.iter().map(|one| format!("==== {}\n{}\n", one.title, one.output.trim_end()));
        shown.collect()
    }

    /// What was left out, told so that nobody takes the count for all there is.
    pub fn left_out(&self, cluster: &str) -> Option<String> {
        let count = self.left_out.len();
        (count > 0).then(|| {
            let titles = self.left_out.join(", ");
            format!("left out on {cluster}: {count} test programs that need a ground of ours: {titles}")
        })
    }

    /// The last line of a run.
    pub fn line(&self) -> String {
        format!("{} passed, {} failed", self.passed, self.failed)
    }
}

/// Minutes per stage, with how long each took last time.
pub fn table(steps: &[Ended], whole: &Ended) -> String {
    let minutes = |took: Duration| format!("{:.1}", took.as_secs_f64() / 60.0);
    let mut lines = vec![format!("{:<12}{:>9}{:>11}", "stage", "minutes", "last time")];
    for step in steps.iter().chain([whole]) {
        let last = step.last.map_or_else(|| "-".to_owned(), minutes);
        lines.push(format!("{:<12}{:>9}{:>11}", step.name, minutes(step.took), last));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_exact() {
        let mut tally = Tally::default();
        tally.pass(7);
        assert!(tally.good());
        tally.fail(2, "names (lib names)", "failures:\n  a\n");
        assert_eq!(tally.line(), "7 passed, 2 failed");
        assert_eq!(tally.failures(), "==== names (lib names)\nfailures:\n  a\n");
        assert!(!tally.good());
    }

    #[test]
    fn two_lanes_are_one_count() {
        let (mut tally, mut other) = (Tally::default(), Tally::default());
        tally.pass(7);
        other.pass(2);
        other.fail(1, "e2e e2e_kills", "why");
        tally.add(other);
        assert_eq!(tally.line(), "9 passed, 1 failed");
        assert_eq!(tally.failures(), "==== e2e e2e_kills\nwhy\n");
    }

    #[test]
    fn what_is_left_out_is_counted_and_named() {
        let mut tally = Tally::default();
        assert_eq!(tally.left_out("kind-one"), None);
        tally.left_out = vec!["e2e e2e_kills".to_owned(), "lab services".to_owned()];
        let told = tally.left_out("kind-one").unwrap();
        assert_eq!(
            told,
            "left out on kind-one: 2 test programs that need a ground of ours: e2e e2e_kills, lab services"
        );
    }

    #[test]
    fn the_table_compares_with_last_time() {
        let ended = |name: &str, took, last: Option<u64>| Ended {
            name: name.to_owned(),
            took: Duration::from_secs(took),
            last: last.map(Duration::from_secs),
        };
        let shown = table(&[ended("unit", 90, Some(120))], &ended("whole", 600, None));
        let words: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[1], ["unit", "1.5", "2.0"]);
        assert_eq!(words[2], ["whole", "10.0", "-"]);
    }
}
