//! The nightly schedule: an `Export` for each instance and night.
//!
//! It runs at the start and every minute, by the same code: whatever is due and not there is made. The names say
//! the night, so that there are never two of one; a night that was missed is made up for as soon as there is an operator
//! again, and never after the next has begun.

use std::sync::Arc;
use std::time::Duration;

use crd::condition::{self, STOPPED};
use crd::{Export, ExportReason, ExportSpec, Instance, InstanceRef, Mode, labels};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};
use kube::ResourceExt as _;
use kube::api::{Api, PostParams};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::error::is_conflict;
use crate::work::Work as _;

/// Over how many seconds the exports of a night are spread.
const SPREAD: u64 = 4 * 3600;
/// How often it is looked whether something is due.
const EVERY: Duration = Duration::from_secs(60);

/// Makes what is due until `stop`.
pub async fn run(context: Arc<Context>, stop: CancellationToken) {
    if !context.caches.ready(&stop).await {
        return;
    }
    loop {
        once(&context).await;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Makes what is due now.
pub async fn once(context: &Context) {
    let Some(cell) = context.caches.cell() else { return };
    if cell.annotations().contains_key(labels::PAUSED) {
        return;
    }
    let exports = context.caches.exports.state();
    let api: Api<Export> = Api::all(context.client.clone());
    for instance in context.caches.instances.state() {
        // The watch sees every instance; this operator may be told to care for some of them only.
        if !context.selects(instance.as_ref()) {
            continue;
        }
        let Some(export) = due(&instance, &exports, cell.spec.nightly_hour, context.clock.now()) else {
            continue;
        };
        let name = export.name_any();
        match api.create(&PostParams::default(), &export).await {
            Ok(_) => tracing::info!(export = name, instance = instance.name_any(), "nightly export asked for"),
            Err(error) if is_conflict(&error) => {}
            Err(error) => {
                tracing::warn!(export = name, %error, "a nightly export could not be made; it is tried again")
            }
        }
    }
}

/// The export that is due for an instance and not there.
#[must_use]
pub fn due(instance: &Instance, exports: &[Arc<Export>], hour: u8, now: Timestamp) -> Option<Export> {
    let uid = instance.uid()?;
    let status = instance.status.as_ref()?;
    let born_at = status.identity.as_ref()?.born_at;
    let paused = instance.annotations().contains_key(labels::PAUSED);
    if !instance.spec.exports.nightly || paused || instance.spec.mode == Mode::Closing {
        return None;
    }
    let (night, began) = night(now, hour)?;
    let due_at = began.checked_add(Span::new().seconds(offset(&uid))).ok()?;
    if now < due_at || born_at >= due_at || is_unchanged(instance) {
        return None;
    }
    let name = format!("{}-nightly-{}", instance.name_any(), night.strftime("%Y%m%d"));
    let in_the_way = |export: &&Arc<Export>| {
        let unfinished = export.spec.reason == ExportReason::Nightly && !export.work().phase.is_final();
        export.name_any() == name || (export.instance_uid() == uid && unfinished)
    };
    if exports.iter().find(in_the_way).is_some() {
        return None;
    }
    let mut export = Export::new(
        &name,
        ExportSpec {
            instance_ref: InstanceRef { name: instance.name_any(), uid: uid.clone() },
            reason: ExportReason::Nightly,
            recipient: None,
            key_claim: None,
        },
    );
    // The instance's labels too: what selects the instance selects its exports.
    let mut marks = instance.labels().clone();
    marks.insert(labels::INSTANCE_UID.to_owned(), uid);
    export.metadata.labels = Some(marks);
    Some(export)
}

/// Whether it is frozen and its newest bundle was made since: another would hold the same.
fn is_unchanged(instance: &Instance) -> bool {
    let Some(status) = &instance.status else { return false };
    let stopped = status.conditions.iter().find(|condition| condition.type_ == STOPPED);
    let since = stopped
        .filter(|condition| condition::Condition::is_true(condition))
        .map(|condition| condition.last_transition_time);
    let newest = status.last_export.as_ref().map(|export| export.finished_at);
    instance.spec.mode == Mode::Frozen && since.zip(newest).is_some_and(|(since, newest)| newest > since)
}

/// The night that has begun last, and when.
fn night(now: Timestamp, hour: u8) -> Option<(Date, Timestamp)> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let began = |date: Date| {
        date.at(i8::try_from(hour).ok()?, 0, 0, 0).to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    let yesterday = today.checked_sub(1.day()).ok()?;
    [today, yesterday].into_iter().find_map(|date| began(date).filter(|began| *began <= now).map(|began| (date, began)))
}

/// Seconds after the beginning of the night; the same every night.
fn offset(uid: &str) -> i64 {
    let hash = Sha256::digest(uid.as_bytes());
    let number = hash.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    i64::try_from(number % SPREAD).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const HOUR: u8 = 3;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn instance(change: impl Fn(&mut Value)) -> Instance {
        let mut instance = json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "Instance",
            "metadata": { "name": "birds", "uid": "uid-1", "labels": { "canary": "yes" } },
            "spec": { "flavour": "snac", "version": "2.75", "hostname": "birds.example", "owner": { "handle": "alice" } },
            "status": { "identity": {
                "volumeClaimUid": "c", "volumeName": "v", "secretUid": "s", "fingerprint": "f", "bornAt": "2026-01-01T12:00:00Z" },
                "conditions": [] },
        });
        change(&mut instance);
        serde_json::from_value(instance).unwrap()
    }

    fn due_name(instance: &Instance, exports: &[Arc<Export>], now: &str) -> Option<String> {
        due(instance, exports, HOUR, time(now)).map(|export| export.name_any())
    }

    #[test]
    fn once_a_night_and_missed_nights_are_made_up_for() {
        let birds = instance(|_| {});
        let at = time("2026-01-02T03:00:00Z").checked_add(Span::new().seconds(offset("uid-1"))).unwrap();
        let before = at.checked_sub(Span::new().seconds(1)).unwrap();
        // The night before, it was not born yet.
        assert_eq!(due_name(&birds, &[], &before.to_string()), None);
        assert_eq!(due_name(&birds, &[], &at.to_string()).as_deref(), Some("birds-nightly-20260102"));
        assert_eq!(due_name(&birds, &[], "2026-01-03T02:59:59Z").as_deref(), Some("birds-nightly-20260102"));
        let made = Arc::new(due(&birds, &[], HOUR, at).unwrap());
        assert_eq!(made.labels().get("canary").map(String::as_str), Some("yes"));
        assert_eq!(due_name(&birds, std::slice::from_ref(&made), "2026-01-02T12:00:00Z"), None);
        // Of a night, not of a day: an unfinished one is not piled upon.
        assert_eq!(due_name(&birds, std::slice::from_ref(&made), "2026-01-04T02:00:00Z"), None);
        let mut done = (*made).clone();
        done.status = serde_json::from_value(json!({ "phase": "Succeeded" })).unwrap();
        assert_eq!(
            due_name(&birds, &[Arc::new(done)], "2026-01-04T02:00:00Z").as_deref(),
            Some("birds-nightly-20260103")
        );
    }

    #[test]
    fn not_for_everyone() {
        let noon = "2026-01-02T12:00:00Z";
        assert!(due_name(&instance(|_| {}), &[], noon).is_some());
        for change in [
            (|i: &mut Value| i["spec"]["exports"] = json!({ "nightly": false })) as fn(&mut Value),
            |i| i["spec"]["mode"] = json!("Closing"),
            |i| i["metadata"]["annotations"] = json!({ labels::PAUSED: "" }),
            |i| i["status"]["identity"] = Value::Null,
            |i| i["status"]["identity"]["bornAt"] = json!("2026-01-02T11:59:00Z"),
            |i| {
                i["spec"]["mode"] = json!("Frozen");
                i["status"]["conditions"] = json!([{ "type": STOPPED, "status": "True", "reason": "Frozen", "message": "", "lastTransitionTime": "2026-01-01T20:00:00Z" }]);
                i["status"]["lastExport"] =
                    json!({ "uid": "e", "manifestDigest": "d", "finishedAt": "2026-01-01T21:00:00Z" });
            },
        ] {
            assert_eq!(due_name(&instance(change), &[], noon), None);
        }
    }

    #[test]
    fn spread_over_four_hours() {
        let offsets: Vec<i64> = (0..1000).map(|n| offset(&format!("uid-{n}"))).collect();
        assert!(offsets.iter().all(|offset| (0..14_400).contains(offset)));
        let early = offsets.iter().filter(|offset| **offset < 7200).count();
        assert!((400..600).contains(&early), "{early}");
    }
}
