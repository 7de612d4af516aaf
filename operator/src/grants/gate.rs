//! Who may ask for what.
//!
//! A pod proves itself by a projected ServiceAccount token with an audience of its own, which the API server checks
//! (`TokenReview`) and ties to the pod. The pod says which export it works for; only the operator makes pods in a tenant's
//! namespace, and tenants have no rights there, so its labels can be believed.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use crd::{Export, Phase, labels};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, TokenReviewStatus};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{Api, ObjectMeta, PostParams};
use uuid::Uuid;

use super::refusal::Refusal;
use crate::context::Context;
use crate::error::{Error, Step as ErrorStep};
use crate::export::{ROLE, step};
use crate::work::WORK_NAME;

/// The audience of tokens for this endpoint; no other token is taken, and this one opens nothing else.
pub const AUDIENCE: &str = "steppe-grants";

/// Somebody who may ask.
#[derive(Debug)]
pub(super) struct Visitor {
    /// The export that the pod works for.
    pub(super) export: Export,
    /// The pod.
    pub(super) pod_uid: String,
}

/// What a token says about its pod.
#[derive(Debug, PartialEq, Eq)]
struct Claims {
    namespace: String,
    pod: String,
    pod_uid: String,
}

/// Lets in a pod of this export while it is being copied.
pub(super) async fn admit(context: &Context, headers: &HeaderMap, uid: Uuid) -> Result<Visitor, Refusal> {
    let uid = uid.to_string();
    let claims = claims(&review(context, bearer(headers)?).await?)?;
    let pods: Api<Pod> = Api::namespaced(context.client.clone(), &claims.namespace);
    let reading = format!("reading Pod {}/{}", claims.namespace, claims.pod);
    let pod = pods.get_opt(&claims.pod).await.map_err(|e| Error::kube(ErrorStep::Observe, reading, e))?;
    let pod = pod.ok_or_else(|| Refusal::unauthorized("the pod of this token is gone"))?;
    let instance = check_pod(&pod, &claims, &uid, &context.config.namespace_prefix)?;

    let exports: Api<Export> = Api::all(context.client.clone());
    let name = pod.annotations().get(WORK_NAME).cloned().unwrap_or_default();
    let reading = format!("reading Export {name}");
    let export = exports.get_opt(&name).await.map_err(|e| Error::kube(ErrorStep::Observe, reading, e))?;
    let export = export.ok_or_else(|| Refusal::over("the export is gone"))?;
    check_export(&export, &uid, &instance)?;
    Ok(Visitor { export, pod_uid: claims.pod_uid })
}

fn bearer(headers: &HeaderMap) -> Result<String, Refusal> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    value
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(|token| token.trim().to_owned())
        .filter(|token| !token.is_empty())
        .ok_or_else(|| Refusal::unauthorized("a bearer token is needed"))
}

async fn review(context: &Context, token: String) -> Result<TokenReviewStatus, Refusal> {
    let review = TokenReview {
        metadata: ObjectMeta::default(),
        spec: TokenReviewSpec { audiences: Some(vec![AUDIENCE.to_owned()]), token: Some(token) },
        status: None,
    };
    let api: Api<TokenReview> = Api::all(context.client.clone());
    let answer = api.create(&PostParams::default(), &review).await;
    let answer = answer.map_err(|e| Error::kube(ErrorStep::Observe, "reviewing a token", e))?;
    Ok(answer.status.unwrap_or_default())
}

fn claims(review: &TokenReviewStatus) -> Result<Claims, Refusal> {
    let ours = review.audiences.iter().flatten().any(|audience| audience == AUDIENCE);
    if review.authenticated != Some(true) || !ours {
        return Err(Refusal::unauthorized("the API server does not know this token"));
    }
    let user = review.user.clone().unwrap_or_default();
    let account = user.username.as_deref().and_then(|name| name.strip_prefix("system:serviceaccount:"));
    let (namespace, _) = account
        .and_then(|account| account.split_once(':'))
        .ok_or_else(|| Refusal::unauthorized("the token is not of a ServiceAccount"))?;
    let extra = |key: &str| user.extra.as_ref()?.get(key)?.first().cloned();
    let pod = extra("authentication.kubernetes.io/pod-name");
    let pod_uid = extra("authentication.kubernetes.io/pod-uid");
    pod.zip(pod_uid)
        .map(|(pod, pod_uid)| Claims { namespace: namespace.to_owned(), pod, pod_uid })
        .ok_or_else(|| Refusal::unauthorized("the token is not bound to a pod"))
}

/// The instance that the pod is of: name and uid.
fn check_pod(pod: &Pod, claims: &Claims, export_uid: &str, prefix: &str) -> Result<(String, String), Refusal> {
    if pod.uid().as_deref() != Some(claims.pod_uid.as_str()) {
        return Err(Refusal::unauthorized("the pod of this token is gone; another one has its name"));
    }
    let label = |key: &str| pod.labels().get(key).map(String::as_str).unwrap_or_default();
    let instance = label(labels::INSTANCE);
    if label(labels::ROLE) != ROLE || instance.is_empty() || claims.namespace != format!("{prefix}{instance}") {
        return Err(Refusal::unauthorized("the pod is not one that exports"));
    }
    if label(labels::WORK_UID) != export_uid {
        return Err(Refusal::unauthorized("the pod works for another export"));
    }
    if pod.metadata.deletion_timestamp.is_some() {
        // Its successor may already be at work.
        return Err(Refusal::over("the pod is being deleted"));
    }
    Ok((instance.to_owned(), label(labels::INSTANCE_UID).to_owned()))
}

