//! The first step of reading: the manifest and its signature.

use bytes::Bytes;

use super::{PartSource, SourceError};
use crate::format::{Digest, KeyId, Manifest, ManifestError, ObjectName, PublicKey, SIGNATURE_BYTES, SignatureError};

/// Whom one believes that a bundle is theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The signature must be of this key.
    Key(PublicKey),
    /// The signature must be of the key in the manifest, and that key must have this id.
    KeyId(KeyId),
    /// The signature must be of the key in the manifest, whoever that is. Shows damage, not forgery.
    AnyKey,
}

/// A manifest whose signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What it says.
    pub manifest: Manifest,
    /// Its bytes as stored and signed.
    pub bytes: Bytes,
    /// SHA-256 over the bytes: the digest that names the bundle.
    pub digest: Digest,
}

/// A bundle cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The manifest or the signature cannot be read.
    #[error("`{name}`: {error}")]
    Read {
        /// Which of the two.
        name: ObjectName,
        /// Why.
        #[source]
        error: SourceError,
    },
    /// The manifest is not one.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The signature is not good.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// Reads `manifest.json` and `manifest.sig` and checks both.
///
/// With [`Trust::Key`] the signature is checked before the manifest is parsed.
///
/// # Errors
/// See [`OpenError`].
pub async fn open(source: &impl PartSource, trust: &Trust) -> Result<Opened, OpenError> {
    let bytes = read(source, ObjectName::manifest(), Manifest::MAX_BYTES as u64).await?;
    let signature = read(source, ObjectName::signature(), SIGNATURE_BYTES as u64).await?;
    if let Trust::Key(key) = trust {
        key.verify(&bytes, &signature)?;
    }
    let manifest = Manifest::parse(&bytes)?;
    let named = PublicKey::from_base64(&manifest.signing.public_key)?;
    let expected = match trust {
        Trust::Key(key) => key.id(),
        Trust::KeyId(id) => *id,
        Trust::AnyKey => named.id(),
    };
    if named.id() != expected {
        return Err(SignatureError::OtherKey { expected, found: named.id() }.into());
    }
    named.verify(&bytes, &signature)?;
    let digest = Manifest::digest(&bytes);
    Ok(Opened { manifest, bytes, digest })
}

async fn read(source: &impl PartSource, name: ObjectName, limit: u64) -> Result<Bytes, OpenError> {
    source.get(&name, limit).await.map_err(|error| OpenError::Read { name, error })
}
