//! Two ways to do the same, measured in turn in one run, and what is told of them.

use std::collections::BTreeMap;

use serde::Serialize;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Steppe.
    Ours,
    /// What it is compared with.
    Theirs,
}

/// A-B-B-A: what makes the machine slower or faster while it goes on hits both sides alike.
pub const TURNS: [Side; 4] = [Side::Ours, Side::Theirs, Side::Theirs, Side::Ours];

/// Samples of one quantity.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// Its unit.
    pub unit: String,
    /// The one in the middle.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
    /// All, in the order they were taken.
    pub samples: Vec<f64>,
}

impl Figure {
    /// The figure of these samples; NaN without any.
    pub fn of(what: &str, unit: &str, samples: Vec<f64>) -> Self {
        let mut sorted = samples.clone();
        sorted.sort_by(f64::total_cmp);
        let end = |sample: Option<&f64>| sample.copied().unwrap_or(f64::NAN);
        Self {
            what: what.to_owned(),
            unit: unit.to_owned(),
            median: median(&sorted),
            least: end(sorted.first()),
            most: end(sorted.last()),
            samples,
        }
    }

    /// Whether the samples are so far apart that something else on the machine was measured too.
    pub fn is_noisy(&self) -> bool {
        self.most - self.least > self.median.abs() / 4.0
    }
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// A larger figure.
    More,
    /// A smaller one.
    Less,
}

/// A quantity of both sides.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Of Steppe.
    pub ours: Figure,
    /// Of the other.
    pub theirs: Figure,
    /// Ours by theirs, of the medians.
    pub ratio: f64,
    /// Which way is better.
    pub better: Better,
}

impl Comparison {
    /// Compares two figures.
    pub fn of(ours: Figure, theirs: Figure, better: Better) -> Self {
        let ratio = ours.median / theirs.median;
        Self { ours, theirs, ratio, better }
    }
}

/// All that was found of one question.
#[derive(Debug, Clone, Serialize)]
pub struct Chapter {
    /// The word by which it is asked for.
    pub name: &'static str,
    /// How it was measured, in one line.
    pub how: String,
    /// Counts: free of noise, and so the first thing to look at.
    pub counts: BTreeMap<String, f64>,
    /// Both sides of what was compared.
    pub comparisons: Vec<Comparison>,
    /// What has no other side.
    pub figures: Vec<Figure>,
    /// What to do about it.
    pub next: Vec<String>,
}

/// A run.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// How often A-B-B-A was gone through.
    pub rounds: u32,
    /// The machine's load (one minute) at the beginning and at the end.
    pub load: [f64; 2],
    /// Its cores.
    pub cores: usize,
    /// What was found.
    pub chapters: Vec<Chapter>,
    /// What to do next.
    pub next: Vec<String>,
}

impl Run {
    /// A whole run, with what to do about its noise.
    pub fn of(rounds: u32, load: [f64; 2], cores: usize, chapters: Vec<Chapter>) -> Self {
        let figures = chapters.iter().flat_map(|chapter| {
            let compared = chapter.comparisons.iter().flat_map(|one| [&one.ours, &one.theirs]);
            compared.chain(&chapter.figures)
        });
        let noisy: Vec<String> = figures
            .filter(|figure| figure.is_noisy())
            .map(|figure| format!("{} ({})", figure.what, figure.unit))
            .collect();
        let mut next: Vec<String> = chapters.iter().flat_map(|chapter| chapter.next.clone()).collect();
        if !noisy.is_empty() {
            next.push(format!(
                "samples lie more than a quarter apart: {}. Do not compare them with another day's; look at counts and \
                 ratios, or run it again with nothing beside it (load was {:.1} on {cores} cores)",
                noisy.join(", "),
                load[0]
            ));
        }
        Self { rounds, load, cores, chapters, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(samples: &[f64]) -> Figure {
        Figure::of("servers", "per second", samples.to_vec())
    }

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert_eq!(figure(&[9.0, 1.0, 4.0]).median.to_bits(), 4.0_f64.to_bits());
        assert_eq!(figure(&[4.0, 1.0, 2.0, 9.0]).median.to_bits(), 3.0_f64.to_bits());
        assert!(figure(&[]).median.is_nan());
        assert_eq!((figure(&[4.0, 1.0, 9.0]).least, figure(&[4.0, 1.0, 9.0]).most), (1.0, 9.0));
    }

    #[test]
    fn a_drift_of_the_machine_hits_both_sides_alike() {
        let place = |wanted: Side| {
            TURNS.iter().enumerate().filter(|(_, side)| **side == wanted).map(|(place, _)| place).sum::<usize>()
        };
        assert_eq!(place(Side::Ours), place(Side::Theirs));
    }

    #[test]
    fn a_noisy_run_says_so() {
        let chapter = |ours: &[f64]| Chapter {
            name: "converge",
            how: String::new(),
            counts: BTreeMap::new(),
            comparisons: vec![Comparison::of(figure(ours), figure(&[2.0, 2.0]), Better::More)],
            figures: Vec::new(),
            next: vec!["write less".to_owned()],
        };
        assert_eq!(Run::of(3, [0.1, 0.2], 2, vec![chapter(&[1.0, 1.1])]).next, ["write less"]);
        let noisy = Run::of(3, [0.1, 0.2], 2, vec![chapter(&[1.0, 3.0])]);
        assert!(noisy.next[1].contains("servers (per second)"), "{:?}", noisy.next);
        assert_eq!(noisy.chapters[0].comparisons[0].ratio.to_bits(), 1.0_f64.to_bits());
    }
}