fn check_export(export: &Export, uid: &str, (instance, instance_uid): &(String, String)) -> Result<(), Refusal> {
    if export.uid().as_deref() != Some(uid) {
        return Err(Refusal::over("the export is gone; another one has its name"));
    }
    let wanted = &export.spec.instance_ref;
    if (&wanted.name, &wanted.uid) != (instance, instance_uid) {
        return Err(Refusal::unauthorized("the export is of another instance"));
    }
    let work = export.status.as_ref().map(|status| status.work.clone()).unwrap_or_default();
    match (work.phase, work.step.as_str()) {
        (Phase::Running, step::COPYING) if work.reason.is_empty() => Ok(()),
        (Phase::Running, step::STOPPING) => Err(Refusal::early("the export has not begun to copy")),
        _ => Err(Refusal::over("the export does not copy any more")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::http::{HeaderValue, StatusCode};
    use k8s_openapi::api::authentication::v1::UserInfo;
    use serde_json::json;

    use super::*;

    fn review(authenticated: bool, audience: &str, username: &str, bound: bool) -> TokenReviewStatus {
        let mut extra = BTreeMap::new();
        if bound {
            extra.insert("authentication.kubernetes.io/pod-name".to_owned(), vec!["p".to_owned()]);
            extra.insert("authentication.kubernetes.io/pod-uid".to_owned(), vec!["u".to_owned()]);
        }
        TokenReviewStatus {
            authenticated: Some(authenticated),
            audiences: Some(vec![audience.to_owned()]),
            user: Some(UserInfo { username: Some(username.to_owned()), extra: Some(extra), ..UserInfo::default() }),
            error: None,
        }
    }

    #[test]
    fn only_a_bound_token_for_us() {
        const JOBS: &str = "system:serviceaccount:steppe-t-birds:jobs";
        let good = claims(&review(true, AUDIENCE, JOBS, true)).unwrap();
        assert_eq!((good.namespace.as_str(), good.pod.as_str(), good.pod_uid.as_str()), ("steppe-t-birds", "p", "u"));
        for bad in [
            review(false, AUDIENCE, JOBS, true),
            review(true, "https://kubernetes.default.svc", JOBS, true),
            review(true, AUDIENCE, "admin", true),
            review(true, AUDIENCE, JOBS, false),
            TokenReviewStatus::default(),
        ] {
            assert_eq!(claims(&bad).unwrap_err().status, StatusCode::UNAUTHORIZED);
        }
    }

    #[test]
    fn only_pods_of_this_export() {
        let claims = Claims { namespace: "steppe-t-birds".into(), pod: "p".into(), pod_uid: "u".into() };
        let pod = |change: fn(&mut serde_json::Value)| -> Pod {
            let mut pod = json!({ "metadata": { "name": "p", "uid": "u", "labels": {
                labels::INSTANCE: "birds", labels::INSTANCE_UID: "i", labels::ROLE: ROLE, labels::WORK_UID: "e" } } });
            change(&mut pod);
            serde_json::from_value(pod).unwrap()
        };
        let check = |change| check_pod(&pod(change), &claims, "e", "steppe-t-");
        assert_eq!(check(|_| {}), Ok(("birds".into(), "i".into())));
        assert!(check(|pod| pod["metadata"]["uid"] = json!("other")).is_err());
        assert!(check(|pod| pod["metadata"]["labels"][labels::ROLE] = json!("server")).is_err());
        assert!(check(|pod| pod["metadata"]["labels"][labels::WORK_UID] = json!("other")).is_err());
        assert!(check(|pod| pod["metadata"]["labels"][labels::INSTANCE] = json!("cats")).is_err());
        let deleting = check(|pod| pod["metadata"]["deletionTimestamp"] = json!("2026-01-02T03:04:05Z"));
        assert_eq!(deleting.unwrap_err().status, StatusCode::CONFLICT);
    }

    #[test]
    fn only_while_it_is_copied() {
        let export = |phase: &str, step: &str, reason: &str| -> Export {
            serde_json::from_value(json!({
                "apiVersion": "steppe.host/v1alpha1", "kind": "Export", "metadata": { "name": "x", "uid": "e" },
                "spec": { "instanceRef": { "name": "birds", "uid": "i" } },
                "status": { "phase": phase, "step": step, "reason": reason },
            }))
            .unwrap()
        };
        let birds = ("birds".to_owned(), "i".to_owned());
        let check = |phase, step, reason| {
            check_export(&export(phase, step, reason), "e", &birds).map_err(|r| r.status.as_u16())
        };
        assert_eq!(check("Running", "Copying", ""), Ok(()));
        assert_eq!(check("Running", "Stopping", ""), Err(503));
        assert_eq!(check("Running", "Copying", "TookTooLong"), Err(409));
        assert_eq!(check("Running", "Signing", ""), Err(409));
        assert_eq!(check("Succeeded", "", ""), Err(409));
        assert_eq!(check("Pending", "", ""), Err(409));
        let copying = export("Running", "Copying", "");
        assert_eq!(check_export(&copying, "other", &birds).unwrap_err().status, StatusCode::CONFLICT);
        assert!(check_export(&copying, "e", &("birds".to_owned(), "j".to_owned())).is_err());
    }

    #[test]
    fn bearer_tokens() {
        let mut headers = HeaderMap::new();
        assert!(bearer(&headers).is_err());
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic eDp5"));
        assert!(bearer(&headers).is_err());
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
        assert_eq!(bearer(&headers).unwrap(), "abc");
    }
}
