//! Changes of accounts: `AccountChange` objects, for what a server's software cannot do from its own pages.
//!
//! Pending → Running → Succeeded or Failed. The Job works beside the running server, or on its folder alone when it is
//! frozen. It never runs while an export holds the server stopped, because the copy must stand still; see [`crate::work`] for
//! how the two stay out of each other's way.

mod apply;
mod observe;
mod plan;
mod resource;
mod status;
mod validate;

use std::sync::Arc;
use std::time::Duration;

use crd::AccountChange;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;
use kube::runtime::reflector::Store;
use tokio_util::sync::CancellationToken;

use crate::cache::{Caches, Trigger};
use crate::context::Context;
use crate::controller::{self, Concern, Reconciler};
use crate::error::Error;

/// The role of an account change's pods.
pub const ROLE: &str = "account";
/// The step of a running change.
pub const WORKING: &str = "Working";

/// A change that takes longer is given up. It takes seconds, and starting a pod may take minutes.
pub const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Runs account changes until `stop`. Only on the leader.
pub async fn run(context: Arc<Context>, stop: CancellationToken) {
    controller::drive::<AccountReconciler>(context, stop).await;
}

/// Reconciles account changes.
pub struct AccountReconciler;

impl Reconciler for AccountReconciler {
    type Object = AccountChange;

    const KIND: &'static str = "AccountChange";

    fn store(caches: &Caches) -> Store<AccountChange> {
        caches.accounts.clone()
    }

    fn concerned(caches: &Caches, trigger: &Trigger) -> Concern {
        match trigger {
            Trigger::All => Concern::All,
            Trigger::Instance { name, work_uid } => Concern::These(
                caches
                    .accounts
                    .state()
                    .iter()
                    .filter(|change| change.spec.instance_ref.name == *name)
                    .filter(|change| !is_over(change) || (work_uid.is_some() && change.uid() == *work_uid))
                    .map(|change| change.name_any())
                    .collect(),
            ),
        }
    }

    async fn reconcile(context: Arc<Context>, change: Arc<AccountChange>) -> Result<Action, Error> {
        let observed = observe::observe(&context, change).await?;
        let valid = validate::validate(&observed);
        let decision = plan::decide(&observed, &valid);
        tracing::debug!(change = observed.change.name_any(), %decision, "decided");
        let done = apply::apply(&context, &observed, &valid, &decision).await?;
        status::save(&context, &observed, &decision, done).await?;
        Ok(plan::again(&observed, &decision).map_or_else(Action::await_change, Action::requeue))
    }
}

fn is_over(change: &AccountChange) -> bool {
    change.status.as_ref().is_some_and(|status| status.work.phase.is_final())
}
