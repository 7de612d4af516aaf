//! What went through the proxy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::call::Call;

/// A request and its answer.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Record {
    /// Counted from 1.
    pub number: u64,
    /// Milliseconds since the proxy started.
    pub at: u64,
    /// Which start of the operator it came from, counted from 1.
    pub incarnation: u32,
    /// What was asked for.
    pub call: Call,
    /// The query string.
    pub query: String,
    /// The caller's `User-Agent`.
    pub agent: String,
    /// What was to be written, values of Secrets replaced by `present`.
    pub body: Option<Value>,
    /// SHA-256 of the body as sent.
    pub digest: Option<String>,
    /// The API server's status code, also of an answer that was swallowed; 0 while or if there is none.
    pub code: u16,
    /// `metadata.resourceVersion` of the answer.
    pub version: Option<String>,
    /// `metadata.uid` of the answer.
    pub uid: Option<String>,
    /// Whether what is stored changed, as far as the proxy can tell: a write that repeats what is there keeps the
    /// version.
    pub changed: bool,
    /// What was done to it.
    pub fault: Option<String>,
}

/// An event of a watch.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Frame {
    /// The number of the request that opened the watch.
    pub watch: u64,
    /// Milliseconds since the proxy started.
    pub at: u64,
    /// `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`.
    pub event: String,
    /// The watched resource, as [`Call::kind`].
    pub kind: String,
    /// The object's namespace, or empty.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// The object's version.
    pub version: String,
    /// Whether the caller got it, and when not why.
    pub fault: Option<String>,
}

/// How often an object was created and deleted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Effects {
    /// Creates that took effect.
    pub created: u32,
    /// Deletes that were accepted.
    pub deleted: u32,
}

/// Everything that went through one proxy. Clones share the content.
#[derive(Clone, Debug)]
pub struct Log {
    begin: Instant,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    records: Vec<Record>,
    frames: Vec<Frame>,
    /// Object uid -> version last seen.
    versions: BTreeMap<String, String>,
    open: BTreeSet<u64>,
    last: Option<Instant>,
}

impl Default for Log {
    fn default() -> Self {
        Self { begin: Instant::now(), inner: Arc::default() }
    }
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Notes a request; returns its number.
    pub(super) fn ask(&self, mut record: Record, body: &[u8]) -> u64 {
        record.at = self.now();
        if !body.is_empty() {
            record.digest = Some(hex::encode(Sha256::digest(body)));
            record.body = serde_json::from_slice(body).ok().map(discreet);
        }
        let mut inner = self.lock();
        record.number = inner.records.len() as u64 + 1;
        let number = record.number;
        if record.call.verb != "watch" && !background(&record.call) {
            inner.open.insert(number);
            inner.last = Some(Instant::now());
        }
        inner.records.push(record);
        number
    }

    /// Notes the API server's answer.
    pub(super) fn answer(&self, number: u64, code: u16, body: &[u8]) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let mut inner = self.lock();
        let Inner { records, versions, .. } = &mut *inner;
        let Some(record) = records.get_mut(position(number)) else {
            return;
        };
        record.code = code;
        let ok = (200..300).contains(&code);
        if ok && body["kind"] == "Status" {
            record.uid = text("/details/uid");
        } else if ok {
            (record.version, record.uid) = (text("/metadata/resourceVersion"), text("/metadata/uid"));
        }
        record.changed = ok && record.call.writes();
        if let (Some(uid), Some(version)) = (&record.uid, &record.version) {
            let before = versions.insert(uid.clone(), version.clone());
            record.changed &= before.as_ref() != Some(version);
        }
    }

    /// Notes that nothing more happens about a request.
    pub(super) fn close(&self, number: u64) {
        let mut inner = self.lock();
        if inner.open.remove(&number) {
            inner.last = Some(Instant::now());
        }
    }

    /// Notes what was done to a request.
    pub(super) fn fault(&self, number: u64, what: &str) {
        if let Some(record) = self.lock().records.get_mut(position(number)) {
            record.fault = Some(what.to_owned());
        }
    }

    /// Notes an event of a watch.
    pub(super) fn frame(&self, mut frame: Frame, uid: Option<&str>) {
        frame.at = self.now();
        let mut inner = self.lock();
        if let Some(uid) = uid {
            inner.versions.insert(uid.to_owned(), frame.version.clone());
        }
        inner.frames.push(frame);
    }

    /// All requests so far.
    pub fn records(&self) -> Vec<Record> {
        self.lock().records.clone()
    }

    /// All events of watches so far.
    pub fn frames(&self) -> Vec<Frame> {
        self.lock().frames.clone()
    }

    /// How many requests there were.
    pub fn len(&self) -> usize {
        self.lock().records.len()
    }

    /// Whether there was no request yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The writes, but for leases and events, which say nothing about what an operator wants.
    pub fn writes(&self) -> Vec<Record> {
        self.lock().records.iter().filter(|record| record.call.writes() && !background(&record.call)).cloned().collect()
    }

    /// How long no request has begun or ended; `None` while one is open. Watches, leases and events do not count.
    pub fn quiet(&self) -> Option<Duration> {
        let inner = self.lock();
        if inner.open.is_empty() { Some(inner.last.unwrap_or(self.begin).elapsed()) } else { None }
    }

    /// Requests by verb and resource, as `verb kind`.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for record in self.lock().records.iter().filter(|record| !record.call.resource.is_empty()) {
            *counts.entry(format!("{} {}", record.call.verb, record.call.kind())).or_default() += 1;
        }
        counts
    }

    /// Requests by verb.
    pub fn verbs(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for record in self.lock().records.iter() {
            *counts.entry(record.call.verb.clone()).or_default() += 1;
        }
        counts
    }

    /// Creates and deletes that took effect, by object ([`Call::object`]). An apply that found nothing is a create.
    pub fn effects(&self) -> BTreeMap<String, Effects> {
        let mut all: BTreeMap<String, Effects> = BTreeMap::new();
        let mut deleted = BTreeSet::new();
        for record in self.writes() {
            let call = &record.call;
            if record.code == 201 && call.subresource.is_empty() {
                all.entry(call.object()).or_default().created += 1;
            }
            // To delete what is being deleted already changes nothing.
            let accepted = call.verb.starts_with("delete") && (200..300).contains(&record.code);
            if accepted && record.uid.is_none_or(|uid| deleted.insert(uid)) {
                all.entry(call.object()).or_default().deleted += 1;
            }
        }
        all
    }

    /// Requests and events in the order of time, one JSON object a line.
    pub fn ndjson(&self) -> String {
        let inner = self.lock();
        let records = inner.records.iter().map(|one| (one.at, serde_json::to_string(one)));
        let frames = inner.frames.iter().map(|one| (one.at, serde_json::to_string(one)));
        let mut lines: Vec<(u64, String)> =
            records.chain(frames).filter_map(|(at, line)| Some((at, line.ok()?))).collect();
        lines.sort_by_key(|(at, _)| *at);
        lines.into_iter().map(|(_, line)| line + "\n").collect()
    }
}

