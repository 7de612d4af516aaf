//! Limits that hold across replicas: how often somebody may try.

use domain::limits::Bucket;

use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;

/// Takes a token from a bucket, in a transaction of its own: a try counts even when what it was for fails.
///
/// # Errors
/// `too-many`, with the seconds to wait, when it is empty.
pub async fn take(platform: &Platform, bucket: Bucket, key: &str) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let granted =
        store::rate_limit::take(&mut tx, &format!("{}:{key}", bucket.as_str()), bucket, platform.now()).await?;
    tx.commit().await?;
    granted.map_err(|seconds| Problem::new(Code::TooMany).retry_after(seconds))
}
