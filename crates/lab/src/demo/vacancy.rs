//! Whether an existing cluster may be used for tests: only when it is empty but for the programs that make it a
//! cluster, or when this very run has begun to use it.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Pod, Service};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::elsewhere::{Named, Place};
use crate::cache::Cache;
use crate::node::kubeconfig;
use crate::tools::Progress;

/// On the platform's namespace in a cluster that is used for tests: the run that uses it.
const RUN: &str = "steppe.host/test-run";
/// What Kubernetes itself puts into `default`.
const OF_KUBERNETES: &str = "kubernetes";

/// What was found in a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Found {
    namespaces: BTreeSet<String>,
    /// The run that the platform's namespace says it belongs to.
    run: Option<String>,
    /// What lies in `default`, as `Kind name`.
    in_default: Vec<String>,
    /// Definitions of ours.
    definitions: Vec<String>,
}

/// Checks that the cluster is there and may be used by `run`. Changes nothing.
///
/// # Errors
/// When the context is unknown or somebody uses the cluster; the error names what was found there.
pub async fn vacant(named: &Named<'_>, run: Option<&str>, cache: &Cache, progress: &mut dyn Progress) -> Result<()> {
    let place = Place::read(named.place)?;
    progress.step(&format!("Looking whether {} is empty", named.context));
    let work = tempfile::tempdir()?;
    let client = kubeconfig::client(&named.only(cache, work.path(), progress).await?).await?;
    check(named.context, &look(&client).await?, &place, run)
}

/// Writes down that `run` uses the cluster, before anything else is made there.
pub(super) async fn occupy(client: &Client, named: &Named<'_>, place: &Place, run: &str) -> Result<()> {
    let found = look(client).await?;
    check(named.context, &found, place, Some(run))?;
    if found.run.is_some() {
        return Ok(());
    }
    let metadata = json!({ "name": crd::labels::SYSTEM_NAMESPACE, "annotations": { RUN: run } });
    let namespace = serde_json::from_value(json!({ "metadata": metadata }))?;
    let made = Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await;
    made.map(drop).context("making the platform's namespace")
}

fn check(cluster: &str, found: &Found, place: &Place, run: Option<&str>) -> Result<()> {
    if run.is_some() && found.run.as_deref() == run {
        return Ok(());
    }
    let mut what: Vec<String> = Vec::new();
    let stranger = |name: &&String| !place.is_system(name);
    what.extend(found.namespaces.iter().filter(stranger).map(|name| format!("namespace {name}")));
    what.extend(found.in_default.iter().map(|object| format!("{object} in default")));
    what.extend(found.definitions.iter().map(|name| format!("definition {name}")));
    if what.is_empty() {
        return Ok(());
    }
    bail!(
        "the cluster {cluster} is not empty, so no test is run on it: {}. Name another one; namespaces of the cluster's \
         own programs are told by `systemNamespaces` in the file of STEPPE_TEST_PLACE",
        what.join(", ")
    )
}

async fn look(client: &Client) -> Result<Found> {
    let namespaces = Api::<Namespace>::all(client.clone()).list(&ListParams::default()).await.context("namespaces")?;
    let ours = |namespace: &&Namespace| namespace.name_any() == crd::labels::SYSTEM_NAMESPACE;
    let run = namespaces.items.iter().find(ours).and_then(|namespace| namespace.annotations().get(RUN).cloned());
    let mut in_default = Vec::new();
    in_default.extend(names::<Pod>(client).await?);
    in_default.extend(names::<Deployment>(client).await?);
    in_default.extend(names::<StatefulSet>(client).await?);
    in_default.extend(names::<DaemonSet>(client).await?);
    in_default.extend(names::<Job>(client).await?);
    in_default.extend(names::<CronJob>(client).await?);
    in_default.extend(names::<PersistentVolumeClaim>(client).await?);
    in_default.extend(names::<Service>(client).await?);
    in_default.retain(|object| *object != format!("Service {OF_KUBERNETES}"));
    let definitions = Api::<CustomResourceDefinition>::all(client.clone());
    let definitions = definitions.list_metadata(&ListParams::default()).await.context("definitions")?;
    let definitions = definitions.items.iter().map(kube::ResourceExt::name_any);
    Ok(Found {
        namespaces: namespaces.items.iter().map(kube::ResourceExt::name_any).collect(),
        run,
        in_default,
        definitions: definitions.filter(|name| name.ends_with(&format!(".{}", crd::GROUP))).collect(),
    })
}

async fn names<K>(client: &Client) -> Result<Vec<String>>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned,
    K: std::fmt::Debug,
{
    let kind = K::kind(&());
    let api: Api<K> = Api::namespaced(client.clone(), "default");
    let all = api.list_metadata(&ListParams::default()).await.with_context(|| format!("objects of kind {kind}"))?;
    Ok(all.items.iter().map(|object| format!("{kind} {}", object.name_any())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        let text = json!({
            "cell": { "ingress": { "className": "nginx", "namespace": "ingress-nginx" } },
            "address": "203.0.113.7", "authority": "ca.crt", "accessKeyFile": "a", "secretKeyFile": "s",
            "purgerAccessKeyFile": "a", "purgerSecretKeyFile": "s",
            "systemNamespaces": ["local-path-storage"],
        });
        serde_json::from_value(text).unwrap()
    }

    fn found(namespaces: &[&str], change: impl FnOnce(&mut Found)) -> Found {
        let system =
            ["default", "kube-system", "kube-public", "kube-node-lease", "ingress-nginx", "local-path-storage"];
        let namespaces = system.iter().chain(namespaces).map(|name| (*name).to_owned()).collect();
        let mut found = Found { namespaces, ..Found::default() };
        change(&mut found);
        found
    }

    #[test]
    fn the_programs_that_make_it_a_cluster_are_no_reason() {
        check("one", &found(&[], |_| ()), &place(), None).unwrap();
        check("one", &found(&[], |_| ()), &place(), Some("run")).unwrap();
    }

    #[test]
    fn whoever_is_there_already_is_named() {
        let others = found(&["shop", "blog"], |found| {
            found.in_default = vec!["Deployment web".to_owned()];
            found.definitions = vec!["instances.steppe.host".to_owned()];
        });
        let error = check("one", &others, &place(), Some("run")).unwrap_err().to_string();
        for name in ["one", "namespace shop", "namespace blog", "Deployment web in default", "instances.steppe.host"] {
            assert!(error.contains(name), "{name} is not in {error}");
        }
        assert!(!error.contains("ingress-nginx") && !error.contains("kube-"), "{error}");
    }

    #[test]
    fn a_cluster_belongs_to_the_run_that_found_it_empty() {
        let ours = found(&[crd::labels::SYSTEM_NAMESPACE, "steppe-t-a"], |found| found.run = Some("run".to_owned()));
        check("one", &ours, &place(), Some("run")).unwrap();
        for other in [Some("another"), None] {
            let error = check("one", &ours, &place(), other).unwrap_err().to_string();
            assert!(error.contains("steppe-t-a"), "{error}");
        }
        let unmarked = Found { run: None, ..ours };
        assert!(check("one", &unmarked, &place(), None).is_err(), "no run is not the run of an unmarked cluster");
    }
}
