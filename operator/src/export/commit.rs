//! The end of an export: parts are checked, the kit is added, the manifest is signed and written last.
//!
//! Everything here follows from what is stored, so that a repeat after a crash makes the same bytes. The manifest is put
//! only where there is none: this is the moment from which the bundle counts.

use std::collections::HashMap;

use bundle::format::{
    Cut, Digest, Freeze, Instance, KitFile, Manifest, ObjectName, PartRecord, Signer, Software, Version,
};
use bundle::seal::{Recipient, Recipients};
use bytes::Bytes;
use crd::{Bundle, Export};
use futures::StreamExt as _;
use jiff::Timestamp;
use kube::ResourceExt as _;
use sha2::{Digest as _, Sha256};

use super::keys::PlatformKeys;
use super::order;
use crate::context::Context;
use crate::error::{Error, Step};
use crate::grants::wire::{Finish, Order};
use crate::store::{self, Put, Store, StoreError, layout};
use crate::work::Work as _;

/// Why a copy cannot become a bundle.
#[derive(Debug)]
pub(super) enum Failed {
    /// It never will.
    Broken(String),
    /// It may yet.
    Passing(Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Passing(error.into())
    }
}

/// Makes the bundle, or finds it made. The inner error: it cannot be made.
pub(super) async fn commit(context: &Context, export: &Export) -> Result<Result<Bundle, String>, Error> {
    let doing = || format!("signing the bundle of Export {}", export.name_any());
    let order = order::read(context, export).await?;
    let keys = PlatformKeys::read(&context.config.keys_dir).map_err(|e| Error::new(Step::Apply, doing(), e))?;
    let room = Room {
        store: context.store.as_ref(),
        prefix: layout::bundle(export.instance_uid(), &export.uid().unwrap_or_default()),
        signer: &keys.signer,
    };
    match room.commit(export, order).await {
        Ok(bundle) => Ok(Ok(bundle)),
        Err(Failed::Broken(message)) => Ok(Err(message)),
        Err(Failed::Passing(error)) => Err(Error::new(Step::Apply, doing(), error)),
    }
}

struct Room<'a> {
    store: &'a dyn Store,
    prefix: String,
    signer: &'a Signer,
}

