//! Keeping an operation: while it runs, the lease is renewed well before its end.

use std::time::Duration;

use domain::id::OperationId;

use super::claim::lease;
use crate::platform::Platform;
use crate::store::operation;

/// Renews the lease until it is lost; dropped when the work is done. The database may be away for a while: the lease is lost
/// only when another says so, or when it is over.
pub async fn keep(platform: &Platform, id: OperationId, fence: i64) {
    let every = platform.config.lease / 3;
    let mut good_until = platform.now() + lease(platform);
    loop {
        tokio::time::sleep(every.max(Duration::from_millis(50))).await;
        let until = platform.now() + lease(platform);
        let renewed = async {
            let mut connection = platform.pool.acquire().await?;
            operation::renew(&mut connection, id, fence, until).await
        };
        match renewed.await {
            Ok(true) => good_until = until,
            Ok(false) => return,
            Err(error) if platform.now() >= good_until => {
                tracing::warn!(operation = %id, %error, "the lease could not be renewed in time");
                return;
            }
            Err(error) => tracing::warn!(operation = %id, %error, "the lease is not renewed yet"),
        }
    }
}
