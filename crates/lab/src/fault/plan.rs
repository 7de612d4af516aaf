//! What is to go wrong, and when. A plan is data: printed when a run fails, read back to run it again.

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::log::{Frame, background};
use super::mask::Mask;

/// What is to go wrong in one run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Plan {
    /// For people.
    pub name: String,
    /// Each strikes by itself.
    pub faults: Vec<Fault>,
    /// How many operators run at once; 0 counts as 1.
    #[serde(default)]
    pub operators: u32,
}

/// One thing to go wrong.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Fault {
    /// When.
    pub on: On,
    /// What.
    pub action: Action,
    /// Whether the operator dies in that moment.
    #[serde(default)]
    pub kill: bool,
    /// How many matching requests or events in a row are struck; 0 counts as 1.
    #[serde(default)]
    pub times: u32,
}

/// The moment of a fault.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// A request.
    Request(Match),
    /// An event of a watch, before the operator gets it.
    Event(Match),
}

/// Which requests or events; empty fields match all. Names are compared as the plan's run masks them.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Match {
    /// The verb of a request, or the type of an event (`ADDED`, …). `write` matches every write but those to leases
    /// and events.
    pub verb: String,
    /// As [`Call::kind`], such as `deployments.apps` or `instances.steppe.host/status`.
    pub kind: String,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name; for a create, that in its body.
    pub name: String,
    /// A JSON pointer to what a request's body must hold, such as `/status/identity`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub has: String,
    /// Which of the matching ones, counted from 1; 0 counts as 1.
    pub nth: u32,
}

/// What is done.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The connection ends; the API server never hears of the request.
    DropBeforeForward,
    /// The API server does it; its answer is swallowed and the connection ends.
    DropAfterCommit,
    /// The caller gets its answer; then the connection ends.
    DropAfterAnswer,
    /// The proxy answers in the API server's stead.
    Answer {
        /// The status code, such as 409, 429, 500 or 503.
        code: u16,
        /// `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// No answer for so long, in milliseconds; then the connection ends. The API server never hears of the request.
    Timeout {
        /// Milliseconds.
        after: u64,
    },
    /// The request waits for so long before it is forwarded, in milliseconds.
    Delay {
        /// Milliseconds.
        by: u64,
    },
    /// All open watches of the kind (all kinds if empty) are cut.
    CutWatch {
        /// As [`Call::kind`].
        kind: String,
    },
    /// All open watches of the kind are cut, and new ones are told that their version is gone (410), which makes a
    /// client list anew.
    Gone {
        /// As [`Call::kind`].
        kind: String,
        /// How long.
        until: Until,
    },
    /// Something happens on the ground before the request is forwarded: what, the scenario knows
    /// ([`super::Scenario::mischief`]).
    Mischief {
        /// Its name.
        what: String,
    },
    /// Watches of the kind bring nothing new, and lists that are content with any version bring the old one.
    Freeze {
        /// As [`Call::kind`].
        kind: String,
        /// How long.
        until: Until,
    },
}

/// The end of a state that lasts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// So many writes were forwarded since.
    Writes(u32),
    /// So many watches were refused.
    Watches(u32),
    /// The API server tells of the next change of the object whose event struck. Until then lists of the kind wait
    /// as well, so that the state in between is never seen.
    NextOfObject,
    /// So many milliseconds have passed. Also the end of all others, if they are given up: see [`Until::limit`].
    Milliseconds(u64),
}

impl Until {
    /// The longest a state lasts, in milliseconds: a plan must not hold an operator for ever.
    pub fn limit(&self) -> u64 {
        match self {
            Self::Milliseconds(time) => *time,
            Self::Writes(_) | Self::Watches(_) | Self::NextOfObject => 4_000,
        }
    }
}

impl Plan {
    /// One fault, nothing else.
    pub fn one(name: impl Into<String>, on: On, action: Action) -> Self {
        Self { name: name.into(), faults: vec![Fault { on, action, kill: false, times: 1 }], operators: 1 }
    }

    /// The same, with the operator's death.
    #[must_use]
    pub fn killing(mut self) -> Self {
        self.faults.iter_mut().for_each(|fault| fault.kill = true);
        self
    }

    /// Several plans as one, which strike one after the other. A run with its two ends costs more than a strike does.
    #[must_use]
    pub fn together(plans: &[Self]) -> Self {
        let names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
        let faults = plans.iter().flat_map(|plan| plan.faults.clone()).collect();
        let operators = plans.iter().map(|plan| plan.operators).max().unwrap_or_default();
        Self { name: names.join("; "), faults, operators }
    }

