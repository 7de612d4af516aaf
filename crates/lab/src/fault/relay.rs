//! Forwards one request, unless the plan says otherwise.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame as BodyFrame, Incoming};
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::call::Call;
use super::engine::{OpenWatch, Verdict};
use super::log::{Log, Record};
use super::plan::Action;
use super::proxy::Shared;
use super::stream;

type Body = BoxBody<Bytes, io::Error>;
type Answer = Response<Body>;

/// Headers that belong to one connection, and the one that would hide bodies from us.
const OWN_HEADERS: [HeaderName; 6] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::ACCEPT_ENCODING,
];

/// Keeps a request open in the log for as long as something happens about it.
struct Open {
    log: Log,
    number: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.log.close(self.number);
    }
}

/// A request on its way.
struct Forward {
    shared: Arc<Shared>,
    call: Call,
    open: Open,
    method: reqwest::Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
    /// If it is a watch that may begin.
    watch: Option<OpenWatch>,
}

/// The error with which a connection is ended.
pub(super) fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "cut by plan")
}

/// Answers one request. An error ends the connection without an answer.
pub(super) async fn handle(shared: Arc<Shared>, incarnation: u32, request: Request<Incoming>) -> io::Result<Answer> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    if !shared.admits(incarnation) {
        return Err(cut());
    }
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut call = Call::of(parts.method.as_str(), parts.uri.path(), &query).named(&body);
    call.apply = text(header::CONTENT_TYPE).contains("apply-patch");
    let agent = text(header::USER_AGENT).to_owned();
    let record = Record { incarnation, call: call.clone(), query: query.clone(), agent, ..Record::default() };
    let number = shared.log.ask(record, &body);
    let open = Open { log: shared.log.clone(), number };
    if parts.headers.contains_key(header::UPGRADE) {
        return Ok(status(501, "the fault proxy does not do upgrades", None));
    }
    let mut headers = parts.headers;
    for name in &OWN_HEADERS {
        headers.remove(name);
    }
    let target = format!("{}{}", shared.upstream, parts.uri.path());
    let query = shared.narrowed(&call, query);
    let target = if query.is_empty() { target } else { format!("{target}?{query}") };
    let verdict = shared.engine.request(&call, &body);
    let forward = Forward { shared, call, open, method: parts.method, target, headers, body, watch: None };
    match verdict {
        None => forward.go().await,
        Some(verdict) => forward.strike(verdict).await,
    }
}

impl Forward {
    /// Does what the plan says.
    async fn strike(self, Verdict { action, kill }: Verdict) -> io::Result<Answer> {
        let shared = self.shared.clone();
        let name = serde_json::to_string(&action).unwrap_or_default();
        shared.log.fault(self.open.number, &if kill { format!("{name}, killed") } else { name });
        let die = |kill: bool| {
            if kill {
                shared.kill();
            }
        };
        match action {
            Action::DropAfterCommit => {
                let _ = self.go().await;
                die(kill);
                Err(cut())
            }
            Action::DropAfterAnswer => {
                let mut answer = self.go().await?;
                answer.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
                if kill {
                    shared.kill_soon();
                }
                Ok(answer)
            }
            Action::Answer { code, retry_after } => {
                die(kill);
                Ok(status(code, "the fault proxy answers by its plan", retry_after))
            }
            Action::Delay { by } => {
                die(kill);
                tokio::time::sleep(Duration::from_millis(by)).await;
                self.go().await
            }
            Action::Mischief { what } => {
                shared.do_mischief(&what).await;
                die(kill);
                self.go().await
            }
            Action::Timeout { after } => {
                tokio::time::sleep(Duration::from_millis(after)).await;
                die(kill);
                Err(cut())
            }
            Action::DropBeforeForward | Action::CutWatch { .. } | Action::Gone { .. } | Action::Freeze { .. } => {
                die(kill);
                Err(cut())
            }
        }
    }

    /// Forwards to the API server, in a task of its own: what has been sent takes effect even if the caller is gone.
    async fn go(mut self) -> io::Result<Answer> {
        if let Some(refusal) = self.weather().await {
            return Ok(refusal);
        }
        let shared = self.shared.clone();
        shared.forwarding.send_modify(|requests| *requests += 1);
        let task = tokio::spawn(async move {
            let shared = self.shared.clone();
            let answer = self.send().await;
            shared.forwarding.send_modify(|requests| *requests -= 1);
            answer
        });
        task.await.map_err(io::Error::other)?
    }

    /// What lasting faults do to lists and watches.
    async fn weather(&mut self) -> Option<Answer> {
        let kind = self.call.kind();
        let mut weather = self.shared.engine.weather();
        if self.call.verb == "list" {
            let waits = weather.borrow().lists_wait(&kind);
            if let Some(ends) = waits {
                let over = weather.wait_for(|weather| weather.lists_wait(&kind).is_none());
                let _ = tokio::time::timeout_at(ends, over).await;
            }
            let old = weather.borrow().old_version(&kind).map(str::to_owned);
            if let Some((old, target)) = old.and_then(|old| Some((old.clone(), at_version(&self.target, &old)?))) {
                self.target = target;
                self.shared.log.fault(self.open.number, &format!("old list of version {old}"));
            }
        }
        if self.call.verb == "watch" {
            self.watch = self.shared.engine.begin_watch(&kind);
        }
        if self.call.verb == "watch" && self.watch.is_none() {
            self.shared.log.fault(self.open.number, "410");
            self.shared.log.answer(self.open.number, 410, b"");
            return Some(gone());
        }
        None
    }

