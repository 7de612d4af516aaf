//! Destroying, one thing at a time. Each write names the uid and the version of what was seen, so that it touches nothing
//! else.

use crd::{Instance, labels};
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use super::Purger;
use super::decide::NamespaceSeen;
use super::destroy::{InstanceSeen, Next, Scene, VolumeSeen, pause_mark};
use super::mark::PURGE_UID;
use crate::error::{Error, Step, is_not_found};

fn failed(doing: String) -> impl FnOnce(kube::Error) -> Error {
    move |error| Error::kube(Step::Apply, doing, error)
}

/// A thing that is gone already is as gone as it was to be.
fn gone<T>(result: Result<T, kube::Error>) -> Result<(), kube::Error> {
    match result {
        Ok(_) => Ok(()),
        Err(error) if is_not_found(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

fn exactly(uid: &str, version: Option<&str>) -> DeleteParams {
    DeleteParams::default()
        .preconditions(Preconditions { uid: Some(uid.to_owned()), resource_version: version.map(str::to_owned) })
}

impl Purger {
    /// Does the next thing. Whether something was done; if not, the cluster has to do something first.
    pub(super) async fn act(&self, uid: &str, scene: &Scene, next: &Next) -> Result<bool, Error> {
        match next {
            Next::Pause => {
                if let Some(instance) = &scene.instance {
                    self.pause(uid, instance, Some(&pause_mark(&scene.purge))).await?;
                }
            }
            Next::DeleteNamespace(namespace) => self.delete_namespace(namespace).await?,
            Next::Release(volume) => self.release(volume, scene).await?,
            Next::DeleteObjects(keys) => self.delete_objects(keys).await?,
            Next::RemoveInstance(instance) => self.remove_instance(uid, instance).await?,
            Next::Unhold(instance) => self.unhold(uid, instance).await?,
            Next::AwaitPause | Next::AwaitNamespace(_) | Next::AwaitVolume(_) | Next::Finish => return Ok(false),
        }
        Ok(true)
    }

    /// Sets or takes away the annotation that stops the operator.
    pub(super) async fn pause(&self, uid: &str, instance: &InstanceSeen, mark: Option<&str>) -> Result<(), Error> {
        let patch = json!({ "metadata": {
            "uid": uid, "resourceVersion": instance.version, "annotations": { labels::PAUSED: mark },
        } });
        let api: Api<Instance> = Api::all(self.client.clone());
        let result = api.patch(&instance.name, &PatchParams::default(), &Patch::Merge(patch)).await;
        gone(result).map_err(failed(format!("pausing instance {}", instance.name)))
    }

    async fn delete_namespace(&self, namespace: &NamespaceSeen) -> Result<(), Error> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let result = api.delete(&namespace.name, &exactly(&namespace.uid, None)).await;
        gone(result).map_err(failed(format!("deleting namespace {}", namespace.name)))
    }

    async fn release(&self, volume: &VolumeSeen, scene: &Scene) -> Result<(), Error> {
        let mut patch = json!({ "metadata": {
            "uid": volume.uid, "resourceVersion": volume.version, "annotations": { PURGE_UID: scene.purge },
        } });
        if scene.proven {
            patch["spec"] = json!({ "persistentVolumeReclaimPolicy": "Delete" });
        }
        let api: Api<PersistentVolume> = Api::all(self.client.clone());
        let result = api.patch(&volume.name, &PatchParams::default(), &Patch::Merge(patch)).await;
        gone(result).map_err(failed(format!("releasing volume {}", volume.name)))
    }

    pub(super) async fn delete_objects(&self, keys: &[String]) -> Result<(), Error> {
        for key in keys {
            let result = self.store.delete(key).await;
            result.map_err(|error| Error::new(Step::Apply, format!("deleting {key}"), error))?;
        }
        Ok(())
    }

    async fn remove_instance(&self, uid: &str, instance: &InstanceSeen) -> Result<(), Error> {
        self.expect_one_less().await?;
        let api: Api<Instance> = Api::all(self.client.clone());
        let result = api.delete(&instance.name, &exactly(uid, Some(&instance.version))).await;
        gone(result).map_err(failed(format!("deleting instance {}", instance.name)))
    }

    /// Before the list of instances gets shorter, the cell is told that it will.
    async fn expect_one_less(&self) -> Result<(), Error> {
        let found = self.instances().await?;
        let found = found.map_err(|trip| Error::new(Step::Observe, "counting the instances", trip))?;
        let left = u32::try_from(found.len().saturating_sub(1)).unwrap_or(u32::MAX);
        self.record_instances(left).await
    }

    async fn unhold(&self, uid: &str, seen: &InstanceSeen) -> Result<(), Error> {
        let api: Api<Instance> = Api::all(self.client.clone());
        let doing = || format!("taking the finalizer off instance {}", seen.name);
        let Some(instance) = api.get_opt(&seen.name).await.map_err(failed(doing()))? else {
            return Ok(());
        };
        self.expect_one_less().await?;
        let left: Vec<&String> = instance.finalizers().iter().filter(|name| *name != labels::KEEP_FINALIZER).collect();
        let patch = json!({ "metadata": { "uid": uid, "resourceVersion": seen.version, "finalizers": left } });
        let result = api.patch(&seen.name, &PatchParams::default(), &Patch::Merge(patch)).await;
        gone(result).map_err(failed(doing()))
    }
}
