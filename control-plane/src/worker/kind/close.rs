//! Stopping a server for good and making its final bundle. The mode is written again as it is, and the bundle is named after
//! its row, so that a repeat finds both.

use crd::condition;
use domain::Topic;
use serde_json::json;

use super::super::ask::ask;
use super::super::{Done, Run, Stop, tell};
use super::apply::reached;
use super::{export, final_export};
use crate::store;
use crate::store::outbox::About;

/// Writes the wish, waits until the server stands still, and makes the final bundle.
///
/// # Errors
/// Why it is not done yet.
pub async fn run(run: &mut Run<'_>) -> Result<Done, Stop> {
    let instance = run.instance().await?;
    let Some(closing) = instance.closing else {
        // It was taken back meanwhile.
        return Err(Stop::GivenUp);
    };
    if !run.has_asked() {
        ask(run).await?;
        run.progress("stop", 0, "").await?;
    }
    let instance = run.instance().await?;
    reached(&instance, run.operation.revision)?;
    // What was never born has nothing to keep.
    if instance.observed.is(condition::BORN) {
        let bundle = final_export::row(run, &instance).await?;
        export::made(run, bundle).await?;
    }
    let mut tx = run.begin().await?;
    let about = About {
        organization: Some(instance.organization),
        instance: Some(instance.id),
        operation: Some(run.operation.id),
    };
    store::outbox::write(&mut tx, run.platform.now(), Topic::Instance, about, json!({ "closed": true })).await?;
    tell::of_closed(run.platform, &mut tx, &instance, closing).await?;
    run.done(tx).await
}
