//! The plans that follow from a clean run.

use std::collections::{BTreeMap, BTreeSet};

use super::call::Call;
use super::log::Record;
use super::mask::Mask;
use super::plan::{Action, Match, On, Plan, Until};

/// A write of the clean run, told from others of its kind by what it is about and by which time it comes.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct WriteKey {
    /// Masked.
    pub call: Call,
    /// Counted from 1.
    pub nth: u32,
}

/// The mischief of [`thefts`]: the scenario gives the lease to the other of two operators.
pub const THEFT: &str = "theft";

/// When the operator dies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    /// Before the API server hears of the write.
    Before,
    /// After the write took effect, before the operator learns of it.
    Committed,
    /// After the operator got the answer.
    Answered,
}

impl Moment {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Before, Self::Committed, Self::Answered];

    fn action(self) -> Action {
        match self {
            Self::Before => Action::DropBeforeForward,
            Self::Committed => Action::DropAfterCommit,
            Self::Answered => Action::DropAfterAnswer,
        }
    }
}

impl WriteKey {
    /// The keys of the writes, in their order.
    pub fn of(writes: &[Record], mask: &Mask) -> Vec<Self> {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        let key = |record: &Record| {
            let call = mask.call(&record.call);
            let nth = seen.entry(format!("{} {}", call.verb, call.object())).or_default();
            *nth += 1;
            Self { call, nth: *nth }
        };
        writes.iter().map(key).collect()
    }

    /// For people.
    pub fn name(&self) -> String {
        format!("{} {} #{}", self.call.verb, self.call.object(), self.nth)
    }

    fn on(&self) -> On {
        On::Request(Match::exactly(&self.call, self.nth))
    }

    fn plan(&self, how: &str, action: Action) -> Plan {
        Plan::one(format!("{how} {}", self.name()), self.on(), action)
    }
}

/// The operator dies at each write, at each of the moments.
pub fn crashes(writes: &[WriteKey], moments: &[Moment]) -> Vec<Plan> {
    let plan = |write: &WriteKey, moment: Moment| write.plan(&format!("crash {moment:?}"), moment.action()).killing();
    writes.iter().flat_map(|write| moments.iter().map(move |moment| plan(write, *moment))).collect()
}

/// The same plans, so many in one run, as far from each other as they can be: what the operator suffers from one it has
/// got over before the next.
pub fn spread(plans: &[Plan], in_one: usize) -> Vec<Plan> {
    let runs = plans.len().div_ceil(in_one.max(1));
    (0..runs).map(|run| Plan::together(&plans.iter().skip(run).step_by(runs).cloned().collect::<Vec<_>>())).collect()
}

/// Each write fails once in each way that an API server or a network can fail: refused, overloaded, broken, lost.
pub fn errors(writes: &[WriteKey]) -> Vec<Plan> {
    let answer = |code: u16| Action::Answer { code, retry_after: (code == 429).then_some(1) };
    let ways = [
        ("conflict at", answer(409)),
        ("too many requests at", answer(429)),
        ("internal error at", answer(500)),
        ("unavailable at", answer(503)),
        ("timeout of", Action::Timeout { after: 300 }),
        ("connection lost before", Action::DropBeforeForward),
        ("connection lost after", Action::DropAfterCommit),
    ];
    writes.iter().flat_map(|write| ways.iter().map(|(how, action)| write.plan(how, action.clone()))).collect()
}

/// At each write, all watches are cut and each has to list anew.
pub fn relists(writes: &[WriteKey]) -> Vec<Plan> {
    let action = Action::Gone { kind: String::new(), until: Until::Watches(3) };
    writes.iter().map(|write| write.plan("watches gone at", action.clone())).collect()
}

/// At each write, one watched kind after another falls silent until two more writes were made: the operator acts on an
/// old view.
pub fn freezes(writes: &[WriteKey], watched: &BTreeSet<String>) -> Vec<Plan> {
    let action = |kind: &String| Action::Freeze { kind: kind.clone(), until: Until::Writes(2) };
    let plan = |write: &WriteKey, kind: &String| write.plan(&format!("{kind} frozen at"), action(kind));
    writes.iter().flat_map(|write| watched.iter().map(move |kind| plan(write, kind))).collect()
}

/// Two operators are at work, and at each write the answer to whoever makes it first is lost.
pub fn twins(writes: &[WriteKey]) -> Vec<Plan> {
    let plan =
        |write: &WriteKey| Plan { operators: 2, ..write.plan("two at once, answer lost of", Action::DropAfterCommit) };
    writes.iter().map(plan).collect()
}

/// At each write of the leader, another one takes its place before the write is forwarded.
pub fn thefts(writes: &[WriteKey]) -> Vec<Plan> {
    let theft = || Action::Mischief { what: THEFT.to_owned() };
    let plan = |write: &WriteKey| Plan { operators: 2, ..write.plan("lease stolen at", theft()) };
    writes.iter().map(plan).collect()
}

/// Each event of the watches is never seen: the watch is cut before it and resumes after the object's next change.
pub fn unobserved(events: &[(String, String, String, String)]) -> Vec<Plan> {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut plan = |(event, kind, namespace, name): &(String, String, String, String)| {
        let what = format!("{event} {kind} {namespace}/{name}");
        let nth = seen.entry(what.clone()).or_default();
        *nth += 1;
        let on = Match {
            verb: event.clone(),
            kind: kind.clone(),
            namespace: namespace.clone(),
            name: name.clone(),
            nth: *nth,
            ..Match::default()
        };
        let action = Action::Gone { kind: kind.clone(), until: Until::NextOfObject };
        Plan::one(format!("unobserved {what} #{nth}"), On::Event(on), action)
    };
    events.iter().map(&mut plan).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_spread_over_runs_and_none_is_lost() {
        let plans: Vec<Plan> = (0..7).map(|n| Plan { name: n.to_string(), ..Plan::default() }).collect();
        let names: Vec<String> = spread(&plans, 3).into_iter().map(|plan| plan.name).collect();
        assert_eq!(names, ["0; 3; 6", "1; 4", "2; 5"]);
        assert!(spread(&[], 3).is_empty());
    }

    #[test]
    fn repeated_writes_are_told_apart() {
        let record = |name: &str| Record {
            call: Call::of("PATCH", &format!("/api/v1/namespaces/r1x/configmaps/{name}"), ""),
            ..Record::default()
        };
        let keys = WriteKey::of(&[record("a"), record("b"), record("a")], &Mask::default().replace("r1x", "RUN"));
        let names: Vec<String> = keys.iter().map(WriteKey::name).collect();
        assert_eq!(names, ["patch configmaps RUN/a #1", "patch configmaps RUN/b #1", "patch configmaps RUN/a #2"]);
        let plans = crashes(&keys, &Moment::ALL);
        assert_eq!(plans.len(), 9);
        assert!(plans.iter().all(|plan| plan.faults[0].kill));
        assert_eq!(errors(&keys[..1]).len(), 7);
    }
}
