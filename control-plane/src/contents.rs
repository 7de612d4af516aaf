//! What a bundle consists of.

use bundle::format::Manifest;
use futures::TryStreamExt as _;

use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::export::Export;
use crate::store::instance::Instance;

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name in the bundle, which may have folders.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
    /// Absent for the manifest and its signature, which are checked by what they are.
    pub sha256: Option<String>,
}

/// The files of a bundle: as its manifest lists them, and itself and its signature before them.
///
/// # Errors
/// `not-found` when there is no bundle; `unavailable` when the store does not answer.
pub async fn files(platform: &Platform, instance: &Instance, export: &Export) -> Result<Vec<File>, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let bundle = export.bundle.as_ref().ok_or_else(missing)?;
    let mut connection = platform.pool.acquire().await?;
    let cell = store::cell::find(&mut connection, instance.cell).await?.ok_or_else(missing)?;
    drop(connection);
    let store = platform.stores.of(&cell.name).await?;
    let key = format!("{}manifest.json", bundle.prefix);
    let meta = store.head(&key).await?;
    if meta.size > Manifest::MAX_BYTES as u64 {
        return Err(Problem::internal(anyhow::anyhow!("{key} is larger than any manifest")));
    }
    let bytes: Vec<bytes::Bytes> = store.read(&key, 0..meta.size).await?.try_collect().await?;
    let manifest = Manifest::parse(&bytes.concat()).map_err(Problem::internal)?;
    let signature = store.head(&format!("{}manifest.sig", bundle.prefix)).await?;
    let head = [("manifest.json", meta.size), ("manifest.sig", signature.size)];
    let head = head.into_iter().map(|(name, size)| File { name: name.to_owned(), size, sha256: None });
    let listed = manifest.objects().map(|(name, size, digest)| File {
        name: name.as_str().to_owned(),
        size,
        sha256: Some(digest.to_string()),
    });
    Ok(head.chain(listed).collect())
}
