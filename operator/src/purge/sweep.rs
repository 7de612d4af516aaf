//! Sweeping: bundles that have had their day, what a purged server left behind, and old work objects.

use std::collections::{BTreeMap, BTreeSet};

use crd::{AccountChange, Export, Instance, Phase, Purge, cell::ObjectStore};
use jiff::{SignedDuration, Timestamp};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::expiry::{self, Keep, Shelf};
use super::{Purger, decide};
use crate::error::{Error, Step, is_not_found};
use crate::store::layout;

/// How long the record of an export is kept after its bundle, or its failure.
const EXPORTS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long the record of an account change is kept.
const ACCOUNT_CHANGES: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Purger {
    /// Removes what has had its day. While the breaker is open, nothing.
    ///
    /// # Errors
    /// When the API server or the object store failed; the next sweep goes on.
    pub async fn sweep(&self) -> Result<(), Error> {
        let found = self.count().await?;
        let (Some(cell), Ok(())) = (&found.cell, decide::cell(found.cell.as_ref(), &found.cluster_uid)) else {
            return Ok(());
        };
        self.reach(&cell.spec.object_store, cell.spec.trust_bundle.as_deref())?;
        let Ok(instances) = self.instances().await? else {
            return Ok(());
        };
        let world = self.world().await?;
        let purges = self.purges().await?;
        let mut shelves: BTreeMap<&str, Vec<&Export>> = BTreeMap::new();
        for export in &world.exports {
            shelves.entry(&export.spec.instance_ref.uid).or_default().push(export);
        }
        for instance in &instances {
            let uid = instance.uid().unwrap_or_default();
            if let Some(exports) = shelves.get(uid.as_str()) {
                self.expire(instance, &uid, exports, &purges).await?;
            }
        }
        for purge in &purges {
            self.forget(purge, &shelves).await?;
        }
        self.clear_records(&world.exports, &world.account_changes).await
    }

    /// Makes the store known.
    pub(super) fn reach(&self, at: &ObjectStore, trust: Option<&str>) -> Result<(), Error> {
        let reached = self.store.configure(at, trust);
        reached.map_err(|error| Error::new(Step::Observe, "reaching the object store", error))
    }

    /// Expires bundles of a server that exists.
    async fn expire(&self, instance: &Instance, uid: &str, exports: &[&Export], purges: &[Purge]) -> Result<(), Error> {
        let now = self.clock.now();
        let keep = Keep {
            nightly: usize::try_from(instance.spec.exports.keep).unwrap_or(usize::MAX),
            requested: SignedDuration::from_hours(24 * self.config.keep_requested_days),
        };
        let pinned: BTreeSet<String> = purges.iter().map(|purge| purge.spec.manifest_digest.clone()).collect();
        let everything: BTreeSet<String> = exports.iter().filter_map(|export| export.uid()).collect();
        let hope = Shelf { exports, complete: &everything, pinned: &pinned };
        let nothing = BTreeSet::new();
        let fear = Shelf { complete: &nothing, ..hope };
        // Only if something would go in the best or in the worst case is the store asked what is there.
        if expiry::plan(now, keep, hope).is_empty() && expiry::plan(now, keep, fear).is_empty() {
            return Ok(());
        }
        let complete = self.complete(uid).await?;
        for doomed in expiry::plan(now, keep, Shelf { complete: &complete, ..hope }) {
            tracing::info!(
                instance = instance.name_any(),
                instance_uid = uid,
                export = doomed.export,
                why = doomed.why,
                "a bundle expires"
            );
            self.remove_bundle(uid, &doomed.uid).await?;
            self.metrics.expired();
            if let Some(export) = exports.iter().find(|export| export.uid().as_ref() == Some(&doomed.uid)) {
                self.mark_expired(export, now).await?;
            }
        }
        Ok(())
    }

    /// Uids of the exports whose manifests are in the store.
    async fn complete(&self, uid: &str) -> Result<BTreeSet<String>, Error> {
        let prefix = layout::bundles(uid);
        let found = self.store.list(&prefix).await;
        let found = found.map_err(|error| Error::new(Step::Observe, format!("listing {prefix}"), error))?;
        let export = |key: &str| Some(key.strip_prefix(&prefix)?.strip_suffix("/manifest.json")?.to_owned());
        Ok(found.iter().filter_map(|meta| export(&meta.key)).collect())
    }

    /// Removes all that an export left in the store.
    async fn remove_bundle(&self, uid: &str, export: &str) -> Result<(), Error> {
        let mut keys = vec![layout::bundle_key(uid, export)];
        keys.extend(expiry::order(self.keys_below(&layout::bundle(uid, export)).await?));
        keys.extend(self.keys_below(&layout::work(export)).await?);
        keys.push(layout::log(export));
        self.delete_objects(&keys).await
    }

    async fn keys_below(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let found = self.store.list(prefix).await;
        let found = found.map_err(|error| Error::new(Step::Observe, format!("listing {prefix}"), error))?;
        Ok(found.into_iter().map(|meta| meta.key).collect())
    }

    async fn mark_expired(&self, export: &Export, now: Timestamp) -> Result<(), Error> {
        let patch = json!({
            "metadata": { "uid": export.uid(), "resourceVersion": export.resource_version() },
            "status": { "expiredAt": now },
        });
        let api: Api<Export> = Api::all(self.client.clone());
        let result = api.patch_status(&export.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await;
        let doing = || format!("writing the status of Export {}", export.name_any());
        result.map(drop).map_err(|error| Error::kube(Step::Status, doing(), error))
    }

    /// What a purged server left: its last bundle with its key, and its identity in escrow, once the time to keep them is
    /// over.
    async fn forget(&self, purge: &Purge, shelves: &BTreeMap<&str, Vec<&Export>>) -> Result<(), Error> {
        let Some(status) = purge.status.as_ref().filter(|status| status.work.phase == Phase::Succeeded) else {
            return Ok(());
        };
        let now = self.clock.now();
        let keep = SignedDuration::from_hours(24 * self.config.keep_final_days);
        let over = status.work.finished_at.is_some_and(|time| now.duration_since(time) >= keep);
        let reference = &purge.spec.instance_ref;
        if !over || purge.spec.manifest_digest == decide::NO_BUNDLE {
            return Ok(());
        }
        let api: Api<Instance> = Api::all(self.client.clone());
        let instance = api.get_opt(&reference.name).await;
        let instance = instance
            .map_err(|error| Error::kube(Step::Observe, format!("reading instance {}", reference.name), error))?;
        if instance.is_some_and(|instance| instance.uid().as_ref() == Some(&reference.uid)) {
            return Ok(());
        }
        let mut keys = self.keys_below(&format!("keys/{}/", reference.uid)).await?;
        keys.extend(expiry::order(self.keys_below(&layout::bundles(&reference.uid)).await?));
        if !keys.is_empty() {
            tracing::info!(
                instance_uid = reference.uid,
                objects = keys.len(),
                "the last bundle of a purged server expires"
            );
            keys.push(layout::escrow(&reference.uid));
            self.delete_objects(&keys).await?;
            self.metrics.expired();
        }
        for export in shelves.get(reference.uid.as_str()).into_iter().flatten() {
            let status = export.status.as_ref();
            if status.is_some_and(|status| status.bundle.is_some() && status.expired_at.is_none()) {
                self.mark_expired(export, now).await?;
            }
        }
        Ok(())
    }

    /// Work objects that nobody asks for any more. Those whose bundles exist stay.
    async fn clear_records(&self, exports: &[Export], changes: &[AccountChange]) -> Result<(), Error> {
        let now = self.clock.now();
        let past = |time: Option<Timestamp>, keep| time.is_some_and(|time| now.duration_since(time) >= keep);
        for export in exports {
            let over = export.status.as_ref().is_some_and(|status| {
                status.work.phase.is_final()
                    && past(status.expired_at, EXPORTS)
                    && past(status.work.finished_at, EXPORTS)
            });
            if over {
                self.clear(export).await?;
            }
        }
        for change in changes {
            let over = change
                .status
                .as_ref()
                .is_some_and(|status| status.work.phase.is_final() && past(status.work.finished_at, ACCOUNT_CHANGES));
            if over {
                self.clear(change).await?;
            }
        }
        Ok(())
    }

    async fn clear<K>(&self, object: &K) -> Result<(), Error>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
    {
        let exactly = DeleteParams::default()
            .preconditions(Preconditions { uid: object.uid(), resource_version: object.resource_version() });
        let api: Api<K> = Api::all(self.client.clone());
        match api.delete(&object.name_any(), &exactly).await {
            Ok(_) => Ok(()),
            Err(error) if is_not_found(&error) => Ok(()),
            Err(error) => {
                Err(Error::kube(Step::Apply, format!("deleting {} {}", K::kind(&()), object.name_any()), error))
            }
        }
    }
}
