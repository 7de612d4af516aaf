//! What a server was born with goes missing, in all the ways people manage that: it is stopped and says so, nothing is
//! made anew, and it goes on as the same server once everything is back.
#![cfg(test)]

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use crd::{Instance, Mode, condition};
use e2e::node;
use e2e::node::tenant::{self, Belongings, Tenant};
use e2e::node::visit::held;
use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicyBinding;
use k8s_openapi::api::core::v1::{Event, Namespace, PersistentVolume, PersistentVolumeClaim, Pod, Secret};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Resource, ResourceExt as _};
use lab::demo::{self, Living};
use lab::journey::Site;
use lab::node::Ground;
use lab::wait;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);
const READY: Duration = Duration::from_secs(180);
const POST: &str = "a nest of one's own";

/// A server with a post, and what it was before anything happened to it.
struct Nest<'a> {
    site: &'a Site,
    tenant: Tenant,
    living: Living,
    things: Belongings,
    born: Instance,
}

impl<'a> Nest<'a> {
    async fn build(ground: &Ground, site: &'a Site, word: &str) -> Result<Self> {
        let order = site.order(&format!("{word}-{}", lab::journey::stamp()), "ivo").await?;
        site.ready(&order, READY).await?;
        let living = demo::log_in(site, order).await?;
        site.app(&living.order).post(&living.token, POST).await?;
        let tenant = Tenant::of(ground, site, &living.order.name);
        let (things, born) = (tenant.belongings().await?, tenant.instance().await?);
        Ok(Self { site, tenant, living, things, born })
    }

    /// Waits until the operator says that something is missing; checks its word and its sentence.
    async fn missing(&self, reason: &str, words: &[&str]) -> Result<()> {
        let so = |instance: &Instance| {
            let found = tenant::condition(instance, condition::IDENTITY_MISSING);
            found.is_some_and(|found| found.is_true() && found.reason == reason)
        };
        let instance = self.tenant.until(reason, LIMIT, so).await?;
        let found = tenant::condition(&instance, condition::IDENTITY_MISSING).context("no condition")?;
        for word in words {
            ensure!(found.message.contains(word), "{reason} does not speak of {word:?}: {}", found.message);
        }
        self.stands_still().await.with_context(|| reason.to_owned())
    }

    /// Waits until the node has forgotten the server's pods. The identity Secret is immutable: the kubelet looks at it once
    /// and gives that copy to each new pod for as long as any pod that uses it is known to the node.
    async fn forgotten(&self) -> Result<()> {
        wait::until("the end of the server's pods", LIMIT, async || {
            Ok(self.tenant.pods("server").await?.is_empty().then_some(()))
        })
        .await
    }

    /// It is down, visitors are told to come again, and somebody is told why.
    async fn stands_still(&self) -> Result<()> {
        let stopped = |instance: &Instance| {
            let found = tenant::condition(instance, condition::STOPPED);
            found.is_some_and(|found| found.is_true() && found.reason == "IdentityMissing")
        };
        self.tenant.until("to stop", LIMIT, stopped).await?;
        ensure!(self.tenant.live_pods("server").await?.is_empty(), "a pod serves without its identity");
        held(self.site, &self.living.order.host).await?;
        let events: Api<Event> = Api::default_namespaced(self.tenant.client.clone());
        let about = format!("involvedObject.name={},reason=IdentityMissing", self.tenant.name);
        let events = events.list(&ListParams::default().fields(&about)).await?.items;
        ensure!(!events.is_empty(), "no event says why {} is stopped", self.tenant.name);
        self.tenant.idle().await
    }

    /// It is the server it was.
    async fn is_back(&self) -> Result<()> {
        self.site.ready(&self.living.order, READY).await?;
        let app = self.site.app(&self.living.order);
        let account = app.verify(&self.living.token).await.context("the token made before")?;
        ensure!(account.account == "ivo", "{account:?}");
        app.home_with(&self.living.token, POST, 10).await?;
        let (now, then) = (fingerprint(&self.tenant.instance().await?)?, fingerprint(&self.born)?);
        ensure!(now == then, "the key changed from {then} to {now}");
        Ok(())
    }

    /// What the conditions tell people to do once the content is back.
    async fn start_again(&self) -> Result<()> {
        self.site.set_mode(&self.living.order, Mode::Frozen).await?;
        self.site.until_condition(&self.living.order, condition::STOPPED, LIMIT).await?;
        self.site.set_mode(&self.living.order, Mode::Running).await
    }

