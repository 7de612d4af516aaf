//! Limits that hold across replicas: how often somebody may try.

use domain::limits::{Bucket, Taken};

use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;

/// Takes a token from a bucket, outside of any transaction: a try counts even when what it was for fails.
///
/// # Errors
/// `too-many`, with the seconds to wait, when it is empty.
pub async fn take(platform: &Platform, bucket: Bucket, key: &str) -> Result<(), Problem> {
    granted(&try_to_take(platform, bucket, key).await?)
}

/// As [`take`], for who wants to know how many are left, too.
///
/// # Errors
/// When the database refuses.
pub async fn try_to_take(platform: &Platform, bucket: Bucket, key: &str) -> Result<Taken, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let key = format!("{}:{key}", bucket.as_str());
    Ok(store::rate_limit::take(&mut connection, &key, bucket, platform.now()).await?)
}

/// What taking led to.
///
/// # Errors
/// `too-many`, with the seconds to wait, when there was none.
pub fn granted(taken: &Taken) -> Result<(), Problem> {
    taken.granted.map_err(|seconds| Problem::new(Code::TooMany).retry_after(seconds))
}
