//! Faults planted into the operator from outside, between it and what it speaks to: its requests and its puts are changed
//! as a wrong operator would make them. Each has to be caught; one that is not is a hole in the net.

use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use lab::fault::Call;
use operator::metrics::Metrics;
use operator::store::fake::FakeStore;
use operator::store::{Grant, Meta, Object, Put, Store, StoreError};
use serde_json::{Value, json};
use tower::Service;

type Answer = Result<Response<Body>, kube::Error>;

/// What is wrong with the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// The volume's claim is owned by the instance, and would go with it.
    OwnedVolume,
    /// Nothing says of which version or object a write is meant.
    NoPrecondition,
    /// An identity Secret that is there already is replaced by the own one.
    IdentityReplaced,
    /// A field is missing in what is stored of each status, so that each pass writes it again.
    WrittenEachPass,
    /// The birth's Job is taken away before its result is recorded.
    BirthForgotten,
    /// A birth is recorded before its identity is in escrow.
    EscrowLate,
}

/// A planted fault at work in one life of an operator.
#[derive(Clone, Debug)]
pub struct Planted {
    plant: Plant,
    inner: Arc<FakeStore>,
    /// What is put after the next status.
    late: Arc<Mutex<Option<(String, Bytes)>>>,
}

impl Plant {
    /// At work in one life of an operator with this store.
    #[must_use]
    pub fn at_work(self, inner: Arc<FakeStore>) -> Planted {
        Planted { plant: self, inner, late: Arc::default() }
    }
}

impl Planted {
    /// The client that the operator is given.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub fn client(&self, config: kube::Config, metrics: &Metrics) -> Result<Client> {
        let client = operator::client(config, metrics)?;
        Ok(Client::new(Between { planted: self.clone(), client }, "default"))
    }

    async fn pass(self, client: Client, request: Request<Body>) -> Answer {
        let (parts, body) = request.into_parts();
        let mut bytes = body.collect_bytes().await?;
        let call = Call::of(parts.method.as_str(), parts.uri.path(), parts.uri.query().unwrap_or_default());
        let call = call.named(&bytes);
        if !call.writes() {
            return client.send(Request::from_parts(parts, bytes.into())).await;
        }
        let status = call.kind() == "instances.steppe.host/status";
        let mut body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match self.plant {
            Plant::OwnedVolume if call.resource == "persistentvolumeclaims" => {
                let labels = body["metadata"]["labels"].clone();
                body["metadata"]["ownerReferences"] = json!([{
                    "apiVersion": "steppe.host/v1alpha1", "kind": "Instance",
                    "name": labels[crd::labels::INSTANCE], "uid": labels[crd::labels::INSTANCE_UID],
                }]);
            }
            Plant::NoPrecondition if call.verb == "delete" => body["preconditions"] = Value::Null,
            Plant::NoPrecondition if !call.apply && call.verb == "patch" => {
                for field in ["uid", "resourceVersion"] {
                    body["metadata"].as_object_mut().map(|meta| meta.remove(field));
                }
            }
            Plant::WrittenEachPass if status => {
                body["status"].as_object_mut().map(|status| status.remove("address"));
            }
            Plant::BirthForgotten if status && body["status"]["identity"].is_object() => {
                forget_birth(&client, parts.uri.path()).await?;
            }
            Plant::OwnedVolume
            | Plant::NoPrecondition
            | Plant::IdentityReplaced
            | Plant::WrittenEachPass
            | Plant::BirthForgotten
            | Plant::EscrowLate => {}
        }
        if !body.is_null() {
            bytes = body.to_string().into();
        }
        let again = || {
            let mut request = Request::new(Body::from(bytes.clone()));
            (*request.method_mut(), *request.uri_mut()) = (parts.method.clone(), parts.uri.clone());
            *request.headers_mut() = parts.headers.clone();
            request.headers_mut().remove("content-length");
            request
        };
        let answer = client.send(again()).await?;
        let secret = self.plant == Plant::IdentityReplaced && call.resource == "secrets" && call.name == "identity";
        if secret && answer.status() == 409 {
            let path = format!("{}/identity", parts.uri.path());
            let delete = Request::builder().method(Method::DELETE).uri(path).body(Body::empty());
            client.send(delete.map_err(kube::Error::HttpError)?).await?;
            return client.send(again()).await;
        }
        if status && let Some((key, content)) = self.late.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.inner.set(&key, content);
        }
        Ok(answer)
    }
}

/// Deletes the birth's Job of the instance whose status is at `path`.
async fn forget_birth(client: &Client, path: &str) -> Result<(), kube::Error> {
    use k8s_openapi::api::batch::v1::Job;
    use kube::ResourceExt as _;
    use kube::api::{Api, DeleteParams, Preconditions};
    let name = path.trim_end_matches("/status").rsplit('/').next().unwrap_or_default();
    let jobs: Api<Job> = Api::namespaced(client.clone(), &format!("t-{name}"));
    if let Some(job) = jobs.get_opt("birth").await? {
        let only = Preconditions { uid: job.uid(), resource_version: None };
        jobs.delete("birth", &DeleteParams::background().preconditions(only)).await?;
    }
    Ok(())
}

/// A client's service with a fault in between.
#[derive(Clone)]
struct Between {
    planted: Planted,
    client: Client,
}

impl Service<Request<Body>> for Between {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = BoxFuture<'static, Answer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), kube::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.planted.clone().pass(self.client.clone(), request).boxed()
    }
}

impl Store for Planted {
    fn configure(&self, at: &crd::cell::ObjectStore, trust: Option<&str>) -> Result<(), StoreError> {
        self.inner.configure(at, trust)
    }

    fn presign_put<'a>(
        &'a self,
        key: &'a str,
        sha256: [u8; 32],
        valid: Duration,
    ) -> BoxFuture<'a, Result<Grant, StoreError>> {
        self.inner.presign_put(key, sha256, valid)
    }

    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.put(key, content)
    }

    fn put_if_absent<'a>(&'a self, key: &'a str, content: Bytes) -> BoxFuture<'a, Result<Put, StoreError>> {
        if self.plant == Plant::EscrowLate && key.starts_with("escrow/") {
            *self.late.lock().unwrap_or_else(PoisonError::into_inner) = Some((key.to_owned(), content));
            return ready(Ok(Put::Created)).boxed();
        }
        self.inner.put_if_absent(key, content)
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Object>, StoreError>> {
        self.inner.get(key)
    }

    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Meta>, StoreError>> {
        self.inner.head(key)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Meta>, StoreError>> {
        self.inner.list(prefix)
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.delete(key)
    }
}
