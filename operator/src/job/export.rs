//! `job export`: streams a stopped server's data to the object store, part by part.
//!
//! The pod holds no credentials of the store. For each part it asks the operator for a grant (a presigned URL for exactly
//! this content), with a token that is bound to the pod. After each segment it leaves a record, so that the next pod goes
//! on there. The data is mounted read-only, and no second copy of it is made.

mod api;
mod log;
mod sink;
mod survey;

use std::path::PathBuf;

use bundle::format::PartRecord;
use bundle::plan::{Order, Sizes, Walk};
use bundle::seal::Recipients;
use bundle::stream::{Options, Writer};
use names::Flavour;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::outcome::Failure;
use crate::grants::wire::{Finish, SegmentDone, Task};
use api::Api;
use log::Log;

/// What the job needs to know.
#[derive(Debug, Clone, clap::Args)]
pub struct ExportArgs {
    /// The uid of the `Export`.
    #[arg(long)]
    pub export_uid: Uuid,
    /// The software; only snac is built.
    #[arg(long, default_value = "snac")]
    pub flavour: Flavour,
    /// The server's own folder.
    #[arg(long, default_value = "/data/d")]
    pub data: PathBuf,
    /// The base URL of the grants endpoint.
    #[arg(long)]
    pub grants: url::Url,
    /// The certificate of the grants endpoint, PEM.
    #[arg(long, env = "STEPPE_GRANTS_CA", allow_hyphen_values = true)]
    pub grants_ca: String,
    /// Bytes of content after which a segment ends; what is lost of a killed pod's work is less than one.
    #[arg(long, default_value_t = Sizes::default().bytes)]
    pub segment_bytes: u64,
    /// Bytes per part, at most 8 MiB.
    #[arg(long, default_value_t = PartRecord::MAX)]
    pub part_bytes: u64,
    /// Where the pod's token for the grants endpoint is mounted.
    #[arg(long, default_value = "/var/run/secrets/steppe-grants/token")]
    pub token: PathBuf,
}

impl ExportArgs {
    fn options(&self) -> Options {
        Options {
            sizes: Sizes { bytes: self.segment_bytes, ..Sizes::default() },
            part_bytes: usize::try_from(self.part_bytes).unwrap_or(usize::MAX),
            ..Options::default()
        }
    }
}

/// What came of it, for people; the operator reads what was told to the grants endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// How many segments there are.
    pub segments: usize,
    /// How many of them an earlier pod had written.
    pub resumed: usize,
    /// Bytes of content.
    pub bytes: u64,
}

/// What of a snac folder is taken, in which order: what points to objects before the objects, so that even a copy of a
/// running server would hold no entry without its object.
fn order() -> Result<Order, Failure> {
    Order::new(&["user", "public.idx"], &["object"], &["server.pid", "tmp", "log", ".steppe-drain.json"])
        .map_err(|e| Failure::again("laying out the order of the copy", e))
}

/// Copies what is not copied yet.
///
/// # Errors
/// [`super::outcome::REFUSED`] when the export is over; otherwise a repeat goes on where this one ended.
pub async fn run(args: &ExportArgs) -> Result<Exported, Failure> {
    super::only_snac(args.flavour)?;
    let api = Api::new(args)?;
    let mut log = Log::default();
    let result = copy(args, &api, &mut log).await;
    if let Err(failure) = &result {
        log.say(format!("failed: {failure}"));
    }
    hand_over(&api, &mut log).await;
    result
}

/// A log that cannot be handed over is no reason to fail.
async fn hand_over(api: &Api, log: &mut Log) {
    let text = log.take();
    if text.is_empty() {
        return;
    }
    if let Err(error) = api.put_log(text).await {
        tracing::warn!(%error, "the log could not be handed over");
    }
}

async fn copy(args: &ExportArgs, api: &Api, log: &mut Log) -> Result<Exported, Failure> {
    let task = api.task().await?;
    if task.finished {
        log.say("an earlier pod finished the copy");
        return Ok(Exported { segments: task.done.len(), resumed: task.done.len(), bytes: 0 });
    }
    let total = total_bytes(args).await?;
    log.say(format!("{total} bytes of content; {} segments are there from an earlier pod", task.done.len()));
    let recipients = recipients(&task)?;
    let sink = sink::GrantSink::new(api.clone());
    let mut writer = Writer::open(&args.data, order()?, recipients, sink, task.done.clone(), args.options())
        .map_err(|e| Failure::again("opening the data", e))?;
    let (mut resumed, mut bytes) = (0, 0);
    while let Some(written) = writer.next().await.map_err(|e| Failure::again("copying", e))? {
        bytes += written.record.bytes;
        if written.reused {
            resumed += 1;
            continue;
        }
        let (name, parts) = (written.record.name.clone(), written.record.parts.len());
        api.segment(&SegmentDone { record: written.record, done_bytes: bytes, total_bytes: total }).await?;
        log.say(format!("{name}: {parts} parts stored, {bytes} of {total} bytes done"));
        hand_over(api, log).await;
    }
    let (outcome, _) = writer.finish();
    let finish = survey(args, &task, outcome, log).await?;
    let segments = finish.segments.len();
    hand_over(api, log).await;
    api.finish(&finish).await?;
    log.say(format!("finished: {segments} segments, {bytes} bytes"));
    Ok(Exported { segments, resumed, bytes })
}

/// Counts what is to come, so that progress can be told.
async fn total_bytes(args: &ExportArgs) -> Result<u64, Failure> {
    let (order, data, sizes) = (order()?, args.data.clone(), args.options().sizes);
    let walk = move || -> Result<u64, bundle::plan::WalkError> {
        let mut walk = Walk::open(&data, order, sizes)?;
        let mut total = 0;
        while let Some(segment) = walk.next_segment()? {
            total += segment.bytes();
        }
        Ok(total)
    };
    let counted = tokio::task::spawn_blocking(walk).await.map_err(|e| Failure::again("counting the data", e))?;
    counted.map_err(|e| Failure::again("counting the data", e))
}

async fn survey(
    args: &ExportArgs,
    task: &Task,
    outcome: bundle::stream::Outcome,
    log: &mut Log,
) -> Result<Finish, Failure> {
    let (data, stopped_at) = (args.data.clone(), task.order.stopped_at);
    let survey = tokio::task::spawn_blocking(move || survey::survey(&data, stopped_at))
        .await
        .map_err(|e| Failure::again("counting accounts and posts", e))??;
    let mut counts = outcome.counts;
    (counts.users, counts.posts) = (survey.users, survey.posts);
    let mut warnings = survey.warnings;
    if outcome.skipped.total > 0 {
        warnings.push(format!("{} things were left out because no bundle can carry them", outcome.skipped.total));
    }
    for warning in &warnings {
        log.say(format!("warning: {warning}"));
    }
    Ok(Finish {
        segments: outcome.segments,
        counts,
        skipped: outcome.skipped,
        warnings,
        deliveries_cut: survey.deliveries_cut,
        actor_keys: survey.actor_keys,
    })
}

fn recipients(task: &Task) -> Result<Recipients, Failure> {
    let parsed: Result<Vec<_>, _> = task.order.recipients.iter().map(|text| text.parse()).collect();
    parsed
        .and_then(Recipients::new)
        .map_err(|e| Failure::refused("BadRecipient", format!("the bundle's recipient cannot be used: {e}")))
}
