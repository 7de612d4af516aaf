//! Decides what happens to each request and event of a run, by its plan.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::call::Call;
use super::log::{Frame, background};
use super::mask::Mask;
use super::plan::{Action, On, Plan, Until};

/// What is to happen to a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub action: Action,
    pub kill: bool,
}

/// What is to happen to an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct EventVerdict {
    /// The watch ends before this event.
    pub cut: bool,
    /// The operator dies.
    pub kill: bool,
}

/// The state of watches: what lasts beyond one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Weather {
    lasting: Vec<Lasting>,
    /// How often the watches of a kind were cut; empty for all kinds.
    cuts: BTreeMap<String, u64>,
    /// Watches that are open, by kind.
    open: BTreeMap<String, u32>,
}

#[derive(Clone, Debug)]
struct Lasting {
    kind: String,
    freeze: bool,
    until: Until,
    ends: Instant,
    writes: u32,
    watches: u32,
    /// Watches that were cut and have not been refused since: each must be, or it resumes where it was.
    owed: u32,
    /// Namespace and name of the object whose event struck.
    object: Option<(String, String)>,
    /// Whether that object has changed since.
    changed: bool,
    /// The newest version that went through before.
    version: String,
}

/// The decisions of one run.
#[derive(Debug)]
pub(super) struct Engine {
    plan: Plan,
    mask: Mask,
    state: Mutex<State>,
    weather: watch::Sender<Weather>,
}

/// A watch from the moment it is let begin; counted as open until dropped.
#[derive(Debug)]
pub(super) struct OpenWatch {
    engine: Arc<Engine>,
    pub kind: String,
    /// How often watches of the kind had been cut when it began.
    pub cuts: u64,
}

impl Drop for OpenWatch {
    fn drop(&mut self) {
        self.engine.weather.send_if_modified(|weather| {
            let number = weather.open.entry(self.kind.clone()).or_default();
            *number = number.saturating_sub(1);
            false
        });
    }
}

#[derive(Debug, Default)]
struct State {
    /// By fault: how many matched so far.
    seen: Vec<u32>,
    /// By fault: how often it struck.
    struck: Vec<u32>,
    newest: u64,
}

impl Lasting {
    fn unobserved_is_over(&self) -> bool {
        self.until == Until::NextOfObject && self.changed && self.owed == 0
    }
}

impl Weather {
    fn lasting(&self, kind: &str, freeze: bool, now: Instant) -> Option<&Lasting> {
        self.lasting
            .iter()
            .find(|one| one.freeze == freeze && (one.kind.is_empty() || one.kind == kind) && now < one.ends)
    }

    pub fn cuts(&self, kind: &str) -> u64 {
        self.cuts.get(kind).copied().unwrap_or_default() + self.cuts.get("").copied().unwrap_or_default()
    }

    /// Whether watches of the kind bring nothing now; if so, until when at the latest.
    pub fn frozen(&self, kind: &str) -> Option<Instant> {
        self.lasting(kind, true, Instant::now()).map(|one| one.ends)
    }

    /// Whether watches of the kind are refused now.
    pub fn gone(&self, kind: &str) -> bool {
        self.lasting(kind, false, Instant::now()).is_some()
    }

    /// Whether lists of the kind wait now; if so, until when at the latest.
    pub fn lists_wait(&self, kind: &str) -> Option<Instant> {
        let lasting = self.lasting(kind, false, Instant::now());
        lasting.filter(|one| one.until == Until::NextOfObject && !one.changed).map(|one| one.ends)
    }

    /// The version that lists content with any version get now.
    pub fn old_version(&self, kind: &str) -> Option<&str> {
        self.lasting(kind, true, Instant::now()).map(|one| one.version.as_str()).filter(|version| !version.is_empty())
    }
}

