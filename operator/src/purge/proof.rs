//! The proof that a server's data outlives it: its bundle is found, signed, read again to the last byte, and can be
//! opened by somebody.

use std::collections::BTreeSet;

use bundle::format::{Digest, KeyId, Manifest, ObjectName, PublicKey};
use bundle::seal::Identities;
use bundle::stream::{BoxError, OpenError, Opened, PartSource, SourceError, Trust, VerifyError, open, verify};
use bytes::Bytes;
use jiff::Timestamp;

use super::refusal::Refusal;
use crate::error::{Error, Step};
use crate::store::{Store, StoreError, layout, read};

/// Longest sealed key that is read.
const KEY_BYTES: u64 = 64 << 10;

/// What the purger needs to know of the platform's keys: nothing that signs.
#[derive(Debug, Clone)]
pub struct Keys {
    /// By whom manifests must be signed.
    pub signing: PublicKey,
    /// What opens the sealed keys of bundles that have one of their own.
    pub wrapping: Identities,
}

/// The bundle that a purge asks for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// SHA-256 of its manifest, hex.
    pub digest: &'a str,
    /// The instance's uid.
    pub uid: &'a str,
    /// The server's public name.
    pub hostname: &'a str,
    /// Since when the server is stopped.
    pub stopped: Timestamp,
    /// Ids of recipients that customers hold the keys of.
    pub recipients: &'a BTreeSet<KeyId>,
}

/// One bundle's folder in the store.
struct Folder<'a> {
    store: &'a dyn Store,
    prefix: String,
}

impl PartSource for Folder<'_> {
    async fn get(&self, name: &ObjectName, limit: u64) -> Result<Bytes, SourceError> {
        let key = format!("{}{name}", self.prefix);
        match read(self.store, &key, limit).await {
            Ok(Some(content)) => Ok(content),
            Ok(None) => Err(SourceError::Missing),
            Err(StoreError::TooLong { limit }) => Err(SourceError::TooLong(limit)),
            Err(error) => Err(SourceError::Store(error.into())),
        }
    }

    async fn names(&self) -> Result<Option<Vec<String>>, BoxError> {
        let found = self.store.list(&self.prefix).await?;
        let names = found.into_iter().filter_map(|meta| Some(meta.key.strip_prefix(&self.prefix)?.to_owned()));
        Ok(Some(names.collect()))
    }
}

/// Either of: the bundle is not what it must be; the store could not be asked.
enum Fault {
    Refused(Refusal),
    Failed(Error),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn failed(doing: impl Into<String>, error: impl Into<BoxError>) -> Fault {
    Fault::Failed(Error::new(Step::Observe, doing, error))
}

/// Reads the whole bundle and judges it. The inner result is the judgement, and gives the uid of the export that made it;
/// the outer says whether it could be made.
///
/// # Errors
/// When the store cannot be read; nothing is known then.
pub async fn prove(store: &dyn Store, keys: &Keys, wanted: &Wanted<'_>) -> Result<Result<String, Refusal>, Error> {
    match check(store, keys, wanted).await {
        Ok(export) => Ok(Ok(export)),
        Err(Fault::Refused(refusal)) => Ok(Err(refusal)),
        Err(Fault::Failed(error)) => Err(error),
    }
}

/// The uid of the export under which a bundle with this manifest lies, without judging it.
///
/// # Errors
/// When the store cannot be read.
pub async fn locate(store: &dyn Store, uid: &str, digest: &str) -> Result<Result<String, Refusal>, Error> {
    match find(store, uid, digest).await {
        Ok(export) => Ok(Ok(export)),
        Err(Fault::Refused(refusal)) => Ok(Err(refusal)),
        Err(Fault::Failed(error)) => Err(error),
    }
}

async fn check(store: &dyn Store, keys: &Keys, wanted: &Wanted<'_>) -> Result<String, Fault> {
    let export = find(store, wanted.uid, wanted.digest).await?;
    let folder = Folder { store, prefix: layout::bundle(wanted.uid, &export) };
    let opened = open(&folder, &Trust::Key(keys.signing.clone())).await.map_err(|error| not_opened(&folder, error))?;
    judge(&opened, &export, wanted)?;
    let whole = verify(&folder, &opened.manifest, |_| {}).await;
    whole.map_err(|error| match error {
        VerifyError::Read { error: SourceError::Store(error), .. } | VerifyError::List(error) => {
            failed(format!("reading {}", folder.prefix), error)
        }
        VerifyError::Read { .. } | VerifyError::Size { .. } | VerifyError::Content { .. } | VerifyError::Extra(_) => {
            Refusal::BundleDamaged(error.to_string()).into()
        }
    })?;
    openable(store, keys, wanted, &export, &opened.manifest).await?;
    Ok(export)
}

fn not_opened(folder: &Folder<'_>, error: OpenError) -> Fault {
    match error {
        OpenError::Read { error: SourceError::Store(error), .. } => {
            failed(format!("reading the manifest in {}", folder.prefix), error)
        }
        OpenError::Read { .. } | OpenError::Manifest(_) => Refusal::BundleDamaged(error.to_string()).into(),
        OpenError::Signature(_) => Refusal::SignatureBad(error.to_string()).into(),
    }
}

/// The export under whose uid a manifest of this digest lies.
async fn find(store: &dyn Store, uid: &str, digest: &str) -> Result<String, Fault> {
    let prefix = layout::bundles(uid);
    let found = store.list(&prefix).await.map_err(|error| failed(format!("listing {prefix}"), error))?;
    let limit = Manifest::MAX_BYTES as u64;
    for meta in found.iter().rev() {
        let export = meta.key.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix("/manifest.json"));
        let Some(export) = export.filter(|export| !export.contains('/') && meta.size <= limit) else {
            continue;
        };
        let content =
            read(store, &meta.key, limit).await.map_err(|error| failed(format!("reading {}", meta.key), error))?;
        if content.is_some_and(|content| Digest::of(&content).to_string() == digest) {
            return Ok(export.to_owned());
        }
    }
    Err(Refusal::BundleMissing { prefix, digest: digest.to_owned() }.into())
}

