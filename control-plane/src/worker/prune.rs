//! Removing what is old.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::error::Problem;
use crate::platform::Platform;
use crate::store::{operation, report, retention};

const fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(days * 24)
}

/// Operations that ended well, and facts that all have read.
const WORK: SignedDuration = days(30);
/// Mails that were sent or given up.
const MAILS: SignedDuration = days(30);
/// Sessions after their end, for the list of log-ins.
const SESSIONS: SignedDuration = days(30);
/// Links after they stopped working, so that whoever opens one reads that it is old.
const LINKS: SignedDuration = days(7);
/// Buckets: none takes longer to fill.
const LIMITS: SignedDuration = days(2);
/// Answers for repeats, as the API promises.
const ANSWERS: SignedDuration = days(1);
/// Reports of abuse after they were answered or closed: what somebody else said, and where they read mail. The privacy page says so.
const REPORTS: SignedDuration = days(365);
/// Workers that fell silent.
const WORKERS: SignedDuration = days(7);

/// Removes what is old, until nothing is.
///
/// # Errors
/// When the database refuses.
pub async fn once(platform: Arc<Platform>) -> Result<(), Problem> {
    let mut connection = platform.pool.acquire().await?;
    let now = platform.now();
    loop {
        let mut most = operation::prune(&mut connection, now - WORK, retention::LIMIT).await?;
        most = most.max(retention::outbox(&mut connection, now - WORK).await?);
        most = most.max(retention::mails(&mut connection, now - MAILS).await?);
        most = most.max(retention::sessions(&mut connection, now - SESSIONS).await?);
        most = most.max(retention::mail_links(&mut connection, now - LINKS).await?);
        most = most.max(retention::rate_limits(&mut connection, now - LIMITS).await?);
        most = most.max(retention::idempotency_keys(&mut connection, now - ANSWERS).await?);
        most = most.max(retention::workers(&mut connection, now - WORKERS).await?);
        most = most.max(report::forget(&mut connection, now - REPORTS, retention::LIMIT).await?);
        if most < retention::LIMIT.unsigned_abs() {
            return Ok(());
        }
    }
}
