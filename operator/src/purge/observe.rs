//! Looking: everything a purge hangs on, read live from the API server and never from a cache.

use crd::{AccountChange, Cell, Export, Instance, Purge, condition, labels};
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume, Pod};
use kube::api::ListParams;
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use super::Purger;
use super::breaker::Trip;
use super::decide::NamespaceSeen;
use super::destroy::{InstanceSeen, Scene, VolumeSeen};
use super::mark::PURGE_UID;
use crate::error::{Error, Step};
use crate::store::layout;

/// The objects of the whole cell that decisions look at.
#[derive(Debug, Default)]
pub struct World {
    /// All exports, whatever the selector.
    pub exports: Vec<Export>,
    /// All account changes, whatever the selector.
    pub account_changes: Vec<AccountChange>,
}

/// One server as it is now.
#[derive(Debug, Default)]
pub struct Server {
    /// The instance of the name in the purge, whatever its uid.
    pub instance: Option<Instance>,
    /// The namespace of that name, whoever's it is.
    pub namespace: Option<NamespaceSeen>,
}

/// All objects of a kind, in pages, as the majority of etcd has them.
pub(super) async fn all<K>(api: &Api<K>, selector: Option<&str>) -> Result<Vec<K>, kube::Error>
where
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    let mut params = ListParams::default().limit(500);
    if let Some(selector) = selector {
        params = params.labels(selector);
    }
    let mut found = Vec::new();
    loop {
        let page = api.list(&params).await?;
        found.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(found),
        }
    }
}

fn api<K: Resource<DynamicType = ()>>(client: &Client) -> Api<K> {
    Api::all(client.clone())
}

fn failed(doing: &str) -> impl FnOnce(kube::Error) -> Error {
    move |error| Error::kube(Step::Observe, doing, error)
}

impl Purger {
    /// The cell, if it exists.
    pub(super) async fn cell(&self) -> Result<Option<Cell>, Error> {
        let cell = api::<Cell>(&self.client).get_opt(labels::CELL).await;
        cell.map_err(failed("reading Cell cell"))
    }

    /// Which cluster this is.
    pub(super) async fn cluster_uid(&self) -> Result<String, Error> {
        let namespaces = api::<Namespace>(&self.client);
        let system = namespaces.get("kube-system").await.map_err(failed("reading namespace kube-system"))?;
        Ok(system.uid().unwrap_or_default())
    }

    /// All purges that match the selector, oldest first.
    pub(super) async fn purges(&self) -> Result<Vec<Purge>, Error> {
        let mut purges: Vec<Purge> =
            all(&api(&self.client), self.config.selector.as_deref()).await.map_err(failed("listing purges"))?;
        purges.sort_by_key(|purge| (purge.creation_timestamp(), purge.name_any()));
        Ok(purges)
    }

    /// All instances that match the selector. The inner error is a refusal of the API server, which opens the breaker.
    pub(super) async fn instances(&self) -> Result<Result<Vec<Instance>, Trip>, Error> {
        match all(&api(&self.client), self.config.selector.as_deref()).await {
            Ok(instances) => Ok(Ok(instances)),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(Err(Trip::ListForbidden(status.message.clone()))),
            Err(error) => Err(failed("listing instances")(error)),
        }
    }

    /// Work of all instances.
    pub(super) async fn world(&self) -> Result<World, Error> {
        Ok(World {
            exports: all(&api(&self.client), None).await.map_err(failed("listing exports"))?,
            account_changes: all(&api(&self.client), None).await.map_err(failed("listing account changes"))?,
        })
    }

    /// What there is of the server that a purge names.
    pub(super) async fn server(&self, purge: &Purge) -> Result<Server, Error> {
        let name = &purge.spec.instance_ref.name;
        let instance = api::<Instance>(&self.client).get_opt(name).await.map_err(failed("reading the instance"))?;
        let namespace = self.namespace(&format!("{}{name}", self.config.namespace_prefix)).await?;
        Ok(Server { instance, namespace })
    }

    async fn namespace(&self, name: &str) -> Result<Option<NamespaceSeen>, Error> {
        let namespaces = api::<Namespace>(&self.client);
        let Some(namespace) = namespaces.get_opt(name).await.map_err(failed("reading the tenant's namespace"))? else {
            return Ok(None);
        };
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), name);
        let pods = all(&pods, None).await.map_err(failed("listing the tenant's pods"))?;
        let ended = |pod: &Pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            matches!(phase, Some("Succeeded" | "Failed"))
        };
        Ok(Some(NamespaceSeen {
            name: name.to_owned(),
            uid: namespace.uid().unwrap_or_default(),
            instance_uid: namespace.labels().get(labels::INSTANCE_UID).cloned(),
            terminating: namespace.metadata.deletion_timestamp.is_some(),
            pods: pods.iter().filter(|pod| !ended(pod)).map(kube::ResourceExt::name_any).collect(),
        }))
    }

    /// What is left of a server whose purge has begun. `export` made the bundle that stays, if one does.
    pub(super) async fn scene(&self, purge: &Purge, server: &Server, export: Option<&str>) -> Result<Scene, Error> {
        let uid = &purge.spec.instance_ref.uid;
        let mark = purge.uid().unwrap_or_default();
        let instance = server.instance.as_ref().filter(|instance| instance.uid().as_ref() == Some(uid));
        let claim = instance.and_then(|instance| {
            let identity = instance.status.as_ref()?.identity.as_ref()?;
            Some(identity.volume_claim_uid.clone())
        });
        let namespace = format!("{}{}", self.config.namespace_prefix, purge.spec.instance_ref.name);
        let volumes = all(&api::<PersistentVolume>(&self.client), None).await.map_err(failed("listing volumes"))?;
        let proven = export.is_some();
        let ours = Ours { namespace: &namespace, instance_uid: uid, claim_uid: claim.as_deref(), purge_uid: &mark };
        let volumes = volumes.iter().filter(|volume| ours.is(volume)).map(|volume| ours.see(volume, proven)).collect();
        Ok(Scene {
            proven,
            instance: instance.map(see_instance),
            namespace: server.namespace.clone().filter(|namespace| namespace.instance_uid.as_ref() == Some(uid)),
            volumes,
            leavings: match export {
                Some(export) => self.leavings(uid, export).await?,
                None => Vec::new(),
            },
            purge: mark,
        })
    }

    /// Objects of all bundles of an instance but the one that stays.
    async fn leavings(&self, instance_uid: &str, stays: &str) -> Result<Vec<String>, Error> {
        let failed =
            |error| Error::new(Step::Observe, format!("listing the bundles of instance {instance_uid}"), error);
        let mut keys = Vec::new();
        let (stays_key, stays_folder) = (layout::bundle_key(instance_uid, stays), layout::bundle(instance_uid, stays));
        for meta in self.store.list(&format!("keys/{instance_uid}/")).await.map_err(failed)? {
            if meta.key != stays_key {
                keys.push(meta.key);
            }
        }
        for meta in self.store.list(&layout::bundles(instance_uid)).await.map_err(failed)? {
            if !meta.key.starts_with(&stays_folder) {
                keys.push(meta.key);
            }
        }
        Ok(super::expiry::order(keys))
    }
}