/// Whether the manifest speaks of this server, and was written when it had stopped for good.
fn judge(opened: &Opened, export: &str, wanted: &Wanted<'_>) -> Result<(), Refusal> {
    let manifest = &opened.manifest;
    if opened.digest.to_string() != wanted.digest {
        return Err(Refusal::BundleDamaged("the manifest changed while it was read".to_owned()));
    }
    let (uid, hostname) = (manifest.instance.uid.to_string(), &manifest.instance.hostname);
    if uid != wanted.uid || hostname != wanted.hostname {
        return Err(Refusal::BundleForeign(format!("{hostname}, instance uid {uid}")));
    }
    if manifest.bundle.to_string() != export {
        return Err(Refusal::BundleForeign(format!("export {}, and lies under {export}", manifest.bundle)));
    }
    if manifest.created_at < wanted.stopped {
        return Err(Refusal::BundleOutdated { made: manifest.created_at, stopped: wanted.stopped });
    }
    Ok(())
}

/// Whether somebody can open the bundle: a customer whose recipient we know, or whoever is handed the bundle's own key,
/// which is still there and fits.
async fn openable(
    store: &dyn Store,
    keys: &Keys,
    wanted: &Wanted<'_>,
    export: &str,
    manifest: &Manifest,
) -> Result<(), Fault> {
    let recipients = &manifest.encryption.recipients;
    if recipients.iter().any(|id| wanted.recipients.contains(id)) {
        return Ok(());
    }
    let key = layout::bundle_key(wanted.uid, export);
    let sealed = match read(store, &key, KEY_BYTES).await {
        Ok(sealed) => sealed,
        Err(StoreError::TooLong { .. }) => None,
        Err(error) => return Err(failed(format!("reading {key}"), error)),
    };
    let missing = |why: String| Fault::Refused(Refusal::KeyMissing(why));
    let sealed = sealed.ok_or_else(|| missing(format!("{key} is missing, and its recipients are nobody's we know")))?;
    let fits = unsealed(keys, &sealed).map_err(|why| missing(format!("{key}: {why}")))?;
    if fits.iter().any(|id| recipients.contains(id)) {
        Ok(())
    } else {
        Err(missing(format!("{key} is the key of another bundle")))
    }
}

/// Ids of the keys that are sealed in here.
fn unsealed(keys: &Keys, sealed: &[u8]) -> Result<Vec<KeyId>, String> {
    // Sealed keys are written in ASCII armour or in binary; age reads both only when told which.
    let plain = keys.wrapping.open(&dearmored(sealed)?).map_err(|error| error.to_string())?;
    let text = String::from_utf8(plain).map_err(|_| "it is no text".to_owned())?;
    let identities = Identities::parse(&text).map_err(|error| error.to_string())?;
    Ok(identities.recipients().iter().map(bundle::seal::Recipient::id).collect())
}

