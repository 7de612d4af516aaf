//! Who asks the API server, and what should become of it.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use kube::Client;
use serde_json::{Value, json};

use crate::chart::{Answer, Chart, ask, example, with};

/// An identity of the chart, by a token of its ServiceAccount, or somebody to whom RBAC allows everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// All rights; the admission policies hold nevertheless.
    Admin,
    /// `steppe-operator`.
    Operator,
    /// `steppe-purger`.
    Purger,
    /// `steppe-control-plane`.
    ControlPlane,
    /// `steppe-purge-requester`.
    Requester,
}

/// What should become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is done.
    Done,
    /// RBAC refuses.
    NoRight,
    /// This admission policy refuses.
    Denied(&'static str),
}

impl Who {
    /// A client with this identity.
    ///
    /// # Errors
    /// When there is no such ServiceAccount.
    pub async fn client(self, chart: &Chart) -> Result<Client> {
        let (namespace, name) = match self {
            Who::Admin => return chart.light.client().await,
            Who::Operator => ("steppe-system", "steppe-operator"),
            Who::Purger => ("steppe-system", "steppe-purger"),
            Who::ControlPlane => ("steppe-system", "steppe-control-plane"),
            Who::Requester => ("steppe-system", "steppe-purge-requester"),
        };
        chart.light.client_of(namespace, name).await
    }
}

impl Fate {
    /// Whether the answer is this.
    #[must_use]
    pub fn is(self, answer: &Answer) -> bool {
        match self {
            Self::Done => answer.is_ok(),
            Self::NoRight => answer.is_no_right(),
            Self::Denied(policy) => answer.is_denied_by(policy),
        }
    }
}

/// Asks as somebody, and gives the object.
///
/// # Errors
/// When something else came of it.
pub async fn expect(chart: &Chart, who: Who, fate: Fate, method: &str, path: &str, body: Value) -> Result<Value> {
    let answer = ask(&who.client(chart).await?, method, path, body).await?;
    ensure!(fate.is(&answer), "{who:?} {method} {path}: expected {fate:?}, got {} {}", answer.code, answer.message);
    Ok(answer.body)
}

/// All a ServiceAccount may do in a namespace, one line per verb and resource, but what everybody may ask about itself.
///
/// # Errors
/// When the API server does not answer.
pub async fn rights(client: &Client, namespace: &str) -> Result<BTreeSet<String>> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": { "namespace": namespace },
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let answer = ask(client, "POST", path, review).await?.ok()?;
    let list = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|item| Some(item.as_str()?.to_owned())).collect()
    };
    let mut rights = BTreeSet::new();
    for rule in answer["status"]["resourceRules"].as_array().context("no rules")? {
        for resource in list(&rule["resources"]).iter().filter(|resource| !resource.starts_with("self")) {
            let names = list(&rule["resourceNames"]).join("|");
            for verb in list(&rule["verbs"]) {
                rights.insert(format!("{verb} {resource} {names}").trim_end().to_owned());
            }
        }
    }
    Ok(rights)
}

/// A tenant's namespace with a claim, a volume and an identity, as the operator leaves them.
///
/// # Errors
/// When one of them is there already.
pub async fn tenant(chart: &Chart, name: &str) -> Result<()> {
    let client = chart.light.client().await?;
    let namespace = format!("steppe-t-{name}");
    let make = async |path: &str, body: Value| ask(&client, "POST", path, body).await?.ok();
    make("/api/v1/namespaces", json!({ "metadata": { "name": namespace } })).await?;
    make(&format!("/api/v1/namespaces/{namespace}/secrets"), json!({ "metadata": { "name": "identity" } })).await?;
    let claim = json!({ "metadata": { "name": "data" }, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } }, "storageClassName": "",
    } });
    make(&format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims"), claim).await?;
    let volume = json!({ "metadata": { "name": format!("pv-{name}") }, "spec": {
        "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": { "path": "/nowhere" }, "claimRef": { "namespace": namespace, "name": "data" },
    } });
    make("/api/v1/persistentvolumes", volume).await.map(drop)
}

/// A small instance of this name.
///
/// # Errors
/// When the example is no YAML.
pub fn instance(name: &str) -> Result<Value> {
    let object = with(example("instance")?, "/metadata/name", json!(name));
    Ok(with(object, "/spec/hostname", json!(format!("{name}.steppe.test"))))
}
