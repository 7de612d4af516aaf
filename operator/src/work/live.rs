//! What is read from the API itself, because a watch cache may lag behind, and the few writes that work needs.

use crd::{AccountChange, Export, Instance, labels};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

use super::{ATTEMPT, FINALIZER, Work};
use crate::cache::Ended;
use crate::error::{Error, Step, is_conflict, is_not_found};

/// All exports of an instance that have ever been begun.
///
/// # Errors
/// What the API server says.
pub async fn exports(client: &Client, instance_uid: &str) -> Result<Vec<Export>, Error> {
    of_instance(client, instance_uid).await
}

/// All account changes of an instance that have ever been begun.
///
/// # Errors
/// What the API server says.
pub async fn account_changes(client: &Client, instance_uid: &str) -> Result<Vec<AccountChange>, Error> {
    of_instance(client, instance_uid).await
}

async fn of_instance<K: Work>(client: &Client, instance_uid: &str) -> Result<Vec<K>, Error> {
    let api: Api<K> = Api::all(client.clone());
    let ours = ListParams::default().labels(&format!("{}={instance_uid}", labels::INSTANCE_UID));
    let found = api.list(&ours).await.map_err(|e| {
        Error::kube(Step::Observe, format!("listing every {} of instance {instance_uid}", K::kind(&())), e)
    })?;
    Ok(found.items.into_iter().filter(|work| work.instance_uid() == instance_uid).collect())
}

/// An instance as it is now; `None` when there is none of this name and uid.
///
/// # Errors
/// What the API server says.
pub async fn instance(client: &Client, name: &str, uid: &str) -> Result<Option<Instance>, Error> {
    let api: Api<Instance> = Api::all(client.clone());
    let found =
        api.get_opt(name).await.map_err(|e| Error::kube(Step::Observe, format!("reading Instance {name}"), e))?;
    Ok(found.filter(|instance| instance.uid().as_deref() == Some(uid)))
}

/// Whether a server's Deployment asks for no pod and none of its pods runs any more.
///
/// # Errors
/// What the API server says.
pub async fn server_is_down(client: &Client, namespace: &str) -> Result<bool, Error> {
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let deployment = api
        .get_opt("server")
        .await
        .map_err(|e| Error::kube(Step::Observe, format!("reading Deployment {namespace}/server"), e))?;
    let wanted = deployment.and_then(|found| found.spec).map_or(0, |spec| spec.replicas.unwrap_or(1));
    if wanted != 0 {
        return Ok(false);
    }
    // An evicted pod's object may stay for days; its containers have ended.
    let over = |pod: &Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Failed" | "Succeeded"))
    };
    let pods = pods(client, namespace, &format!("{}=server", labels::ROLE)).await?;
    Ok(pods.iter().all(over))
}

/// All pods of a piece of work, whatever their state.
///
/// # Errors
/// What the API server says.
pub async fn work_pods(client: &Client, namespace: &str, work_uid: &str) -> Result<Vec<Pod>, Error> {
    pods(client, namespace, &format!("{}={work_uid}", labels::WORK_UID)).await
}

/// How the newest pod of a piece of work ended: the container that is called like its role. For when a Job's end is known
/// before its pod's is.
///
/// # Errors
/// What the API server says.
pub async fn work_ended(client: &Client, namespace: &str, work_uid: &str, role: &str) -> Result<Option<Ended>, Error> {
    let mut pods = work_pods(client, namespace, work_uid).await?;
    pods.sort_by_key(|pod| pod.creation_timestamp().map(|time| time.0));
    let statuses =
        pods.pop().and_then(|pod| pod.status).and_then(|status| status.container_statuses).unwrap_or_default();
    let state = statuses.into_iter().find(|status| status.name == role).and_then(|status| status.state);
    Ok(state.and_then(|state| state.terminated).map(|end| Ended {
        container: role.to_owned(),
        code: i64::from(end.exit_code),
        message: end.message.unwrap_or_default(),
    }))
}

async fn pods(client: &Client, namespace: &str, selector: &str) -> Result<Vec<Pod>, Error> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let found = api.list(&ListParams::default().labels(selector)).await;
    Ok(found.map_err(|e| Error::kube(Step::Observe, format!("listing pods {selector} in {namespace}"), e))?.items)
}

/// Makes a Job. Gives the attempt that it is of: ours, or the one that was there.
///
/// # Errors
/// What the API server says, or that a Job of this name is being deleted.
pub async fn create_job(client: &Client, namespace: &str, job: &Job) -> Result<u32, Error> {
    let api: Api<Job> = Api::namespaced(client.clone(), namespace);
    let name = job.name_any();
    let failed = |e| Error::kube(Step::Apply, format!("creating Job {namespace}/{name}"), e);
    let there = match api.create(&PostParams::default(), job).await {
        Ok(created) => created,
        Err(error) if is_conflict(&error) => {
            // As a list of one, by the right that the watch needs anyway.
            let named = ListParams::default().fields(&format!("metadata.name={name}"));
            let Some(found) = api.list(&named).await.map_err(failed)?.items.pop() else {
                return Err(failed(error));
            };
            if found.metadata.deletion_timestamp.is_some() {
                return Err(failed(error));
            }
            found
        }
        Err(error) => return Err(failed(error)),
    };
    Ok(there.labels().get(ATTEMPT).and_then(|text| text.parse().ok()).unwrap_or(1))
}

/// Asks for the deletion of a Job and its pods. The Job stays until its pods are gone. No error when it is gone already.
///
/// # Errors
/// What the API server says.
pub async fn delete_job(client: &Client, namespace: &str, name: &str, uid: &str) -> Result<(), Error> {
    let api: Api<Job> = Api::namespaced(client.clone(), namespace);
    let parameters = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Foreground),
        preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
        ..DeleteParams::default()
    };
    match api.delete(name, &parameters).await {
        Ok(_) => Ok(()),
        Err(error) if is_not_found(&error) => Ok(()),
        Err(error) => Err(Error::kube(Step::Apply, format!("deleting Job {namespace}/{name}"), error)),
    }
}

/// Puts the label by which it is found and the finalizer on a work object.
///
/// # Errors
/// What the API server says.
pub async fn mark<K: Work>(client: &Client, work: &K) -> Result<(), Error> {
    let mut finalizers = work.finalizers().to_vec();
    if !finalizers.iter().any(|name| name == FINALIZER) {
        finalizers.push(FINALIZER.to_owned());
    }
    let change = json!({ "labels": { labels::INSTANCE_UID: work.instance_uid() }, "finalizers": finalizers });
    patch_metadata(client, work, change, "marking").await
}

/// Takes the finalizer off again.
///
/// # Errors
/// What the API server says.
pub async fn release<K: Work>(client: &Client, work: &K) -> Result<(), Error> {
    let finalizers: Vec<_> = work.finalizers().iter().filter(|name| *name != FINALIZER).collect();
    patch_metadata(client, work, json!({ "finalizers": finalizers }), "releasing").await
}

async fn patch_metadata<K: Work>(client: &Client, work: &K, mut change: Value, doing: &str) -> Result<(), Error> {
    let name = work.name_any();
    // A list is replaced whole, so nobody may have changed it since.
    change["resourceVersion"] = json!(work.resource_version());
    let api: Api<K> = Api::all(client.clone());
    let patch = Patch::Merge(json!({ "metadata": change }));
    match api.patch(&name, &PatchParams::default(), &patch).await {
        Ok(_) => Ok(()),
        Err(error) if is_not_found(&error) => Ok(()),
        Err(error) => Err(Error::kube(Step::Apply, format!("{doing} {} {name}", K::kind(&())), error)),
    }
}