fn dearmored(sealed: &[u8]) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    let mut reader = age::armor::ArmoredReader::new(sealed);
    std::io::Read::read_to_end(&mut reader, &mut plain).map_err(|error| error.to_string())?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::fake::{FakeBundle, Platform};
    use super::*;
    use crate::store::fake::FakeStore;

    const INSTANCE: Uuid = Uuid::from_u128(0x1111_2222_3333_4444_5555_6666_7777_8888);
    const EXPORT: Uuid = Uuid::from_u128(0x9999_2222_3333_4444_5555_6666_7777_8888);

    struct Case {
        store: FakeStore,
        platform: Platform,
        digest: String,
        recipients: BTreeSet<KeyId>,
    }

    fn bundle() -> FakeBundle {
        FakeBundle {
            instance: INSTANCE,
            export: EXPORT,
            hostname: "birds.test".into(),
            made: Timestamp::from_second(1000).unwrap(),
            recipient: None,
        }
    }

    fn case(bundle: &FakeBundle) -> Case {
        let (store, platform) = (FakeStore::new(), Platform::new(1));
        let digest = bundle.put(&store, &platform).unwrap();
        Case { store, platform, digest, recipients: BTreeSet::new() }
    }

    impl Case {
        async fn prove(&self) -> Result<String, Refusal> {
            self.prove_at(1000).await
        }

        async fn prove_at(&self, stopped: i64) -> Result<String, Refusal> {
            let uid = INSTANCE.to_string();
            let wanted = Wanted {
                digest: &self.digest,
                uid: &uid,
                hostname: "birds.test",
                stopped: Timestamp::from_second(stopped).unwrap(),
                recipients: &self.recipients,
            };
            prove(&self.store, &self.platform.keys(), &wanted).await.unwrap()
        }

        fn key(&self, name: &str) -> String {
            format!("bundles/{INSTANCE}/{EXPORT}/{name}")
        }
    }

    #[tokio::test]
    async fn a_whole_bundle_is_proven() {
        assert_eq!(case(&bundle()).prove().await, Ok(EXPORT.to_string()));
    }

    #[tokio::test]
    async fn what_lacks_is_named() {
        type Spoil = fn(&mut Case);
        let part = "segment-0000/part-0000.tar.gz.age";
        let cases: [(&str, Spoil); 9] = [
            ("BundleMissing", |case| case.store.forget(&case.key("manifest.json"))),
            ("BundleMissing", |case| case.digest = "0".repeat(63) + "1"),
            ("BundleDamaged", |case| case.store.forget(&case.key("manifest.sig"))),
            ("SignatureBad", |case| case.store.set(&case.key("manifest.sig"), vec![7; 64])),
            ("SignatureBad", |case| case.platform = Platform::new(2)),
            ("BundleDamaged", |case| case.store.forget(&case.key("segment-0000/part-0000.tar.gz.age"))),
            ("BundleDamaged", |case| case.store.set(&case.key("restore.sh"), "exit 1\n")),
            ("BundleDamaged", |case| case.store.set(&case.key("segment-0000/part-0001.tar.gz.age"), "more")),
            ("KeyMissing", |case| case.store.forget(&format!("keys/{INSTANCE}/{EXPORT}.age"))),
        ];
        for (reason, spoil) in cases {
            let mut case = case(&bundle());
            spoil(&mut case);
            assert_eq!(case.prove().await.unwrap_err().reason(), reason);
        }
        // The same length, another byte.
        let case = case(&bundle());
        let mut content = case.store.content(&case.key(part)).unwrap().to_vec();
        content[0] ^= 1;
        case.store.set(&case.key(part), content);
        assert_eq!(case.prove().await.unwrap_err().reason(), "BundleDamaged");
    }

    #[tokio::test]
    async fn a_bundle_of_another_server_is_none() {
        let foreign = FakeBundle { hostname: "trees.test".into(), ..bundle() };
        assert_eq!(case(&foreign).prove().await.unwrap_err().reason(), "BundleForeign");
        // Another instance's bundle, moved to ours.
        let other = Uuid::from_u128(5);
        let case = case(&FakeBundle { instance: other, ..bundle() });
        for key in case.store.keys() {
            let content = case.store.content(&key).unwrap();
            case.store.set(&key.replace(&other.to_string(), &INSTANCE.to_string()), content);
        }
        assert_eq!(case.prove().await.unwrap_err().reason(), "BundleForeign");
    }

    #[tokio::test]
    async fn a_bundle_from_before_the_last_stop_is_outdated() {
        let case = case(&bundle());
        assert!(case.prove_at(1000).await.is_ok());
        assert_eq!(case.prove_at(1001).await.unwrap_err().reason(), "BundleOutdated");
    }

    #[tokio::test]
    async fn a_customers_recipient_needs_no_key_of_ours() {
        let recipient = bundle::seal::BundleKey::generate().recipient().id();
        let mut case = case(&FakeBundle { recipient: Some(recipient), ..bundle() });
        assert_eq!(case.prove().await.unwrap_err().reason(), "KeyMissing");
        case.recipients.insert(recipient);
        assert!(case.prove().await.is_ok());
    }

    #[tokio::test]
    async fn a_key_that_does_not_fit_is_none() {
        let case = case(&bundle());
        let key = format!("keys/{INSTANCE}/{EXPORT}.age");
        let keeper = bundle::seal::Recipients::new(case.platform.wrapping().recipients()).unwrap();
        let other = bundle::seal::BundleKey::generate();
        case.store.set(&key, other.sealed(&keeper).unwrap());
        assert_eq!(case.prove().await.unwrap_err().reason(), "KeyMissing");
        case.store.set(&key, "nonsense");
        assert_eq!(case.prove().await.unwrap_err().reason(), "KeyMissing");
    }

    #[tokio::test]
    async fn a_store_that_fails_proves_nothing() {
        let case = case(&bundle());
        let uid = INSTANCE.to_string();
        let wanted = Wanted {
            digest: &case.digest,
            uid: &uid,
            hostname: "birds.test",
            stopped: Timestamp::UNIX_EPOCH,
            recipients: &case.recipients,
        };
        case.store.fail_next(1);
        assert!(prove(&case.store, &case.platform.keys(), &wanted).await.is_err());
    }
}