    async fn send(self) -> io::Result<Answer> {
        let Self { shared, call, open, method, target, headers, body, watch } = self;
        let request = shared.client.request(method, target).headers(headers).body(body);
        let answer = request.send().await.map_err(io::Error::other)?;
        let (code, mut headers) = (answer.status(), answer.headers().clone());
        for name in &OWN_HEADERS {
            headers.remove(name);
        }
        let body = if let Some(watch) = watch.filter(|_| code == StatusCode::OK) {
            shared.log.answer(open.number, code.as_u16(), b"");
            let (sender, receiver) = mpsc::channel(64);
            let watch = stream::Watch::new(shared.clone(), watch, open.number);
            tokio::spawn(watch.relay(answer.bytes_stream().boxed(), sender));
            let frames =
                futures::stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
            BodyExt::boxed(StreamBody::new(frames.map(|frame| frame.map(BodyFrame::data))))
        } else {
            let bytes = answer.bytes().await.map_err(io::Error::other)?;
            shared.log.answer(open.number, code.as_u16(), &bytes);
            seen(&shared, &call, &bytes);
            shared.engine.wrote(&call);
            whole(bytes)
        };
        let mut answer = Response::new(body);
        *answer.status_mut() = code;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}

impl Shared {
    /// The query with the labels of the proxy's horizon, if it has one and the whole cluster is looked at.
    fn narrowed(&self, call: &Call, query: String) -> String {
        let everywhere =
            matches!(call.verb.as_str(), "list" | "watch") && call.namespace.is_empty() && call.name.is_empty();
        match self.horizon.get().filter(|_| everywhere).and_then(|horizon| horizon(call)) {
            Some(labels) => with_labels(&query, &labels),
            None => query,
        }
    }
}

/// The query of a list with more labels asked for.
fn with_labels(query: &str, labels: &str) -> String {
    let mut changed = url::form_urlencoded::Serializer::new(String::new());
    let mut selector = labels.to_owned();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name == "labelSelector" {
            selector = format!("{value},{labels}");
        } else {
            changed.append_pair(&name, &value);
        }
    }
    changed.append_pair("labelSelector", &selector);
    changed.finish()
}

/// The same list as of an old version; `None` if the caller asked for more than any version.
fn at_version(target: &str, version: &str) -> Option<String> {
    let (path, query) = target.split_once('?')?;
    let pairs = || url::form_urlencoded::parse(query.as_bytes());
    if !pairs().any(|(name, value)| name == "resourceVersion" && value == "0") {
        return None;
    }
    let mut changed = url::form_urlencoded::Serializer::new(String::new());
    changed.extend_pairs(pairs().filter(|(name, _)| !name.starts_with("resourceVersion")));
    changed.append_pair("resourceVersion", version).append_pair("resourceVersionMatch", "Exact");
    Some(format!("{path}?{}", changed.finish()))
}

/// Tells the engine the version of a list or object.
fn seen(shared: &Shared, call: &Call, body: &[u8]) {
    if call.resource.is_empty() {
        return;
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    shared.engine.saw(body["metadata"]["resourceVersion"].as_str().unwrap_or_default());
}

fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// An error as the API server would give it.
fn status(code: u16, message: &str, retry_after: Option<u32>) -> Answer {
    let reason = match code {
        404 => "NotFound",
        409 => "Conflict",
        410 => "Expired",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "Unknown",
    };
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "code": code, "details": { "retryAfterSeconds": retry_after.unwrap_or_default() },
    });
    let answer = Response::builder().status(code).header(header::CONTENT_TYPE, "application/json");
    let answer = retry_after.into_iter().fold(answer, |answer, seconds| answer.header(header::RETRY_AFTER, seconds));
    answer.body(whole(body.to_string())).unwrap_or_else(|_| Response::new(whole(Bytes::new())))
}

/// A watch of a version that is gone: an answer of 200 with one error event, as `newErrWatcher` makes it
/// (apiserver v0.35.4, pkg/storage/cacher/cacher.go).
fn gone() -> Answer {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 410, "reason": "Expired",
        "message": "too old resource version",
    });
    let event = json!({ "type": "ERROR", "object": status });
    let answer = Response::builder().header(header::CONTENT_TYPE, "application/json");
    answer.body(whole(format!("{event}\n"))).unwrap_or_else(|_| Response::new(whole(Bytes::new())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_added_to_those_asked_for() {
        assert_eq!(with_labels("", "a=b"), "labelSelector=a%3Db");
        assert_eq!(
            with_labels("watch=true&labelSelector=c%3Dd&resourceVersion=7", "a=b"),
            "watch=true&resourceVersion=7&labelSelector=c%3Dd%2Ca%3Db"
        );
    }

    #[test]
    fn only_a_list_of_any_version_gets_an_old_one() {
        let any = "https://a/api/v1/pods?limit=5&resourceVersion=0&resourceVersionMatch=NotOlderThan";
        let old = "https://a/api/v1/pods?limit=5&resourceVersion=41&resourceVersionMatch=Exact";
        assert_eq!(at_version(any, "41").as_deref(), Some(old));
        assert_eq!(at_version("https://a/api/v1/pods?limit=5", "41"), None);
        assert_eq!(at_version("https://a/api/v1/pods?resourceVersion=07", "41"), None);
    }
}
