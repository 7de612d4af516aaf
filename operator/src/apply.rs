//! Writing objects: server-side apply by one field manager, creation of what is made once, deletion with preconditions.
//! Nothing is read first and what is unchanged is not written.

mod recent;

use std::fmt;
use std::sync::Arc;

use crd::labels;
use kube::Client;
use kube::api::{
    DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy,
    ValidationDirective,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::cache::{Held, Leaves};
use crate::error::{Error, Step, is_conflict, is_not_found};
use crate::kind::Kind;
use crate::metrics::Metrics;
use recent::Recent;

/// An object as it should be: all fields that the operator decides, and no others.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace, if the kind has those.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The whole of it, JSON.
    pub body: Value,
    /// Only an object with this uid is written to; without one, an object that the caches know is taken to be meant.
    pub uid: Option<String>,
    /// Only if nobody wrote to the object since the caches saw it.
    pub unseen_writes_refused: bool,
}

impl Object {
    /// An object of a kind, from its labels and everything below `metadata`.
    #[must_use]
    pub fn new(kind: Kind, namespace: Option<&str>, name: &str, labels: &Value, rest: Value) -> Self {
        let resource = kind.resource();
        let mut body = json!({
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": { "name": name, "labels": labels },
        });
        if let Some(namespace) = namespace {
            body["metadata"]["namespace"] = json!(namespace);
        }
        if let (Value::Object(body), Value::Object(rest)) = (&mut body, rest) {
            body.extend(rest);
        }
        Self {
            kind,
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            body,
            uid: None,
            unseen_writes_refused: false,
        }
    }

    /// Adds an annotation.
    #[must_use]
    pub fn annotated(mut self, key: &str, value: &str) -> Self {
        self.body["metadata"]["annotations"][key] = json!(value);
        self
    }

    /// Kind, namespace and name for messages.
    #[must_use]
    pub fn path(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }

    /// A digest over everything that is applied.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut digest = hex::encode(Sha256::digest(self.body.to_string()));
        digest.truncate(32);
        digest
    }

    /// Whether the live object is exactly what this one would make of it.
    #[must_use]
    pub fn is_applied(&self, held: &Held) -> bool {
        !held.deleting
            && self.uid.as_ref().is_none_or(|uid| *uid == held.uid)
            && held.applied() == Some(&self.digest())
            && held.leaves.contain(&Leaves::of(&self.body))
    }

    pub(crate) fn marked(mut self) -> Value {
        let digest = self.digest();
        self.body["metadata"]["annotations"][labels::APPLIED] = json!(digest);
        self.body
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The object was as it should be.
    Unchanged,
    /// It was written.
    Changed,
}

/// The way to the API server for writes.
pub struct Writer {
    client: Client,
    metrics: Metrics,
    recent: Recent,
}

impl Writer {
    /// A writer that counts what it writes.
    #[must_use]
    pub fn new(client: Client, metrics: Metrics) -> Self {
        Self { client, metrics, recent: Recent::default() }
    }

    /// Whether the caches do not show our own last writes to these objects yet. Whoever decides by them then would
    /// decide by an old view.
    ///
    /// # Errors
    /// When a doubtful object cannot be read.
    pub async fn is_ahead_of(&self, instance: &str, held: &[Arc<Held>]) -> Result<bool, Error> {
        for (object, doubtful) in self.recent.behind(instance, held) {
            if !doubtful {
                return Ok(true);
            }
            // Written a while ago and still not in the caches: somebody else may have deleted it at once, or taken off
            // the label by which it is watched.
            let api = object.kind.api(self.client.clone(), object.namespace.as_deref());
            // As a list of one, by the right that its watch needs anyway.
            let ours = ListParams::default().fields(&format!("metadata.name={}", object.name)).labels(&format!(
                "{}={}",
                labels::MANAGED_BY,
                labels::MANAGER
            ));
            let found = api
                .list_metadata(&ours)
                .await
                .map_err(|error| Error::kube(Step::Observe, format!("reading {}", object.path()), error))?;
            if !found.items.is_empty() {
                return Ok(true);
            }
            self.recent.forget(&object);
        }
        Ok(false)
    }

