//! Exports: copies of everything a server is.
//!
//! An export goes Pending → Running (Stopping → Copying → Signing) → Succeeded or Failed. While it is Stopping or Copying
//! it holds the server stopped ([`holds_stopped`]); it never holds it for longer than [`COPY_LIMIT`] and the little time that
//! ending its Job takes, whatever fails. The Job may be killed and made anew; it goes on from its records. The bundle
//! counts from the moment its manifest is written.

mod apply;
mod commit;
mod decision;
pub mod keys;
pub mod nightly;
mod observe;
mod order;
#[cfg(test)]
mod pipeline;
mod plan;
mod resource;
mod status;
mod validate;

use std::sync::Arc;
use std::time::Duration;

use crd::{Export, Phase};
use kube::ResourceExt as _;
use kube::runtime::controller::Action;
use kube::runtime::reflector::Store;
use tokio_util::sync::CancellationToken;

use crate::cache::{Caches, Trigger};
use crate::context::Context;
use crate::controller::{self, Concern, Reconciler};
use crate::error::Error;

/// The steps of a running export.
pub mod step {
    /// The server is being stopped; its deliveries are drained first.
    pub const STOPPING: &str = "Stopping";
    /// The Job copies. The server is down.
    pub const COPYING: &str = "Copying";
    /// The copy is complete and the server may run; parts are checked, the manifest is written and signed.
    pub const SIGNING: &str = "Signing";
}

/// The role of an export's pods.
pub const ROLE: &str = "export";

/// A server that has not stopped by then is let go on: its drain and its grace take three minutes at most.
pub const STOP_LIMIT: Duration = Duration::from_secs(15 * 60);
/// When no pod has begun to copy by then (it cannot be scheduled, its image cannot be had, it reaches nobody), the server
/// is let go on.
pub const BEGIN_LIMIT: Duration = Duration::from_secs(10 * 60);
/// No server is held stopped longer than this for a copy.
pub const COPY_LIMIT: Duration = Duration::from_secs(2 * 3600);
/// The same for a server that is not up anyway, so that nobody waits for it.
pub const IDLE_COPY_LIMIT: Duration = Duration::from_secs(24 * 3600);
/// After the limit, how long a Job that does not end is waited for. It reads only, so the data is safe from it.
pub const END_LIMIT: Duration = Duration::from_secs(10 * 60);
/// Whether this export wants the server stopped. Everything that starts a server asks this first, of a live list.
#[must_use]
pub fn holds_stopped(export: &Export) -> bool {
    export.status.as_ref().is_some_and(|status| {
        status.work.phase == Phase::Running
            && status.copied_at.is_none()
            && matches!(status.work.step.as_str(), step::STOPPING | step::COPYING)
    })
}

/// Runs exports and the nightly schedule until `stop`. Only on the leader.
pub async fn run(context: Arc<Context>, stop: CancellationToken) {
    tokio::join!(controller::drive::<ExportReconciler>(context.clone(), stop.clone()), nightly::run(context, stop),);
}

/// Reconciles exports.
pub struct ExportReconciler;

impl Reconciler for ExportReconciler {
    type Object = Export;

    const KIND: &'static str = "Export";

    fn store(caches: &Caches) -> Store<Export> {
        caches.exports.clone()
    }

    fn concerned(caches: &Caches, trigger: &Trigger) -> Concern {
        match trigger {
            Trigger::All => Concern::All,
            // What happens to an instance matters to exports that wait or run; to one that is over, only what happens to
            // itself.
            Trigger::Instance { name, work_uid } => Concern::These(
                caches
                    .exports
                    .state()
                    .iter()
                    .filter(|export| export.spec.instance_ref.name == *name)
                    .filter(|export| !is_over(export) || (work_uid.is_some() && export.uid() == *work_uid))
                    .map(|export| export.name_any())
                    .collect(),
            ),
        }
    }

    async fn reconcile(context: Arc<Context>, export: Arc<Export>) -> Result<Action, Error> {
        let observed = observe::observe(&context, export).await?;
        let valid = validate::validate(&observed);
        let decision = plan::decide(&observed, &valid);
        tracing::debug!(export = observed.export.name_any(), %decision, "decided");
        let done = apply::apply(&context, &observed, &valid, &decision).await?;
        status::save(&context, &observed, &decision, &done).await?;
        Ok(plan::again(&observed, &decision).map_or_else(Action::await_change, Action::requeue))
    }
}

fn is_over(export: &Export) -> bool {
    export.status.as_ref().is_some_and(|status| status.work.phase.is_final())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_held_only_while_it_is_copied() {
        let holds = |phase: &str, step: &str, copied: bool| {
            let mut status = serde_json::json!({ "phase": phase, "step": step });
            if copied {
                status["copiedAt"] = serde_json::json!("2026-01-02T03:04:05Z");
            }
            let mut export = Export::new(
                "x",
                crd::ExportSpec {
                    instance_ref: crd::InstanceRef { name: "birds".into(), uid: "i".into() },
                    reason: crd::ExportReason::Requested,
                    recipient: None,
                    key_claim: None,
                },
            );
            export.status = serde_json::from_value(status).unwrap();
            holds_stopped(&export)
        };
        assert!(holds("Running", "Stopping", false));
        assert!(holds("Running", "Copying", false));
        assert!(!holds("Running", "Copying", true));
        assert!(!holds("Running", "Signing", false));
        assert!(!holds("Pending", "Stopping", false));
        assert!(!holds("Failed", "Copying", false));
        assert!(!holds("Succeeded", "", false));
    }
}
