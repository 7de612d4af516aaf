//! Counting requests to the API server by verb and resource, where they leave.

use std::task::{Context, Poll};

use http::{Method, Request};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tower::{Layer, Service};

/// What a request is counted under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Call {
    /// Kubernetes' verb: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// The plural, with its subresource: `deployments`, `instances/status`.
    pub resource: String,
}

impl Call {
    /// Reads verb and resource from a request, as the API server's authorisation does.
    #[must_use]
    pub fn of(method: &Method, path: &str, query: &str) -> Self {
        let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let prefix = match parts.first() {
            Some(&"api") => 2,
            Some(&"apis") => 3,
            _ => parts.len(),
        };
        parts.drain(..prefix.min(parts.len()));
        if parts.first() == Some(&"namespaces") && parts.len() > 2 && parts[2] != "status" {
            parts.drain(..2);
        }
        let resource = match parts.as_slice() {
            [] => String::new(),
            [plural] | [plural, _] => (*plural).to_owned(),
            [plural, _, sub, ..] => format!("{plural}/{sub}"),
        };
        let named = parts.len() > 1;
        let watching = query.split('&').any(|pair| pair == "watch=true" || pair == "watch=1");
        let verb = match *method {
            Method::GET if watching => "watch",
            Method::GET if named => "get",
            Method::GET => "list",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if named => "delete",
            Method::DELETE => "deletecollection",
            _ => "other",
        };
        Self { verb: verb.to_owned(), resource }
    }
}

/// A layer that counts requests.
#[derive(Debug, Clone)]
pub struct CountCallsLayer(Family<Call, Counter>);

impl CountCallsLayer {
    pub(super) fn new(calls: Family<Call, Counter>) -> Self {
        Self(calls)
    }
}

impl<S> Layer<S> for CountCallsLayer {
    type Service = CountCalls<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CountCalls { inner, calls: self.0.clone() }
    }
}

/// See [`CountCallsLayer`].
#[derive(Debug, Clone)]
pub struct CountCalls<S> {
    inner: S,
    calls: Family<Call, Counter>,
}

impl<S, B> Service<Request<B>> for CountCalls<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let uri = request.uri();
        let call = Call::of(request.method(), uri.path(), uri.query().unwrap_or_default());
        self.calls.get_or_create(&call).inc();
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_and_resources() {
        for (method, path, query, verb, resource) in [
            (Method::GET, "/api/v1/pods", "limit=500", "list", "pods"),
            (Method::GET, "/api/v1/pods", "limit=5&watch=true", "watch", "pods"),
            (Method::GET, "/api/v1/namespaces", "", "list", "namespaces"),
            (Method::GET, "/api/v1/namespaces/x", "", "get", "namespaces"),
            (Method::POST, "/api/v1/namespaces/x/secrets", "", "create", "secrets"),
            (Method::PATCH, "/apis/apps/v1/namespaces/x/deployments/server", "fieldManager=a", "patch", "deployments"),
            (Method::PATCH, "/apis/steppe.host/v1alpha1/instances/birds/status", "", "patch", "instances/status"),
            (Method::DELETE, "/apis/batch/v1/namespaces/x/jobs/birth", "", "delete", "jobs"),
            (Method::PUT, "/apis/coordination.k8s.io/v1/namespaces/s/leases/l", "", "update", "leases"),
        ] {
            let call = Call::of(&method, path, query);
            assert_eq!((call.verb.as_str(), call.resource.as_str()), (verb, resource), "{path}");
        }
    }
}
