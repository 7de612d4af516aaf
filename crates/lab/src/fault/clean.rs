//! What a scenario does when nothing goes wrong: the measure for all other runs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, ensure};

use super::drama::End;
use super::log::{Effects, Frame, Log};
use super::mask::Mask;
use super::objects::{Kind, Objects};
use super::plan::Plan;
use super::plans::{self, Moment, WriteKey};

/// What clean runs showed.
#[derive(Clone, Debug)]
pub struct Clean {
    /// The writes that every clean run made, in order.
    pub writes: Vec<WriteKey>,
    /// What was stored at the end.
    pub objects: Objects,
    /// Creates and deletes by object.
    pub effects: BTreeMap<String, Effects>,
    /// The watched kinds.
    pub watched: BTreeSet<String>,
    /// The requests and events of the first clean run.
    pub log: Log,
    /// How long a run takes.
    pub took: Duration,
    pub(super) kinds: BTreeSet<Kind>,
    /// Where clean runs differ: object and pointer.
    pub(super) wobbly: BTreeSet<(String, String)>,
    pub(super) mask: Mask,
    /// What watches tell of in every clean run: kind, namespace and name.
    pub(super) told: BTreeSet<[String; 3]>,
    /// Whether it is the measure; else it is still being made.
    pub(super) is_whole: bool,
}

impl Clean {
    /// What a first run showed.
    pub(super) fn draft(first: End, kinds: BTreeSet<Kind>) -> Self {
        Self {
            writes: WriteKey::of(&first.log.writes(), &first.mask),
            objects: first.objects,
            effects: first.effects,
            watched: first.watched,
            log: first.log,
            took: first.took,
            kinds,
            wobbly: BTreeSet::new(),
            mask: first.mask,
            told: BTreeSet::new(),
            is_whole: false,
        }
    }

    /// The measure, after two more runs.
    pub(super) fn confirmed(mut self, second: End, third: &End) -> Result<Self> {
        for (name, end) in [("second", &second), ("third", third)] {
            let wrong: Vec<&String> = end.wrong.iter().chain(&end.second).collect();
            ensure!(wrong.is_empty(), "the {name} clean run is not clean: {wrong:?}");
            // A write that is refused, because somebody has written first, comes in some runs only.
            let again: BTreeSet<WriteKey> = WriteKey::of(&end.log.writes(), &end.mask).into_iter().collect();
            self.writes.retain(|write| again.contains(write));
        }
        let differences = second.objects.differences(&third.objects);
        let numbers: Vec<&String> =
            differences.iter().filter(|((_, pointer), _)| pointer == "number").map(|(_, line)| line).collect();
        ensure!(numbers.is_empty(), "two clean runs end with different objects: {numbers:?}");
        let uneven = uneven(&second.effects, &third.effects);
        ensure!(uneven.is_empty(), "two clean runs make different objects: {uneven:?}");
        self.wobbly = differences.into_keys().collect();
        self.told = second.log.frames().iter().map(|frame| key(frame, &second.mask)).collect();
        (self.objects, self.effects, self.is_whole) = (second.objects, second.effects, true);
        Ok(self)
    }

    /// The operator dies at each write, at each of the moments.
    pub fn crashes(&self, moments: &[Moment]) -> Vec<Plan> {
        plans::crashes(&self.writes, moments)
    }

    /// Each write fails once in each way.
    pub fn errors(&self) -> Vec<Plan> {
        plans::errors(&self.writes)
    }

    /// At each write, all watches are cut and each has to list anew.
    pub fn relists(&self) -> Vec<Plan> {
        plans::relists(&self.writes)
    }

    /// At each write, one watched kind after another falls silent for two more writes.
    pub fn freezes(&self) -> Vec<Plan> {
        plans::freezes(&self.writes, &self.watched)
    }

    /// Two operators are at work, and at each write an answer is lost.
    pub fn twins(&self) -> Vec<Plan> {
        plans::twins(&self.writes)
    }

    /// At each write, the lease is stolen ([`plans::THEFT`]).
    pub fn thefts(&self) -> Vec<Plan> {
        plans::thefts(&self.writes)
    }

    /// Each event that another one for the same object followed is never seen.
    pub fn unobserved(&self) -> Vec<Plan> {
        let named = |frame: &Frame| !frame.name.is_empty() && self.told.contains(&key(frame, &self.mask));
        let frames: Vec<Frame> = self.log.frames().into_iter().filter(named).collect();
        let later = |at: usize| {
            let same = |frame: &Frame| {
                (&frame.kind, &frame.namespace, &frame.name)
                    == (&frames[at].kind, &frames[at].namespace, &frames[at].name)
            };
            frames[at + 1..].iter().any(|frame| same(frame) && frame.version != frames[at].version)
        };
        let events = (0..frames.len()).filter(|at| later(*at)).map(|at| {
            let frame = &frames[at];
            (frame.event.clone(), frame.kind.clone(), self.mask.text(&frame.namespace), self.mask.text(&frame.name))
        });
        plans::unobserved(&events.collect::<Vec<_>>())
    }

    /// Where objects differ from those of the clean runs.
    pub(super) fn differences(&self, objects: &Objects, ignores: &dyn Fn(&str, &str) -> bool) -> Vec<String> {
        let all = self.objects.differences(objects).into_iter();
        all.filter(|(place, _)| !self.wobbly.contains(place) && !ignores(&place.0, &place.1))
            .map(|(_, line)| line)
            .collect()
    }

    /// What is wrong with the end of a run. `ignores` says of which fields nothing is asked.
    pub(super) fn compare(&self, end: &End, ignores: &dyn Fn(&str, &str) -> bool) -> Vec<String> {
        let mut wrong = end.wrong.clone();
        wrong.extend(self.differences(&end.objects, ignores));
        wrong.extend(uneven(&self.effects, &end.effects));
        wrong.extend(end.second.iter().cloned());
        wrong
    }
}

/// Of which object an event tells.
fn key(frame: &Frame, mask: &Mask) -> [String; 3] {
    [frame.kind.clone(), mask.text(&frame.namespace), mask.text(&frame.name)]
}

/// Objects that were not created or deleted as often as they should.
fn uneven(ours: &BTreeMap<String, Effects>, theirs: &BTreeMap<String, Effects>) -> Vec<String> {
    let objects: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let line = |object: &String| {
        let [a, b] = [ours, theirs].map(|all| all.get(object).copied().unwrap_or_default());
        let (created, deleted) = (b.created, b.deleted);
        (a != b).then(|| {
            format!("{object}: created {created} times, deleted {deleted} times, not {} and {}", a.created, a.deleted)
        })
    };
    objects.into_iter().filter_map(line).collect()
}