impl Room<'_> {
    async fn commit(&self, export: &Export, order: Option<Order>) -> Result<Bundle, Failed> {
        let status = export.status.clone().unwrap_or_default();
        let (stopped_at, copied_at) = (status.stopped_at, status.copied_at);
        if let Some(written) = self.read(&ObjectName::manifest(), Manifest::MAX_BYTES as u64).await? {
            return self.found(&written, stopped_at, copied_at).await;
        }
        let order = order.ok_or_else(|| {
            Failed::Broken("the record of what was to be written is gone from the object store".to_owned())
        })?;
        let finish = self.finish(export).await?;
        self.check_parts(export, &finish).await?;
        let manifest = self.manifest(export, &order, &finish, (stopped_at, copied_at)).await?;
        let bytes = Bytes::from(manifest.to_bytes().map_err(|e| Failed::Broken(e.to_string()))?);
        self.put(&ObjectName::signature(), self.signer.sign(&bytes).to_vec().into()).await?;
        match self.store.put_if_absent(&self.key(&ObjectName::manifest()), bytes.clone()).await? {
            Put::Created => Ok(bundle_of(&self.prefix, &manifest, &bytes, stopped_at, copied_at)),
            Put::Exists => {
                let written = self.read(&ObjectName::manifest(), Manifest::MAX_BYTES as u64).await?;
                self.found(&written.unwrap_or_default(), stopped_at, copied_at).await
            }
        }
    }

    /// An earlier try wrote the manifest. Its signature is written again, because a later one may have replaced it.
    async fn found(
        &self,
        bytes: &Bytes,
        stopped_at: Option<Timestamp>,
        copied_at: Option<Timestamp>,
    ) -> Result<Bundle, Failed> {
        let manifest = Manifest::parse(bytes)
            .map_err(|e| Failed::Broken(format!("there is a manifest that cannot be read: {e}")))?;
        if manifest.signing.key_id == self.signer.public().id() {
            self.put(&ObjectName::signature(), self.signer.sign(bytes).to_vec().into()).await?;
        }
        Ok(bundle_of(&self.prefix, &manifest, bytes, stopped_at, copied_at))
    }

    async fn finish(&self, export: &Export) -> Result<Finish, Failed> {
        let key = layout::work_finish(&export.uid().unwrap_or_default());
        let text = store::read(self.store, &key, Manifest::MAX_BYTES as u64).await?;
        let text = text
            .ok_or_else(|| Failed::Broken("the record of the copy's end is gone from the object store".to_owned()))?;
        serde_json::from_slice(&text)
            .map_err(|e| Failed::Broken(format!("the record of the copy's end cannot be read: {e}")))
    }

    /// Every part must be there with its length. When more than one pod has written, each is read again as a whole: two may
    /// have overlapped, and what each of them stored fits only its own record.
    async fn check_parts(&self, export: &Export, finish: &Finish) -> Result<(), Failed> {
        let listed = self.store.list(&self.prefix).await?;
        let stored: HashMap<&str, u64> =
            listed.iter().map(|meta| (meta.key.strip_prefix(&self.prefix).unwrap_or_default(), meta.size)).collect();
        for part in finish.segments.iter().flat_map(|segment| &segment.parts) {
            match stored.get(part.name.as_str()) {
                Some(size) if *size == part.size => {}
                Some(size) => {
                    return Err(Failed::Broken(format!(
                        "{} has {size} bytes in the object store instead of {}",
                        part.name, part.size
                    )));
                }
                None => return Err(Failed::Broken(format!("{} is missing in the object store", part.name))),
            }
        }
        let writers = self.store.list(&layout::work_writers(&export.uid().unwrap_or_default())).await?.len();
        if writers > 1 {
            tracing::info!(
                export = export.name_any(),
                writers,
                "more than one pod has written; every part is read again"
            );
            for part in finish.segments.iter().flat_map(|segment| &segment.parts) {
                self.check_content(part).await?;
            }
        }
        Ok(())
    }

    async fn check_content(&self, part: &PartRecord) -> Result<(), Failed> {
        let missing = || Failed::Broken(format!("{} is missing in the object store", part.name));
        let mut object = self.store.get(&self.key(&part.name)).await?.ok_or_else(missing)?;
        let mut hash = Sha256::new();
        while let Some(chunk) = object.stream.next().await {
            hash.update(&chunk?);
        }
        if Digest::from_bytes(hash.finalize().into()) == part.sha256 {
            return Ok(());
        }
        Err(Failed::Broken(format!("{} in the object store is not what its record says", part.name)))
    }

    async fn manifest(
        &self,
        export: &Export,
        order: &Order,
        finish: &Finish,
        (stopped_at, copied_at): (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<Manifest, Failed> {
        let broken = |what: &str, error: &dyn std::fmt::Display| Failed::Broken(format!("{what}: {error}"));
        let software = Software { flavour: order.flavour.to_string(), version: order.version.to_string() };
        let mut kit = Vec::new();
        for file in bundle::kit::files(order.hostname.as_str(), &software).map_err(|e| broken("the kit", &e))? {
            // What an earlier try of an older operator put counts.
            let content = store::ensure(self.store, &self.key(&file.name), file.bytes, KitFile::MAX).await?;
            kit.push(KitFile::of(file.name, &content));
        }
        let recipients: Result<Vec<Recipient>, _> = order.recipients.iter().map(|text| text.parse()).collect();
        let recipients = recipients.and_then(Recipients::new).map_err(|e| broken("the recipients", &e))?;
        let uid = |text: &str| text.parse().map_err(|e| broken("a uid", &e));
        let cut = finish.deliveries_cut.filter(|count| *count > 0);
        Ok(Manifest {
            format: Manifest::FORMAT.into(),
            version: Version::CURRENT,
            bundle: uid(&export.uid().unwrap_or_default())?,
            instance: Instance {
                uid: uid(export.instance_uid())?,
                hostname: order.hostname.to_string(),
                actor_keys: finish.actor_keys.clone(),
            },
            software,
            created_at: copied_at.unwrap_or_default(),
            freeze: Freeze {
                milliseconds: u64::from(stopped_seconds(stopped_at, copied_at)) * 1000,
                cut: cut.map(|count| Cut { what: "pending deliveries".into(), count }).into_iter().collect(),
            },
            counts: finish.counts,
            skipped: finish.skipped.clone(),
            segments: finish.segments.clone(),
            kit,
            encryption: recipients.encryption(),
            signing: self.signer.public().signing(),
        })
    }

    fn key(&self, name: &ObjectName) -> String {
        format!("{}{name}", self.prefix)
    }

    async fn put(&self, name: &ObjectName, content: Bytes) -> Result<(), Failed> {
        Ok(self.store.put(&self.key(name), content).await?)
    }

    async fn read(&self, name: &ObjectName, limit: u64) -> Result<Option<Bytes>, Failed> {
        Ok(store::read(self.store, &self.key(name), limit).await?)
    }
}

fn bundle_of(
    prefix: &str,
    manifest: &Manifest,
    bytes: &[u8],
    stopped_at: Option<Timestamp>,
    copied_at: Option<Timestamp>,
) -> Bundle {
    let parts = manifest.segments.iter().map(|segment| segment.parts.len()).sum::<usize>();
    Bundle {
        prefix: prefix.to_owned(),
        manifest_digest: Manifest::digest(bytes).to_string(),
        bytes: manifest.segments.iter().map(bundle::format::SegmentRecord::stored_bytes).sum(),
        parts: u32::try_from(parts).unwrap_or(u32::MAX),
        files: manifest.counts.files,
        key_id: manifest.encryption.recipients.first().map(ToString::to_string).unwrap_or_default(),
        stopped_seconds: stopped_seconds(stopped_at, copied_at),
        deliveries_cut: manifest.freeze.cut.first().map(|cut| cut.count),
    }
}

/// For how many seconds the server was stopped for the copy; 0 when it was not up anyway.
pub(super) fn stopped_seconds(stopped_at: Option<Timestamp>, copied_at: Option<Timestamp>) -> u32 {
    let seconds = stopped_at.zip(copied_at).map_or(0, |(from, to)| to.as_second() - from.as_second());
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}
