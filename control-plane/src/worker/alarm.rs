//! Telling staff, once, of what takes long.

use std::sync::Arc;

use domain::Topic;
use domain::retry::STUCK;
use serde_json::json;

use super::tell;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;
use crate::store::outbox::About;

/// Tells staff of all that has begun to take long since the last time, in one mail.
///
/// # Errors
/// When the database refuses; then nobody was told, and the next turn does.
pub async fn once(platform: Arc<Platform>) -> Result<(), Problem> {
    let now = platform.now();
    let mut tx = platform.begin().await?;
    let stuck = store::operation::stuck(&mut tx, now - STUCK, now).await?;
    if stuck.is_empty() {
        return Ok(());
    }
    for one in &stuck {
        tracing::error!(operation = %one.id, kind = %one.kind, reason = one.reason, message = one.message, "takes long");
        let about = About { operation: Some(one.id), ..About::default() };
        store::outbox::write(&mut tx, now, Topic::Alarm, about, json!({ "reason": "stuck" })).await?;
    }
    tell::staff_of_stuck(&platform, &mut tx, &stuck).await?;
    Ok(tx.commit().await?)
}
