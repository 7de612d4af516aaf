//! Bundles for tests: whole, signed and sealed as real ones are, with a few bytes in place of an archive.

use bundle::format::{
    Counts, Digest, Encryption, Freeze, Instance, KeyId, Manifest, ManifestError, ObjectName, PublicKey, SegmentRecord,
    Signer, SkippedList, Software, Version,
};
use bundle::seal::{BundleKey, Identities, Recipients, SealError};
use bundle::stream::Part;
use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::Keys;
use crate::store::fake::FakeStore;
use crate::store::layout;

/// The platform's keys of a test, both halves.
#[derive(Debug)]
pub struct Platform {
    signer: Signer,
    wrapping: BundleKey,
}

impl Platform {
    /// Keys of one's own.
    #[must_use]
    pub fn new(seed: u8) -> Self {
        Self { signer: Signer::from_seed(&[seed; 32]), wrapping: BundleKey::generate() }
    }

    /// What the purger gets of them.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys { signing: self.signing(), wrapping: self.wrapping.identities() }
    }

    /// The public half of the signing key.
    #[must_use]
    pub fn signing(&self) -> PublicKey {
        self.signer.public()
    }

    /// What opens sealed keys.
    #[must_use]
    pub fn wrapping(&self) -> Identities {
        self.wrapping.identities()
    }
}

/// A bundle to be put into a store.
#[derive(Debug, Clone)]
pub struct FakeBundle {
    /// The instance's uid.
    pub instance: Uuid,
    /// The export's uid.
    pub export: Uuid,
    /// The server's public name.
    pub hostname: String,
    /// When the copy was finished.
    pub made: Timestamp,
    /// The customer's recipient; without one the bundle has a key of its own.
    pub recipient: Option<KeyId>,
}

/// Why a fake bundle could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FakeError {
    /// The manifest breaks a rule.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The key could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl FakeBundle {
    /// Puts it into the store and gives the digest of its manifest.
    ///
    /// # Errors
    /// See [`FakeError`].
    pub fn put(&self, store: &FakeStore, platform: &Platform) -> Result<String, FakeError> {
        let (instance, export) = (self.instance.to_string(), self.export.to_string());
        let key = BundleKey::generate();
        if self.recipient.is_none() {
            let keeper = Recipients::new([platform.wrapping.recipient()])?;
            store.set(&layout::bundle_key(&instance, &export), key.sealed(&keeper)?);
        }
        let prefix = layout::bundle(&instance, &export);
        let part = Part::new(ObjectName::part(0, 0), Bytes::from(format!("data of {export}")));
        let script =
            Part::new(ObjectName::parse("restore.sh").unwrap_or_else(|_| ObjectName::manifest()), "exit 0\n".into());
        let manifest = self.manifest(platform, &part, &script, self.recipient.unwrap_or_else(|| key.recipient().id()));
        let bytes = manifest.to_bytes()?;
        for object in [part, script] {
            store.set(&format!("{prefix}{}", object.name), object.bytes);
        }
        store.set(&format!("{prefix}manifest.sig"), platform.signer.sign(&bytes).to_vec());
        let digest = Digest::of(&bytes).to_string();
        store.set(&format!("{prefix}manifest.json"), bytes);
        Ok(digest)
    }

    fn manifest(&self, platform: &Platform, part: &Part, script: &Part, recipient: KeyId) -> Manifest {
        let segment = SegmentRecord {
            name: ObjectName::segment(0),
            source: Digest::of("source"),
            files: 1,
            directories: 0,
            hard_links: 0,
            bytes: 5,
            parts: vec![part.record()],
        };
        Manifest {
            format: Manifest::FORMAT.into(),
            version: Version::CURRENT,
            bundle: self.export,
            instance: Instance { uid: self.instance, hostname: self.hostname.clone(), actor_keys: Vec::new() },
            software: Software { flavour: "snac".into(), version: "2.75".into() },
            created_at: self.made,
            freeze: Freeze::default(),
            counts: Counts { files: 1, bytes: 5, ..Counts::default() },
            skipped: SkippedList::default(),
            segments: vec![segment],
            kit: vec![script.kit_file()],
            encryption: Encryption { scheme: Encryption::AGE.into(), recipients: vec![recipient] },
            signing: platform.signing().signing(),
        }
    }
}
