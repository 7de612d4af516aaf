//! What an operator writes for one server, byte by byte.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt as _;
use http::{Method, Request, header};
use kube::client::Body;
use lab::fault::Call;
use tower::{Layer, Service};

/// An object that was sent to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The collection it belongs to.
    pub collection: String,
    /// The object, JSON.
    pub body: String,
    call: Call,
}

/// Keeps what passes. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Sent>>>);

impl Recorder {
    /// Each object as it was sent last, in the order in which they were sent first.
    pub fn objects(&self) -> Vec<Sent> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut objects: Vec<Sent> = Vec::new();
        for sent in all.iter() {
            let same = |one: &&mut Sent| one.call.object() == sent.call.object();
            match objects.iter_mut().find(same) {
                Some(known) => sent.body.clone_into(&mut known.body),
                None => objects.push(sent.clone()),
            }
        }
        objects
    }

    fn hear(&self, request: &Request<Body>, body: &Bytes) {
        if let Some(sent) = sent(request, body) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
        }
    }
}

/// What the operator makes no object of a server's by: its own leases and events, and volumes, which a provisioner makes.
const NOT_MADE: [&str; 3] = ["events", "leases", "persistentvolumes"];

/// The object of a request that makes one of a server's: a create or an apply, of no part of an object, of none of our
/// own kinds.
fn sent(request: &Request<Body>, body: &Bytes) -> Option<Sent> {
    let (method, path) = (request.method(), request.uri().path());
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let collection = match *method {
        Method::POST => path.to_owned(),
        Method::PATCH if kind.starts_with("application/apply-patch") => path.rsplit_once('/')?.0.to_owned(),
        _ => return None,
    };
    let call = Call::of(method.as_str(), path, request.uri().query().unwrap_or_default()).named(body);
    let ours = call.group == crd::GROUP;
    if ours || !call.writes() || !call.subresource.is_empty() || NOT_MADE.contains(&call.resource.as_str()) {
        return None;
    }
    Some(Sent { collection, body: String::from_utf8(body.to_vec()).ok()?, call })
}

impl<S> Layer<S> for Recorder {
    type Service = Recording<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Recording { inner, recorder: self.clone() }
    }
}

/// See [`Recorder`].
#[derive(Debug, Clone)]
pub struct Recording<S> {
    inner: S,
    recorder: Recorder,
}

impl<S> Service<Request<Body>> for Recording<S>
where
    S: Service<Request<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.method() == Method::GET {
            return self.inner.call(request);
        }
        let (parts, body) = request.into_parts();
        // A body that is written lies in memory whole, so it is there at once.
        let bytes = body.collect_bytes().now_or_never().and_then(Result::ok).unwrap_or_default();
        let request = Request::from_parts(parts, Body::from(bytes.clone()));
        self.recorder.hear(&request, &bytes);
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(recorder: &Recorder, method: &str, path: &str, kind: &str, body: &str) {
        let body = Bytes::from(body.to_owned());
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, kind);
        recorder.hear(&request.body(Body::from(body.clone())).unwrap(), &body);
    }

    #[test]
    fn an_object_is_kept_as_it_was_sent_last() {
        const APPLY: &str = "application/apply-patch+yaml";
        let recorder = Recorder::default();
        let service = "/api/v1/namespaces/a-b/services/server?fieldManager=x";
        hear(&recorder, "PATCH", service, APPLY, r#"{"to":"holding"}"#);
        hear(&recorder, "POST", "/api/v1/namespaces/a-b/secrets", "application/json", r#"{"metadata":{"name":"k"}}"#);
        hear(&recorder, "PATCH", service, APPLY, r#"{"to":"server"}"#);
        hear(&recorder, "PATCH", "/apis/steppe.host/v1alpha1/instances/b/status", APPLY, "{}");
        hear(&recorder, "POST", "/apis/events.k8s.io/v1/namespaces/default/events", "application/json", "{}");
        hear(&recorder, "PATCH", "/api/v1/persistentvolumes/v", APPLY, "{}");
        hear(&recorder, "PATCH", "/api/v1/namespaces/a-b/pods/p", "application/merge-patch+json", "{}");
        let objects = recorder.objects();
        let kept: Vec<(&str, &str)> =
            objects.iter().map(|sent| (sent.collection.as_str(), sent.body.as_str())).collect();
        assert_eq!(
            kept,
            [
                ("/api/v1/namespaces/a-b/services", r#"{"to":"server"}"#),
                ("/api/v1/namespaces/a-b/secrets", r#"{"metadata":{"name":"k"}}"#),
            ]
        );
    }
}