    /// Each of its faults as a plan.
    pub fn apart(&self) -> Vec<Self> {
        let alone = |fault: &Fault| Self { faults: vec![fault.clone()], ..self.clone() };
        let plans = self.faults.iter().map(alone);
        let names = self.name.split("; ").chain(std::iter::repeat(self.name.as_str()));
        plans.zip(names).map(|(plan, name)| Self { name: name.to_owned(), ..plan }).collect()
    }

    /// As JSON, to be read back by [`Plan::parse`].
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| format!("unprintable plan {}: {error}", self.name))
    }

    /// Reads a plan back.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        Ok(serde_json::from_str(text)?)
    }
}

impl Match {
    /// The nth write of all.
    pub fn write(nth: u32) -> Self {
        Self { verb: "write".into(), nth, ..Self::default() }
    }

    /// The nth request with this verb and kind.
    pub fn verb(verb: &str, kind: &str, nth: u32) -> Self {
        Self { verb: verb.into(), kind: kind.into(), nth, ..Self::default() }
    }

    /// Exactly this request, the nth time. `call` is masked.
    pub fn exactly(call: &Call, nth: u32) -> Self {
        Self {
            verb: call.verb.clone(),
            kind: call.kind(),
            namespace: call.namespace.clone(),
            name: call.name.clone(),
            nth,
            ..Self::default()
        }
    }

    /// Whether the request is meant, leaving its number aside. `call` is masked.
    pub fn holds(&self, call: &Call, body: &[u8]) -> bool {
        let verb = match self.verb.as_str() {
            "" => true,
            "write" => call.writes() && !background(call),
            verb => verb == call.verb,
        };
        let holds = || {
            let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            body.pointer(&self.has).is_some_and(|value| !value.is_null())
        };
        verb && self.place(&call.kind(), &call.namespace, &call.name) && (self.has.is_empty() || holds())
    }

    /// Whether the event is meant, leaving its number aside.
    pub fn holds_event(&self, frame: &Frame, mask: &Mask) -> bool {
        (self.verb.is_empty() || self.verb == frame.event)
            && self.place(&frame.kind, &mask.text(&frame.namespace), &mask.text(&frame.name))
    }

    fn place(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let fits = |wanted: &str, given: &str| wanted.is_empty() || wanted == given;
        fits(&self.kind, kind) && fits(&self.namespace, namespace) && fits(&self.name, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_being_printed() {
        let write = On::Request(Match::write(3));
        let mut plan = Plan::one("third write", write, Action::Answer { code: 429, retry_after: Some(1) }).killing();
        let until = Until::NextOfObject;
        let event = On::Event(Match::verb("MODIFIED", "configmaps", 2));
        plan.faults.push(Fault {
            on: event,
            action: Action::Gone { kind: "configmaps".into(), until },
            kill: false,
            times: 0,
        });
        assert_eq!(Plan::parse(&plan.json()).unwrap(), plan);
        let short =
            r#"{"name":"x","faults":[{"on":{"request":{"verb":"write","nth":1}},"action":"drop_after_commit"}]}"#;
        assert_eq!(Plan::parse(short).unwrap().faults[0].action, Action::DropAfterCommit);
    }

    #[test]
    fn plans_together_are_the_same_apart() {
        let plan =
            |nth: u32| Plan::one(format!("write {nth}"), On::Request(Match::write(nth)), Action::DropAfterCommit);
        let all = [plan(1).killing(), plan(5).killing()];
        let one = Plan::together(&all);
        assert_eq!((one.name.as_str(), one.faults.len()), ("write 1; write 5", 2));
        assert_eq!(one.apart(), all);
    }

    #[test]
    fn a_match_is_by_masked_names() {
        let mask = Mask::default().replace("r17", "RUN");
        let call = mask.call(&Call::of("PATCH", "/api/v1/namespaces/steppe-t-r17-a/configmaps/trust", ""));
        let exact = Match::exactly(&call, 1);
        assert_eq!(exact.namespace, "steppe-t-RUN-a");
        assert!(exact.holds(&call, b"") && Match::write(1).holds(&call, b""));
        assert!(!Match::verb("create", "configmaps", 1).holds(&call, b""));
        let lease = Call::of("PATCH", "/apis/coordination.k8s.io/v1/namespaces/a/leases/x", "");
        assert!(!Match::write(1).holds(&lease, b""));
        let with = Match { has: "/data/k".into(), ..exact };
        assert!(with.holds(&call, br#"{"data":{"k":"1"}}"#) && !with.holds(&call, br#"{"data":{"k":null}}"#));
    }
}