    /// Writes down, as a person does, that something is the old one under a new uid.
    async fn record(&self, field: &str, uid: &str) -> Result<()> {
        let patch = json!({ "status": { "identity": { field: uid } } });
        let (instances, merge) = (self.tenant.instances(), Patch::Merge(patch));
        instances.patch_status(&self.tenant.name, &PatchParams::default(), &merge).await?;
        Ok(())
    }
}

fn fingerprint(instance: &Instance) -> Result<String> {
    let identity = instance.status.as_ref().and_then(|status| status.identity.as_ref());
    Ok(identity.context("no identity is recorded")?.fingerprint.clone())
}

/// Moves all that is in one folder to another.
fn move_all(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)?.flatten() {
        std::fs::rename(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

#[test]
fn a_volume_that_was_emptied_is_not_filled_anew() {
    node::test(async |ground, cell| {
        let nest = Nest::build(ground, &cell.site, "empty").await?;
        let (folder, aside) =
            (nest.tenant.folder().await?, ground.state_dir.join(format!("aside-{}", nest.tenant.name)));
        move_all(&folder, &aside)?;
        nest.tenant.kill_server().await?;
        nest.missing("ContentReplaced", &["identity.json", "empty", "Bring the data back"]).await?;
        let made: Vec<_> = std::fs::read_dir(&folder)?.flatten().map(|entry| entry.path()).collect();
        ensure!(made.is_empty(), "these were made anew: {made:?}");
        // Frozen and thawed by somebody who did not read: the same again.
        nest.start_again().await?;
        nest.missing("ContentReplaced", &["identity.json"]).await?;
        let now = nest.tenant.belongings().await?;
        ensure!(now == nest.things, "{now:?} instead of {:?}", nest.things);

        move_all(&aside, &folder)?;
        std::fs::remove_dir(&aside)?;
        nest.start_again().await?;
        nest.is_back().await?;
        let now = nest.tenant.belongings().await?;
        ensure!(now == nest.things, "{now:?} instead of {:?}", nest.things);
        Ok(())
    });
}

/// The admission policy that keeps claims and identities, out of the way until [`Careless::end`].
struct Careless {
    bindings: Api<ValidatingAdmissionPolicyBinding>,
    binding: ValidatingAdmissionPolicyBinding,
}

impl Careless {
    async fn begin(nest: &Nest<'_>) -> Result<Self> {
        let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(nest.tenant.client.clone());
        let binding = bindings.get("steppe-keep-claims").await?;
        bindings.delete("steppe-keep-claims", &DeleteParams::default()).await?;
        let secrets = nest.tenant.api::<Secret>();
        wait::until("the policy to be out of force", LIMIT, async || {
            let dry = DeleteParams { dry_run: true, ..DeleteParams::default() };
            Ok(secrets.delete("identity", &dry).await.is_ok().then_some(()))
        })
        .await?;
        Ok(Self { bindings, binding })
    }

    async fn end(mut self) -> Result<()> {
        let meta = &mut self.binding.metadata;
        (meta.uid, meta.resource_version, meta.managed_fields, meta.creation_timestamp) = (None, None, None, None);
        self.bindings.create(&PostParams::default(), &self.binding).await?;
        Ok(())
    }
}

/// Deletes that must be refused with a sentence that shows the way.
async fn refused_deletes(nest: &Nest<'_>) -> Result<()> {
    let tenant = &nest.tenant;
    let all = tenant.client.clone();
    let volume = tenant.volume().await?;
    refused(&tenant.api::<PersistentVolumeClaim>(), "data").await?;
    refused(&tenant.api::<Secret>(), "identity").await?;
    refused(&Api::<PersistentVolume>::all(all.clone()), &volume).await?;
    refused(&Api::<Namespace>::all(all), &tenant.space).await?;
    refused(&tenant.instances(), &tenant.name).await
}

async fn refused<K>(api: &Api<K>, name: &str) -> Result<()>
where
    K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    match api.delete(name, &DeleteParams::default()).await {
        Err(kube::Error::Api(status)) if status.code == 403 => {
            ensure!(status.message.contains("make a Purge"), "{name}: {}", status.message);
            Ok(())
        }
        Err(error) => bail!("{name}: {error}"),
        Ok(_) => bail!("{name} could be deleted"),
    }
}

/// An object without what the API server gave it.
fn bare<K: Resource + serde::Serialize>(object: &K) -> Result<Value> {
    let mut value = serde_json::to_value(object)?;
    let meta = value["metadata"].as_object_mut().context("no metadata")?;
    meta.retain(|key, _| ["name", "namespace", "labels", "annotations"].contains(&key.as_str()));
    Ok(value)
}

/// A new operator knows nothing of what the last one had seen.
async fn new_operator(site: &Site) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(site.client.clone(), crd::labels::SYSTEM_NAMESPACE);
    let list = ListParams::default().labels("app.kubernetes.io/component=operator");
    pods.delete_collection(&DeleteParams::default(), &list).await?;
    Ok(())
}