    /// Makes the live object what `object` says, unless `held` shows that it is.
    ///
    /// # Errors
    /// What the API server says; an old view counts as stale.
    pub async fn apply(&self, object: Object, held: Option<&Held>) -> Result<Written, Error> {
        let doing = format!("applying {object}");
        if let Some(held) = held {
            if object.is_applied(held) {
                return Ok(Written::Unchanged);
            }
            if held.deleting {
                return Err(stale(doing, "it is being deleted"));
            }
        }
        let api = object.kind.api(self.client.clone(), object.namespace.as_deref());
        let (kind, name) = (object.kind, object.name.clone());
        let uid = object.uid.clone().or_else(|| held.map(|held| held.uid.clone()));
        let version = held.filter(|_| object.unseen_writes_refused).map(|held| held.resource_version.clone());
        let mut body = object.marked();
        // With a uid the API server refuses to make the object anew if it is gone.
        if let Some(uid) = uid {
            body["metadata"]["uid"] = json!(uid);
        }
        if let Some(version) = version {
            body["metadata"]["resourceVersion"] = json!(version);
        }
        let mut how = PatchParams::apply(labels::MANAGER).force();
        how.field_validation = Some(ValidationDirective::Strict);
        let written = api
            .patch(&name, &how, &Patch::Apply(&body))
            .await
            .map_err(|error| Error::kube(Step::Apply, doing, error))?;
        self.recent.note(kind, &written.metadata);
        self.metrics.wrote(kind.as_str());
        Ok(Written::Changed)
    }

    /// Makes an object that is made once. `None` when there is one of this name already.
    ///
    /// # Errors
    /// What the API server says.
    pub async fn create(&self, object: Object) -> Result<Option<DynamicObject>, Error> {
        let doing = format!("creating {object}");
        let api = object.kind.api(self.client.clone(), object.namespace.as_deref());
        let kind = object.kind;
        let how = PostParams { field_manager: Some(labels::MANAGER.to_owned()), ..PostParams::default() };
        // A Secret's digest is nobody's business.
        let body = if kind == Kind::Secret { object.body } else { object.marked() };
        let object: DynamicObject =
            serde_json::from_value(body).map_err(|error| Error::new(Step::Apply, doing.clone(), error))?;
        match api.create(&how, &object).await {
            Ok(created) => {
                self.recent.note(kind, &created.metadata);
                self.metrics.wrote(kind.as_str());
                Ok(Some(created))
            }
            Err(error) if is_conflict(&error) => Ok(None),
            Err(error) => Err(Error::kube(Step::Apply, doing, error)),
        }
    }

    /// Deletes exactly the object that was seen; one that is gone already is no error.
    ///
    /// # Errors
    /// What the API server says; an object that changed since counts as stale.
    pub async fn delete(&self, held: &Held) -> Result<Written, Error> {
        if held.deleting {
            return Ok(Written::Unchanged);
        }
        let api = held.kind.api(self.client.clone(), held.namespace.as_deref());
        let how = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(held.uid.clone()),
                resource_version: Some(held.resource_version.clone()),
            }),
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        match api.delete(&held.name, &how).await {
            Ok(_) => {
                self.metrics.wrote(held.kind.as_str());
                Ok(Written::Changed)
            }
            Err(error) if is_not_found(&error) => Ok(Written::Unchanged),
            Err(error) => {
                let doing = format!("deleting {}", held.path());
                Err(Error::kube(Step::Apply, doing, error))
            }
        }
    }
}

fn stale(doing: String, why: &str) -> Error {
    Error { stale: true, ..Error::new(Step::Apply, doing, why.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Object {
        Object::new(
            Kind::Service,
            Some("space"),
            "server",
            &json!({"l": "1"}),
            json!({"spec": {"ports": [{"port": 80}]}}),
        )
    }

    fn live(body: Value) -> Held {
        let mut body = body;
        body["metadata"]["uid"] = json!("u1");
        Held::new(Kind::Service, serde_json::from_value(body).unwrap())
    }

    #[test]
    fn what_was_applied_and_not_touched_is_not_written_again() {
        let held = live(object().marked());
        assert!(object().is_applied(&held));
        let mut defaulted = object().marked();
        defaulted["spec"]["clusterIP"] = json!("10.0.0.1");
        defaulted["spec"]["ports"][0]["protocol"] = json!("TCP");
        defaulted["metadata"]["annotations"]["other"] = json!("x");
        assert!(object().is_applied(&live(defaulted)));
    }

    #[test]
    fn drift_a_new_wish_and_another_uid_are_written() {
        let mut touched = object().marked();
        touched["spec"]["ports"][0]["port"] = json!(81);
        assert!(!object().is_applied(&live(touched)));
        let other = object().annotated("a", "b");
        assert!(!other.is_applied(&live(object().marked())));
        let strict = Object { uid: Some("u2".to_owned()), ..object() };
        assert!(!strict.is_applied(&live(object().marked())));
    }

    #[test]
    fn the_digest_does_not_depend_on_preconditions() {
        let strict = Object { uid: Some("u2".to_owned()), unseen_writes_refused: true, ..object() };
        assert_eq!(strict.digest(), object().digest());
        assert_ne!(object().annotated("a", "b").digest(), object().digest());
    }
}