fn position(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX).wrapping_sub(1)
}

/// Leases beat and events tell, whatever else happens.
pub(super) fn background(call: &Call) -> bool {
    call.resource == "leases" || call.resource == "events"
}

/// A body without what a Secret holds, and without tokens.
pub(super) fn discreet(mut body: Value) -> Value {
    if body["kind"] == "Secret" {
        for part in ["data", "stringData"] {
            for value in body[part].as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
                *value = Value::String("present".into());
            }
        }
    }
    if let Some(token) = body.pointer_mut("/spec/token") {
        *token = Value::String("present".into());
    }
    body
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(log: &Log, method: &str, path: &str, body: &Value, code: u16, answer: &Value) -> u64 {
        let body = body.to_string();
        let record = Record { call: Call::of(method, path, "").named(body.as_bytes()), ..Record::default() };
        let number = log.ask(record, body.as_bytes());
        log.answer(number, code, answer.to_string().as_bytes());
        log.close(number);
        number
    }

    #[test]
    fn effects_count_what_took_effect() {
        let log = Log::default();
        let maps = "/api/v1/namespaces/a/configmaps";
        let named = json!({ "metadata": { "name": "x" } });
        asked(
            &log,
            "POST",
            maps,
            &named,
            201,
            &json!({ "metadata": { "name": "x", "uid": "1", "resourceVersion": "1" } }),
        );
        asked(&log, "POST", maps, &named, 409, &json!({ "kind": "Status" }));
        asked(&log, "DELETE", "/api/v1/namespaces/a/configmaps/x", &json!({}), 200, &json!({ "kind": "Status" }));
        let generated = json!({ "metadata": { "generateName": "y-" } });
        for name in ["y-1", "y-2"] {
            asked(&log, "POST", maps, &generated, 201, &json!({ "metadata": { "name": name } }));
        }
        // Asked for twice while the object is going, and seen to go before the answer came.
        for version in ["7", "7"] {
            let going = json!({ "metadata": { "name": "z", "uid": "9", "resourceVersion": version } });
            log.frame(Frame { version: version.into(), ..Frame::default() }, Some("9"));
            asked(&log, "DELETE", "/apis/batch/v1/namespaces/a/jobs/z", &json!({}), 200, &going);
        }
        let effects = log.effects();
        assert_eq!(effects["jobs.batch a/z"], Effects { created: 0, deleted: 1 });
        assert_eq!(effects["configmaps a/x"], Effects { created: 1, deleted: 1 });
        assert_eq!(effects["configmaps a/y-*"], Effects { created: 2, deleted: 0 });
        assert_eq!(log.counts()["create configmaps"], 4);
    }

    #[test]
    fn a_write_that_repeats_what_is_there_changes_nothing() {
        let log = Log::default();
        let path = "/api/v1/namespaces/a/configmaps/x";
        let answer = |version: &str| json!({ "metadata": { "name": "x", "uid": "1", "resourceVersion": version } });
        for version in ["5", "5", "6"] {
            asked(&log, "PATCH", path, &json!({}), 200, &answer(version));
        }
        let changed: Vec<bool> = log.writes().iter().map(|record| record.changed).collect();
        assert_eq!(changed, [true, false, true]);
    }

    #[test]
    fn secrets_are_not_kept() {
        let log = Log::default();
        let body = json!({ "kind": "Secret", "metadata": { "name": "s" }, "data": { "key": "cGxhbnRlZA==" } });
        asked(&log, "POST", "/api/v1/namespaces/a/secrets", &body, 201, &json!({}));
        let review = json!({ "spec": { "token": "a.planted.token" } });
        asked(&log, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", &review, 201, &json!({}));
        let lines = log.ndjson();
        assert!(!lines.contains("cGxhbnRlZA") && !lines.contains("a.planted.token"));
        assert_eq!(log.records()[0].body.as_ref().unwrap()["data"]["key"], "present");
    }

    #[test]
    fn leases_and_events_are_no_writes_of_interest() {
        let log = Log::default();
        asked(&log, "PATCH", "/apis/coordination.k8s.io/v1/namespaces/a/leases/x", &json!({}), 200, &json!({}));
        asked(&log, "POST", "/apis/events.k8s.io/v1/namespaces/a/events", &json!({}), 201, &json!({}));
        assert!(log.writes().is_empty() && log.effects().is_empty());
    }
}
