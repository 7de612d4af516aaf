//! Carrying out a decision. Each can be repeated.

use crd::Bundle;
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt as _;

use super::decision::Decision;
use super::observe::Observed;
use super::plan;
use super::resource::{self, Settings};
use super::validate::{Invalid, Valid};
use super::{commit, order};
use crate::context::Context;
use crate::error::{Error, Step};
use crate::grants;
use crate::work::pod::For;
use crate::work::{Work as _, live};

/// What came of it that the status needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Done {
    Nothing,
    /// There is a Job of this attempt.
    Job(u32),
    /// The bundle counts.
    Signed(Bundle),
    /// It cannot be made.
    Broken(String),
    /// The key, sealed; or why not.
    Key(Result<String, String>),
}

pub(super) async fn apply(
    context: &Context,
    observed: &Observed,
    valid: &Result<Valid, Invalid>,
    decision: &Decision,
) -> Result<Done, Error> {
    let (client, export) = (&context.client, observed.export.as_ref());
    match decision {
        Decision::Rest
        | Decision::Wait { .. }
        | Decision::Begin
        | Decision::Yield { .. }
        | Decision::AwaitStop { .. }
        | Decision::AwaitCopy { .. }
        | Decision::GiveUp { .. }
        | Decision::Fail { .. }
        | Decision::Copied
        | Decision::ClearKey => Ok(Done::Nothing),
        Decision::Mark => live::mark(client, export).await.map(|()| Done::Nothing),
        Decision::Copy { attempt } => copy(context, observed, valid, *attempt).await.map(Done::Job),
        Decision::EndJob { job, because: _ } => {
            live::delete_job(client, &observed.namespace, &job.name, &job.uid).await.map(|()| Done::Nothing)
        }
        Decision::Sign => Ok(match commit::commit(context, export).await? {
            Ok(bundle) => Done::Signed(bundle),
            Err(message) => Done::Broken(message),
        }),
        Decision::Release => live::release(client, export).await.map(|()| Done::Nothing),
        Decision::SealKey { claim } => Ok(Done::Key(order::seal_key(context, export, claim).await?)),
    }
}

/// Fixes the order, then makes the Job. Gives the attempt that the Job is of.
async fn copy(
    context: &Context,
    observed: &Observed,
    valid: &Result<Valid, Invalid>,
    attempt: u32,
) -> Result<u32, Error> {
    let export = observed.export.as_ref();
    let doing = || format!("making the Job of Export {}", export.name_any());
    let valid = valid.as_ref().map_err(|invalid| Error::new(Step::Validate, doing(), invalid.message.clone()))?;
    order::ensure(context, export, valid).await?;
    let certificate = grants::certificate(context).await?;
    let uid = export.uid().unwrap_or_default();
    let work = For {
        instance: export.instance_name(),
        instance_uid: export.instance_uid(),
        kind: "Export",
        work: &export.name_any(),
        work_uid: &uid,
        role: super::ROLE,
        attempt,
    };
    let job = resource::job(
        &work,
        &Settings {
            image: &context.config.image,
            flavour: valid.software.flavour.as_str(),
            home: valid.software.home,
            grants_url: &context.config.grants_url(),
            grants_certificate: certificate.pem(),
            limit_seconds: plan::copy_limit(observed).as_secs(),
            trust_bundle: valid.trust_bundle,
        },
    );
    let job: Job = serde_json::from_value(job).map_err(|e| Error::new(Step::Plan, doing(), e))?;
    live::create_job(&context.client, &observed.namespace, &job).await
}
