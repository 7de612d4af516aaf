//! Carrying out a decision. Each can be repeated.

use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt as _;

use super::observe::Observed;
use super::plan::Decision;
use super::validate::{Invalid, Valid};
use super::{LIMIT, ROLE, resource};
use crate::context::Context;
use crate::error::{Error, Step};
use crate::work::pod::For;
use crate::work::{Work as _, live};

/// Carries it out. Gives the attempt of the Job that there is now, if one was made.
pub(super) async fn apply(
    context: &Context,
    observed: &Observed,
    valid: &Result<Valid, Invalid>,
    decision: &Decision,
) -> Result<Option<u32>, Error> {
    let (client, change) = (&context.client, observed.change.as_ref());
    match decision {
        Decision::Rest
        | Decision::Wait { .. }
        | Decision::Begin
        | Decision::Yield { .. }
        | Decision::AwaitTurn { .. }
        | Decision::AwaitJob { .. }
        | Decision::GiveUp { .. }
        | Decision::Fail { .. }
        | Decision::Succeed { .. } => Ok(None),
        Decision::Mark => live::mark(client, change).await.map(|()| None),
        Decision::Work { attempt } => work(context, observed, valid, *attempt).await.map(Some),
        Decision::EndJob { job, because: _ } => {
            live::delete_job(client, &observed.namespace, &job.name, &job.uid).await.map(|()| None)
        }
        Decision::Release => live::release(client, change).await.map(|()| None),
    }
}

async fn work(
    context: &Context,
    observed: &Observed,
    valid: &Result<Valid, Invalid>,
    attempt: u32,
) -> Result<u32, Error> {
    let change = observed.change.as_ref();
    let doing = || format!("making the Job of AccountChange {}", change.name_any());
    let valid = valid.as_ref().map_err(|invalid| Error::new(Step::Validate, doing(), invalid.message.clone()))?;
    let uid = change.uid().unwrap_or_default();
    let work = For {
        instance: change.instance_name(),
        instance_uid: change.instance_uid(),
        kind: "AccountChange",
        work: &change.name_any(),
        work_uid: &uid,
        role: ROLE,
        attempt,
    };
    let job = resource::job(&work, valid, &context.config.image, observed.server_pod, LIMIT.as_secs());
    let job: Job = serde_json::from_value(job).map_err(|e| Error::new(Step::Plan, doing(), e))?;
    live::create_job(&context.client, &observed.namespace, &job).await
}