/// Deletes the Secret under the running server, brings back another one, and then the right one.
async fn lose_the_secret(nest: &Nest<'_>) -> Result<()> {
    let secrets = nest.tenant.api::<Secret>();
    let copy = bare(&secrets.get("identity").await?)?;
    secrets.delete("identity", &DeleteParams::default()).await?;
    new_operator(nest.site).await?;
    nest.missing("SecretMissing", &["identity", "backup", "status.identity"]).await?;
    ensure!(secrets.get_opt("identity").await?.is_none(), "an identity Secret was made anew");
    nest.forgotten().await?;

    let mut other = copy.clone();
    other["data"] = json!(null);
    other["stringData"] = json!({ "birth-id": "ab".repeat(32) });
    let other = secrets.create(&PostParams::default(), &serde_json::from_value(other)?).await?;
    nest.record("secretUid", &other.uid().unwrap_or_default()).await?;
    nest.missing("ContentReplaced", &["not born with the identity Secret"]).await?;
    nest.forgotten().await?;

    secrets.delete("identity", &DeleteParams::default()).await?;
    let back = secrets.create(&PostParams::default(), &serde_json::from_value(copy)?).await?;
    nest.record("secretUid", &back.uid().unwrap_or_default()).await?;
    nest.start_again().await?;
    nest.is_back().await
}

/// Deletes the claim under the running server, puts another one in its place, and then the old volume under a new claim.
async fn lose_the_claim(nest: &Nest<'_>) -> Result<()> {
    let (claims, volume) = (nest.tenant.api::<PersistentVolumeClaim>(), nest.tenant.volume().await?);
    let old = claims.get("data").await?;
    claims.delete("data", &DeleteParams::default()).await?;
    let told = |instance: &Instance| {
        let found = tenant::condition(instance, condition::IDENTITY_MISSING);
        found.is_some_and(|found| found.reason == "VolumeClaimTerminating")
    };
    nest.tenant.until("to say that its claim goes", LIMIT, told).await?;
    nest.is_back().await.context("while its claim is going")?;
    nest.tenant.kill_server().await?;
    nest.missing("VolumeClaimMissing", &["data", &volume, "retained", "status.identity"]).await?;
    ensure!(claims.get_opt("data").await?.is_none(), "a claim was made anew");

    let mut other = bare(&old)?;
    other["status"] = json!(null);
    other["metadata"]["annotations"] = json!(null);
    other["spec"]["volumeName"] = json!(null);
    claims.create(&PostParams::default(), &serde_json::from_value(other.clone())?).await?;
    nest.missing("VolumeClaimReplaced", &["data", &volume]).await?;
    claims.delete("data", &DeleteParams::default()).await?;
    nest.missing("VolumeClaimMissing", &[&volume]).await?;

    let volumes: Api<PersistentVolume> = Api::all(nest.tenant.client.clone());
    let free = json!({ "spec": { "claimRef": { "uid": null, "resourceVersion": null } } });
    volumes.patch(&volume, &PatchParams::default(), &Patch::Merge(free)).await?;
    other["spec"]["volumeName"] = json!(volume);
    let back = claims.create(&PostParams::default(), &serde_json::from_value(other)?).await?;
    nest.record("volumeClaimUid", &back.uid().unwrap_or_default()).await?;
    nest.is_back().await
}

#[test]
fn claim_and_secret_cannot_be_deleted_and_if_they_are_nothing_takes_their_place() {
    node::test(async |ground, cell| {
        let nest = Nest::build(ground, &cell.site, "parts").await?;
        refused_deletes(&nest).await?;
        let careless = Careless::begin(&nest).await?;
        let done = async {
            lose_the_secret(&nest).await.context("the Secret")?;
            lose_the_claim(&nest).await.context("the claim")
        };
        let done = done.await;
        careless.end().await?;
        done?;
        let now = nest.tenant.belongings().await?;
        ensure!(
            (now.volumes, now.folders) == (nest.things.volumes.clone(), nest.things.folders.clone()),
            "there are other volumes now"
        );
        ensure!((now.claims.len(), now.secrets.len()) == (1, nest.things.secrets.len()), "{:?}", nest.things);
        Ok(())
    });
}