fn see_instance(instance: &Instance) -> InstanceSeen {
    let conditions = instance.status.as_ref().map(|status| status.conditions.as_slice());
    InstanceSeen {
        name: instance.name_any(),
        version: instance.resource_version().unwrap_or_default(),
        paused_by: instance.annotations().get(labels::PAUSED).cloned(),
        paused: condition::is_true(conditions.unwrap_or_default(), condition::PAUSED),
        deleted: instance.metadata.deletion_timestamp.is_some(),
    }
}

/// By what a volume is known to be the server's. Its namespace's name alone is not enough: a volume of an earlier server
/// of that name may still be there.
struct Ours<'a> {
    namespace: &'a str,
    instance_uid: &'a str,
    claim_uid: Option<&'a str>,
    purge_uid: &'a str,
}

impl Ours<'_> {
    fn is(&self, volume: &PersistentVolume) -> bool {
        let claim = volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref());
        let claim_uid = claim.and_then(|claim| claim.uid.as_deref());
        let label = volume.labels().get(labels::INSTANCE_UID).map(String::as_str);
        claim.and_then(|claim| claim.namespace.as_deref()) == Some(self.namespace)
            && (label == Some(self.instance_uid)
                || (claim_uid.is_some() && claim_uid == self.claim_uid)
                || self.is_marked(volume))
    }

    fn is_marked(&self, volume: &PersistentVolume) -> bool {
        volume.annotations().get(PURGE_UID).map(String::as_str) == Some(self.purge_uid)
    }

    fn see(&self, volume: &PersistentVolume, proven: bool) -> VolumeSeen {
        let policy = volume.spec.as_ref().and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref());
        let status = volume.status.as_ref();
        let failed = status.filter(|status| status.phase.as_deref() == Some("Failed"));
        VolumeSeen {
            name: volume.name_any(),
            uid: volume.uid().unwrap_or_default(),
            version: volume.resource_version().unwrap_or_default(),
            released: self.is_marked(volume) && (!proven || policy == Some("Delete")),
            trouble: failed.map(|status| status.message.clone().unwrap_or_else(|| "Failed".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn volume(namespace: &str, claim_uid: &str, label: Option<&str>, mark: Option<&str>) -> PersistentVolume {
        let mut value = json!({
            "metadata": { "name": "pv", "labels": {}, "annotations": {} },
            "spec": { "claimRef": { "namespace": namespace, "uid": claim_uid }, "persistentVolumeReclaimPolicy": "Retain" },
        });
        if let Some(label) = label {
            value["metadata"]["labels"][labels::INSTANCE_UID] = label.into();
        }
        if let Some(mark) = mark {
            value["metadata"]["annotations"][PURGE_UID] = mark.into();
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_volume_of_an_earlier_server_of_the_name_is_not_ours() {
        let ours = Ours { namespace: "steppe-t-birds", instance_uid: "i", claim_uid: Some("c"), purge_uid: "p" };
        for (volume, expected) in [
            (volume("steppe-t-birds", "c", None, None), true),
            (volume("steppe-t-birds", "x", Some("i"), None), true),
            (volume("steppe-t-birds", "x", None, Some("p")), true),
            (volume("steppe-t-birds", "x", None, None), false),
            (volume("steppe-t-birds", "x", Some("old"), Some("old")), false),
            (volume("steppe-t-other", "c", Some("i"), Some("p")), false),
        ] {
            assert_eq!(ours.is(&volume), expected, "{volume:?}");
        }
        let unborn = Ours { claim_uid: None, ..ours };
        assert!(!unborn.is(&volume("steppe-t-birds", "x", None, None)));
    }

    #[test]
    fn a_volume_is_released_when_marked_and_allowed_to_go() {
        let ours = Ours { namespace: "n", instance_uid: "i", claim_uid: None, purge_uid: "p" };
        let mut volume = volume("n", "c", None, Some("p"));
        assert!(!ours.see(&volume, true).released);
        assert!(ours.see(&volume, false).released);
        volume.spec.as_mut().unwrap().persistent_volume_reclaim_policy = Some("Delete".into());
        assert!(ours.see(&volume, true).released);
    }
}