impl Engine {
    pub fn new(plan: Plan, mask: Mask) -> Self {
        let seen = vec![0; plan.faults.len()];
        let state = State { struck: seen.clone(), seen, newest: 0 };
        Self { plan, mask, state: Mutex::new(state), weather: watch::Sender::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides about a request; `None` lets it pass. A fault about watches takes effect and lets the request pass.
    pub fn request(&self, call: &Call, body: &[u8]) -> Option<Verdict> {
        let call = self.mask.call(call);
        let matches = |on: &On| matches!(on, On::Request(wanted) if wanted.holds(&call, body));
        let (action, kill) = self.strike(matches)?;
        match &action {
            Action::CutWatch { .. } | Action::Gone { .. } | Action::Freeze { .. } => {
                self.change_weather(&action, None);
                kill.then_some(Verdict { action, kill })
            }
            Action::DropBeforeForward
            | Action::DropAfterCommit
            | Action::DropAfterAnswer
            | Action::Answer { .. }
            | Action::Timeout { .. }
            | Action::Delay { .. }
            | Action::Mischief { .. } => Some(Verdict { action, kill }),
        }
    }

    /// Decides about an event.
    pub fn event(&self, frame: &Frame) -> EventVerdict {
        self.next_of_object(frame);
        let matches = |on: &On| matches!(on, On::Event(wanted) if wanted.holds_event(frame, &self.mask));
        let Some((action, kill)) = self.strike(matches) else {
            return EventVerdict::default();
        };
        self.change_weather(&action, Some((frame.namespace.clone(), frame.name.clone())));
        EventVerdict { cut: matches!(action, Action::CutWatch { .. } | Action::Gone { .. }), kill }
    }

    /// Counts what matches; returns the first fault that is due.
    fn strike(&self, matches: impl Fn(&On) -> bool) -> Option<(Action, bool)> {
        let mut state = self.lock();
        let mut due = None;
        for (index, fault) in self.plan.faults.iter().enumerate().filter(|(_, fault)| matches(&fault.on)) {
            let (On::Request(wanted) | On::Event(wanted)) = &fault.on;
            state.seen[index] += 1;
            let first = wanted.nth.max(1);
            if due.is_none() && (first..first + fault.times.max(1)).contains(&state.seen[index]) {
                state.struck[index] += 1;
                due = Some((fault.action.clone(), fault.kill));
            }
        }
        due
    }

    fn change_weather(&self, action: &Action, object: Option<(String, String)>) {
        let version = Some(self.lock().newest).filter(|version| *version > 0).map(|version| version.to_string());
        let version = version.unwrap_or_default();
        self.weather.send_modify(|weather| {
            let (kind, freeze, until) = match action {
                Action::CutWatch { kind } => {
                    *weather.cuts.entry(kind.clone()).or_default() += 1;
                    return;
                }
                Action::Gone { kind, until } => {
                    *weather.cuts.entry(kind.clone()).or_default() += 1;
                    (kind, false, until)
                }
                Action::Freeze { kind, until } => (kind, true, until),
                Action::DropBeforeForward
                | Action::DropAfterCommit
                | Action::DropAfterAnswer
                | Action::Answer { .. }
                | Action::Timeout { .. }
                | Action::Delay { .. }
                | Action::Mischief { .. } => return,
            };
            let ends = Instant::now() + Duration::from_millis(until.limit());
            let open = weather.open.iter().filter(|(open, _)| kind.is_empty() || *open == kind);
            let owed = open.map(|(_, number)| number).sum();
            let (kind, until, writes, watches, changed) = (kind.clone(), until.clone(), 0, 0, false);
            weather.lasting.push(Lasting {
                kind,
                freeze,
                until,
                ends,
                writes,
                watches,
                owed,
                object,
                changed,
                version,
            });
        });
    }

    /// Notes that the object whose event struck has changed again.
    pub fn next_of_object(&self, frame: &Frame) {
        self.weather.send_if_modified(|weather| {
            let next = weather.lasting.iter_mut().filter(|one| {
                let same =
                    one.object.as_ref().is_some_and(|(space, name)| (space, name) == (&frame.namespace, &frame.name));
                same && !one.changed && (one.kind.is_empty() || one.kind == frame.kind)
            });
            next.map(|one| one.changed = true).count() > 0
        });
        self.end(Lasting::unobserved_is_over);
    }

    /// Lets a watch begin, unless watches of the kind are refused now.
    pub fn begin_watch(self: &Arc<Self>, kind: &str) -> Option<OpenWatch> {
        let mut begun = None;
        self.weather.send_if_modified(|weather| {
            if !weather.gone(kind) {
                *weather.open.entry(kind.to_owned()).or_default() += 1;
                begun = Some(weather.cuts(kind));
            }
            false
        });
        match begun {
            Some(cuts) => Some(OpenWatch { engine: self.clone(), kind: kind.to_owned(), cuts }),
            None => {
                self.refused(kind);
                None
            }
        }
    }

    /// Notes that a write was forwarded.
    pub fn wrote(&self, call: &Call) {
        if !call.writes() || background(call) {
            return;
        }
        self.weather.send_if_modified(|weather| {
            weather.lasting.iter_mut().for_each(|one| one.writes += 1);
            !weather.lasting.is_empty()
        });
        self.end(|one| matches!(one.until, Until::Writes(limit) if one.writes >= limit));
    }

    /// Notes that a watch was refused.
    fn refused(&self, kind: &str) {
        self.weather.send_modify(|weather| {
            let concerned =
                weather.lasting.iter_mut().filter(|one| !one.freeze && (one.kind.is_empty() || one.kind == kind));
            concerned.for_each(|one| (one.watches, one.owed) = (one.watches + 1, one.owed.saturating_sub(1)));
        });
        self.end(|one| matches!(one.until, Until::Watches(limit) if one.watches >= limit));
        self.end(Lasting::unobserved_is_over);
    }

    fn end(&self, over: impl Fn(&Lasting) -> bool) {
        self.weather.send_if_modified(|weather| {
            let before = weather.lasting.len();
            weather.lasting.retain(|one| !over(one));
            weather.lasting.len() != before
        });
    }

    /// Notes a version that went through to the operator.
    pub fn saw(&self, version: &str) {
        if let Ok(version) = version.parse::<u64>() {
            let mut state = self.lock();
            state.newest = state.newest.max(version);
        }
    }

    pub fn weather(&self) -> watch::Receiver<Weather> {
        self.weather.subscribe()
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether every fault of the plan struck as often as it should.
    pub fn struck(&self) -> bool {
        let state = self.lock();
        self.plan.faults.iter().zip(&state.struck).all(|(fault, struck)| *struck >= fault.times.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Fault, Match};
    use super::*;

    fn engine(faults: Vec<Fault>) -> Arc<Engine> {
        Arc::new(Engine::new(Plan { faults, ..Plan::default() }, Mask::default()))
    }

    fn fault(on: On, action: Action) -> Fault {
        Fault { on, action, kill: false, times: 1 }
    }

    fn write(name: &str) -> Call {
        Call::of("PATCH", &format!("/api/v1/namespaces/a/configmaps/{name}"), "")
    }

    fn event(name: &str) -> Frame {
        Frame {
            event: "MODIFIED".into(),
            kind: "configmaps".into(),
            namespace: "a".into(),
            name: name.into(),
            ..Frame::default()
        }
    }

    #[test]
    fn the_nth_write_is_struck_once() {
        let engine = engine(vec![fault(On::Request(Match::write(2)), Action::DropAfterCommit)]);
        let read = Call::of("GET", "/api/v1/pods", "");
        assert_eq!(engine.request(&write("x"), b""), None);
        assert_eq!(engine.request(&read, b""), None);
        assert!(!engine.struck());
        assert_eq!(engine.request(&write("y"), b"").unwrap().action, Action::DropAfterCommit);
        assert!(engine.struck());
        assert_eq!(engine.request(&write("z"), b""), None);
    }

    #[test]
    fn a_fault_strikes_so_many_in_a_row() {
        let answer = Action::Answer { code: 500, retry_after: None };
        let engine = engine(vec![Fault { times: 2, ..fault(On::Request(Match::write(2)), answer) }]);
        let struck: Vec<bool> = (0..5).map(|_| engine.request(&write("x"), b"").is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
    }

    #[tokio::test]
    async fn a_freeze_ends_after_its_writes() {
        let until = Until::Writes(2);
        let engine =
            engine(vec![fault(On::Request(Match::write(1)), Action::Freeze { kind: "configmaps".into(), until })]);
        engine.saw("41");
        assert_eq!(engine.request(&write("x"), b""), None);
        let weather = engine.weather();
        assert!(weather.borrow().frozen("configmaps").is_some() && weather.borrow().frozen("pods").is_none());
        assert_eq!(weather.borrow().old_version("configmaps"), Some("41"));
        engine.wrote(&write("x"));
        assert!(weather.borrow().frozen("configmaps").is_some());
        engine.wrote(&write("y"));
        assert!(weather.borrow().frozen("configmaps").is_none());
    }

    #[tokio::test]
    async fn gone_ends_with_the_next_change_of_the_object() {
        let action = Action::Gone { kind: "configmaps".into(), until: Until::NextOfObject };
        let engine = engine(vec![fault(On::Event(Match::default()), action)]);
        let open = engine.begin_watch("configmaps").unwrap();
        assert_eq!(open.cuts, 0);
        assert!(engine.event(&event("x")).cut);
        let weather = engine.weather();
        assert_eq!(weather.borrow().cuts("configmaps"), 1);
        assert!(weather.borrow().gone("configmaps") && weather.borrow().lists_wait("configmaps").is_some());
        assert!(!engine.event(&event("y")).cut);
        assert!(weather.borrow().gone("configmaps"));
        engine.event(&event("x"));
        assert!(weather.borrow().lists_wait("configmaps").is_none());
        assert!(weather.borrow().gone("configmaps"), "the watch that was cut would resume and see it all");
        assert!(engine.begin_watch("configmaps").is_none());
        assert!(!weather.borrow().gone("configmaps"));
    }
}
