//! The API server, played.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::{INSTANCE, UID};
use crate::grants;

/// What the played API server knows; everything else is empty.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) export: Arc<Mutex<Value>>,
    pub(super) secret: Arc<Mutex<Option<Value>>>,
    pub(super) pod_uid: Arc<Mutex<String>>,
}

impl Api {
    fn answer(&self, method: &Method, path: &str, body: &Value) -> (u16, Value) {
        let missing = || {
            (
                404,
                json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "message": "", "code": 404 }),
            )
        };
        let pod_uid = self.pod_uid.lock().unwrap().clone();
        match (method, path) {
            (&Method::POST, "/apis/authentication.k8s.io/v1/tokenreviews") => (201, review(body, &pod_uid)),
            (&Method::GET, "/api/v1/namespaces/steppe-t-birds/pods/export-pod") => (
                200,
                json!({
                    "metadata": { "name": "export-pod", "uid": pod_uid, "annotations": { crate::work::WORK_NAME: "mine" }, "labels": {
                        crd::labels::INSTANCE: "birds", crd::labels::INSTANCE_UID: INSTANCE, crd::labels::ROLE: "export", crd::labels::WORK_UID: UID,
                    } },
                }),
            ),
            (&Method::GET, "/apis/steppe.host/v1alpha1/exports/mine") => (200, self.export.lock().unwrap().clone()),
            (&Method::GET, "/api/v1/namespaces/steppe-system/secrets/steppe-operator-tls") => {
                self.secret.lock().unwrap().clone().map_or_else(missing, |secret| (200, secret))
            }
            (&Method::POST, "/api/v1/namespaces/steppe-system/secrets") => {
                *self.secret.lock().unwrap() = Some(body.clone());
                (201, body.clone())
            }
            _ => (
                200,
                json!({ "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": "1" }, "items": [] }),
            ),
        }
    }

    pub(super) fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move {
                if request.uri().query().is_some_and(|query| query.contains("watch=true")) {
                    std::future::pending::<()>().await;
                }
                let (parts, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                let (status, answer) = api.answer(&parts.method, parts.uri.path(), &body);
                let answer = Full::new(bytes::Bytes::from(answer.to_string()));
                Ok::<_, Infallible>(
                    Response::builder().status(StatusCode::from_u16(status).unwrap()).body(answer).unwrap(),
                )
            }
        });
        Client::new(service, "default")
    }
}

fn review(body: &Value, pod_uid: &str) -> Value {
    let known = body["spec"]["token"] == "CANARY-POD-TOKEN" && body["spec"]["audiences"] == json!([grants::AUDIENCE]);
    json!({ "spec": body["spec"], "metadata": {}, "status": if known { json!({
        "authenticated": true, "audiences": [grants::AUDIENCE],
        "user": { "username": "system:serviceaccount:steppe-t-birds:jobs", "extra": {
            "authentication.kubernetes.io/pod-name": ["export-pod"], "authentication.kubernetes.io/pod-uid": [pod_uid],
        } },
    }) } else { json!({ "authenticated": false }) } })
}
