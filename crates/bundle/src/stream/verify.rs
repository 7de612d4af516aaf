//! Checks that every object of a bundle is there and is what the manifest says. Needs no key to the data.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{BoxError, PartSource, SourceError};
use crate::format::{Digest, Manifest, ObjectName};

/// A bundle is not what its manifest says.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// An object cannot be read.
    #[error("`{name}`: {error}")]
    Read {
        /// The object.
        name: ObjectName,
        /// Why.
        #[source]
        error: SourceError,
    },
    /// An object has another length.
    #[error("`{name}` has {found} bytes instead of {expected}: it was cut or changed")]
    Size {
        /// The object.
        name: ObjectName,
        /// As the manifest says.
        expected: u64,
        /// As found.
        found: u64,
    },
    /// An object has other content.
    #[error("`{name}` has SHA-256 {found} instead of {expected}: it was changed")]
    Content {
        /// The object.
        name: ObjectName,
        /// As the manifest says.
        expected: Digest,
        /// As found.
        found: Digest,
    },
    /// An object that the manifest does not name.
    #[error("`{}` does not belong to the bundle: remove it, or get the bundle again", .0.escape_default())]
    Extra(String),
    /// The source could not be listed.
    #[error("the bundle cannot be listed: {0}")]
    List(#[source] BoxError),
}

/// Reads every object that the manifest names, kit and parts, one at a time, and compares length and SHA-256; refuses
/// objects that it does not name, where the source can list. `progress` hears the bytes read so far.
///
/// # Errors
/// The first thing that is wrong.
pub async fn verify(
    source: &impl PartSource,
    manifest: &Manifest,
    mut progress: impl FnMut(u64) + Send,
) -> Result<(), VerifyError> {
    if let Some(names) = source.names().await.map_err(VerifyError::List)? {
        let (own, sig) = (ObjectName::manifest(), ObjectName::signature());
        let known: BTreeSet<&str> =
            manifest.objects().map(|(name, ..)| name).chain([&own, &sig]).map(ObjectName::as_str).collect();
        if let Some(extra) = names.into_iter().find(|name| !known.contains(name.as_str())) {
            return Err(VerifyError::Extra(extra));
        }
    }
    let mut bytes = 0;
    for (name, size, sha256) in manifest.objects() {
        fetch(source, name, size, sha256).await?;
        bytes += size;
        progress(bytes);
    }
    Ok(())
}

/// Reads one object and gives it only if it is what the manifest says.
pub(super) async fn fetch(
    source: &impl PartSource,
    name: &ObjectName,
    size: u64,
    sha256: Digest,
) -> Result<Bytes, VerifyError> {
    let bytes = source.get(name, size).await.map_err(|error| VerifyError::Read { name: name.clone(), error })?;
    if bytes.len() as u64 != size {
        return Err(VerifyError::Size { name: name.clone(), expected: size, found: bytes.len() as u64 });
    }
    let found = Digest::of(&bytes);
    if found != sha256 {
        return Err(VerifyError::Content { name: name.clone(), expected: sha256, found });
    }
    Ok(bytes)
}
