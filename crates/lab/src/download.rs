//! Takes a bundle's objects from the store to a folder, as a customer's download does.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use futures::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::io::AsyncWriteExt as _;

use crate::store::Bucket;

/// A client of the bucket.
///
/// # Errors
/// When the bucket's address is not one.
pub fn client(bucket: &Bucket) -> Result<Arc<dyn ObjectStore>> {
    let store = AmazonS3Builder::new()
        .with_endpoint(&bucket.endpoint)
        .with_region(&bucket.region)
        .with_bucket_name(&bucket.name)
        .with_access_key_id(&bucket.keys.access_key)
        .with_secret_access_key(&bucket.keys.secret_key)
        .with_allow_http(true)
        .build()?;
    Ok(Arc::new(store))
}

/// Writes each object below `prefix` to `target`, streaming. Returns how many there were.
///
/// # Errors
/// When there is none, or one cannot be read or written.
pub async fn folder(bucket: &Bucket, prefix: &str, target: &Path) -> Result<usize> {
    let store = client(bucket)?;
    let path = object_store::path::Path::parse(prefix.trim_end_matches('/'))?;
    let objects: Vec<_> = store.list(Some(&path)).try_collect().await?;
    ensure!(!objects.is_empty(), "there is nothing below {prefix} in bucket {}", bucket.name);
    for object in &objects {
        let name = object.location.as_ref().strip_prefix(prefix).context("an object outside its prefix")?;
        let file = target.join(name);
        std::fs::create_dir_all(file.parent().unwrap_or(target))?;
        let mut out = tokio::fs::File::create(&file).await?;
        let mut body = store.get(&object.location).await?.into_stream();
        while let Some(bytes) = body.try_next().await? {
            out.write_all(&bytes).await?;
        }
        out.flush().await?;
    }
    Ok(objects.len())
}
