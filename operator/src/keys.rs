//! `steppe-operator keys generate`: the Secret with the platform's keys, to be applied once and kept offline as well.

use age::secrecy::ExposeSecret as _;
use anyhow::Context as _;
use bundle::format::Signer;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;

use crate::clock::Random;
use crate::export::keys::{SIGNING, generate};

/// The file with the public half of the signing key, PEM: all that whoever verifies needs.
pub const SIGNING_PUBLIC: &str = "signing.pub.pem";

/// A manifest of the Secret with new keys. It cannot be changed once applied, because bundles hang on it.
///
/// # Errors
/// When the system has no randomness to give.
pub fn manifest(name: &str, namespace: &str, random: &dyn Random) -> anyhow::Result<String> {
    let mut secret = Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            // It stays readable even when its namespace is deleted by mistake.
            finalizers: Some(vec![crd::labels::KEEP_FINALIZER.to_owned()]),
            ..ObjectMeta::default()
        },
        immutable: Some(true),
        ..Secret::default()
    };
    let data = secret.string_data.get_or_insert_default();
    for (file, content) in generate(random).context("making keys")? {
        if file == SIGNING {
            let public = Signer::from_pem(content.expose_secret())?.public();
            data.insert(SIGNING_PUBLIC.to_owned(), public.to_pem());
        }
        data.insert(file.to_owned(), content.expose_secret().to_owned());
    }
    serde_saphyr::to_string(&secret).context("writing the Secret")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::fake::SeededRandom;
    use crate::export::keys::PlatformKeys;

    #[test]
    fn operator_and_purger_read_what_is_printed() {
        let text = manifest("steppe-operator-keys", "steppe-system", &SeededRandom::new(5)).unwrap();
        let secret: Secret = serde_saphyr::from_str(&text).unwrap();
        assert_eq!((secret.metadata.name.as_deref(), secret.immutable), (Some("steppe-operator-keys"), Some(true)));
        let folder = tempfile::tempdir().unwrap();
        for (file, content) in secret.string_data.unwrap() {
            std::fs::write(folder.path().join(file), content).unwrap();
        }
        let signer = PlatformKeys::read(folder.path()).unwrap().signer;
        std::fs::remove_file(folder.path().join(SIGNING)).unwrap();
        assert_eq!(crate::purge::Keys::read(folder.path()).unwrap().signing, signer.public());
    }
}
