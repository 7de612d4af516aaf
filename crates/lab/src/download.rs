//! Takes a bundle's objects from the store to a folder, as a customer's download does.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
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

/// What the store says of an object without giving it out. Putting it again changes the time at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its length in bytes.
    pub size: u64,
    /// What the store calls its content by.
    pub tag: Option<String>,
    /// When it was put.
    pub put_at: String,
}

/// The objects below `prefix`, by key.
///
/// # Errors
/// When the store does not list them.
pub async fn list(bucket: &Bucket, prefix: &str) -> Result<BTreeMap<String, Stored>> {
    let path = object_store::path::Path::parse(prefix.trim_end_matches('/'))?;
    let found: Vec<_> = client(bucket)?.list(Some(&path)).try_collect().await?;
    let stored = |object: object_store::ObjectMeta| {
        let stored = Stored { size: object.size, tag: object.e_tag, put_at: object.last_modified.to_rfc3339() };
        (object.location.to_string(), stored)
    };
    Ok(found.into_iter().map(stored).collect())
}

/// One object, or `None` if there is none of this key.
///
/// # Errors
/// When it cannot be read.
pub async fn read(bucket: &Bucket, key: &str) -> Result<Option<Bytes>> {
    match client(bucket)?.get(&object_store::path::Path::parse(key)?).await {
        Ok(found) => Ok(Some(found.bytes().await?)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {key} from bucket {}", bucket.name)),
    }
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
