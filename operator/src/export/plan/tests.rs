//! Situations and what is decided in them, with the status that follows.

use std::sync::Arc;

use crd::{AccountChange, Cell, Export, Instance};
use serde_json::{Value, json};

use super::super::apply::Done;
use super::super::observe::Copy;
use super::super::status;
use super::super::validate::validate;
use super::*;
use crate::cache::Ended;
use crate::grants::wire::Finish;
use crate::work::FINALIZER;

const NOW: &str = "2026-01-02T04:00:00Z";

fn export(name: &str, created: &str, status: Value) -> Export {
    serde_json::from_value(json!({
        "apiVersion": "steppe.host/v1alpha1", "kind": "Export",
        "metadata": {
            "name": name, "uid": format!("{name}-uid"), "resourceVersion": "7", "creationTimestamp": created,
            "labels": { crd::labels::INSTANCE_UID: "i" }, "finalizers": [FINALIZER],
        },
        "spec": { "instanceRef": { "name": "birds", "uid": "i" } },
        "status": status,
    }))
    .unwrap()
}

fn instance(change: impl FnOnce(&mut Value)) -> Instance {
    let mut instance = json!({
        "apiVersion": "steppe.host/v1alpha1", "kind": "Instance", "metadata": { "name": "birds", "uid": "i" },
        "spec": { "flavour": "snac", "version": "2.75", "hostname": "birds.example", "owner": { "handle": "alice" } },
        "status": {
            "identity": { "volumeClaimUid": "c", "volumeName": "v", "secretUid": "s", "fingerprint": "f", "bornAt": "2026-01-01T12:00:00Z" },
            "conditions": [{ "type": "Stopped", "status": "True", "reason": "Export", "message": "", "lastTransitionTime": "2026-01-02T03:59:00Z" }],
        },
    });
    change(&mut instance);
    serde_json::from_value(instance).unwrap()
}

fn change(phase: &str) -> AccountChange {
    serde_json::from_value(json!({
        "apiVersion": "steppe.host/v1alpha1", "kind": "AccountChange",
        "metadata": { "name": "add-bob", "uid": "a" },
        "spec": { "instanceRef": { "name": "birds", "uid": "i" }, "action": "Remove", "handle": "bob" },
        "status": { "phase": phase },
    }))
    .unwrap()
}

fn cell() -> Cell {
    serde_json::from_value(json!({
        "apiVersion": "steppe.host/v1alpha1", "kind": "Cell", "metadata": { "name": "cell" },
        "spec": {
            "zone": "steppe.test", "ingress": { "className": "c" }, "objectStore": { "endpoint": "http://s", "bucket": "bbb" },
            "networks": {}, "storageClass": "s", "versions": [],
        },
    }))
    .unwrap()
}

fn observed(status: Value) -> Observed {
    Observed {
        now: NOW.parse().unwrap(),
        export: Arc::new(export("mine", "2026-01-02T03:00:00Z", status)),
        cell: Some(Arc::new(cell())),
        instance: Some(Arc::new(instance(|_| {}))),
        namespace: "steppe-t-birds".into(),
        exports: Vec::new(),
        accounts: Vec::new(),
        job: None,
        no_keys: None,
        store_fails: None,
        live: None,
        copy: Copy::default(),
        pods_left: None,
    }
}

fn live() -> Live {
    Live { instance: Some(instance(|_| {})), server_is_down: true, exports: Vec::new(), accounts: Vec::new() }
}

fn job() -> Job {
    Job {
        name: "export-mine-uid".into(),
        uid: "j".into(),
        attempt: 1,
        deleting: false,
        complete: false,
        failed: None,
        ended: None,
        waiting: None,
    }
}

fn finish() -> Finish {
    serde_json::from_value(json!({
        "segments": [], "counts": { "users": 1, "posts": 2, "files": 3, "directories": 4, "hard_links": 5, "bytes": 6 },
        "skipped": { "total": 0, "listed": [] }, "warnings": ["7 deliveries were cut"], "deliveriesCut": 7, "actorKeys": [],
    }))
    .unwrap()
}

/// What is decided, and the parts of the status that it changes.
fn told(what: &str, observed: &Observed, done: Done) -> String {
    let decision = decide(observed, &validate(observed));
    let after = status::next(observed, &decision, &done);
    let before = observed.export.status.clone().unwrap_or_default();
    let difference =
        crate::status::difference(&serde_json::to_value(&before).unwrap(), &serde_json::to_value(&after).unwrap());
    let events: Vec<_> = status::notes(&before, &after).into_iter().map(|note| note.reason).collect();
    let difference = difference.map_or("no change".into(), |value| value.to_string());
    format!("{what}\n  {decision}\n  {difference}\n  events {events:?}\n")
}

fn nothing(what: &str, observed: &Observed) -> String {
    told(what, observed, Done::Nothing)
}

fn with(mut observed: Observed, change: impl FnOnce(&mut Observed)) -> Observed {
    change(&mut observed);
    observed
}

fn stopping() -> Value {
    json!({ "phase": "Running", "step": "Stopping", "percent": 1, "attempt": 1, "startedAt": "2026-01-02T03:59:00Z", "stoppedAt": "2026-01-02T03:59:00Z" })
}

fn copying() -> Value {
    json!({ "phase": "Running", "step": "Copying", "percent": 5, "attempt": 1, "startedAt": "2026-01-02T03:59:00Z", "stoppedAt": "2026-01-02T03:59:00Z" })
}

#[test]
fn before_it_begins() {
    let text = [
        nothing("free", &observed(json!({}))),
        nothing("not marked", &with(observed(json!({})), |o| Arc::make_mut(&mut o.export).metadata.finalizers = None)),
        nothing("no instance", &with(observed(json!({})), |o| o.instance = None)),
        nothing(
            "not born",
            &with(observed(json!({})), |o| {
                o.instance = Some(Arc::new(instance(|i| i["status"]["identity"] = Value::Null)))
            }),
        ),
        nothing(
            "no keys",
            &with(observed(json!({})), |o| {
                o.no_keys = crate::export::keys::PlatformKeys::read("/nonexistent".as_ref()).err()
            }),
        ),
        nothing(
            "store away",
            &with(observed(json!({})), |o| {
                o.store_fails = Some("looking at work/… in the object store: no route to host".into());
            }),
        ),
        nothing(
            "paused",
            &with(observed(json!({})), |o| {
                o.instance =
                    Some(Arc::new(instance(|i| i["metadata"]["annotations"] = json!({ crd::labels::PAUSED: "" }))));
            }),
        ),
        nothing(
            "identity missing",
            &with(observed(json!({})), |o| {
                o.instance =
                    Some(Arc::new(instance(|i| i["status"]["conditions"][0]["type"] = json!("IdentityMissing"))));
            }),
        ),
        nothing(
            "bad recipient",
            &with(observed(json!({})), |o| Arc::make_mut(&mut o.export).spec.recipient = Some("age1bad".into())),
        ),
        nothing(
            "older one waits",
            &with(observed(json!({})), |o| {
                o.exports = vec![Arc::new(export("older", "2026-01-02T02:00:00Z", json!({})))]
            }),
        ),
        nothing(
            "younger one waits",
            &with(observed(json!({})), |o| {
                o.exports = vec![Arc::new(export("younger", "2026-01-02T03:30:00Z", json!({})))]
            }),
        ),
        nothing(
            "younger one copies",
            &with(observed(json!({})), |o| {
                o.exports = vec![Arc::new(export("younger", "2026-01-02T03:30:00Z", copying()))]
            }),
        ),
        nothing("account change runs", &with(observed(json!({})), |o| o.accounts = vec![Arc::new(change("Running"))])),
        nothing("account change waits", &with(observed(json!({})), |o| o.accounts = vec![Arc::new(change("Pending"))])),
        nothing(
            "deleted",
            &with(observed(json!({})), |o| {
                Arc::make_mut(&mut o.export).metadata.deletion_timestamp =
                    Some(serde_json::from_value(json!(NOW)).unwrap())
            }),
        ),
        nothing(
            "frozen server",
            &with(observed(json!({})), |o| {
                o.instance = Some(Arc::new(instance(|i| i["spec"]["mode"] = json!("Frozen"))))
            }),
        ),
    ];
    insta::assert_snapshot!(text.join(""));
}

#[test]
fn while_the_server_stops() {
    let at = |change: fn(&mut Live)| {
        let mut live = live();
        change(&mut live);
        with(observed(stopping()), |o| o.live = Some(live))
    };
    let text = [
        nothing("still up", &observed(stopping())),
        told("down", &at(|_| {}), Done::Job(1)),
        nothing("last pod", &at(|live| live.server_is_down = false)),
        nothing(
            "started again meanwhile",
            &at(|live| live.instance = Some(instance(|i| i["status"]["conditions"][0]["status"] = json!("False")))),
        ),
        nothing(
            "identity lost",
            &at(|live| {
                live.instance = Some(instance(
                    |i| i["status"]["conditions"] = json!([{ "type": "IdentityMissing", "status": "True", "reason": "", "message": "", "lastTransitionTime": NOW }]),
                ))
            }),
        ),
        nothing("instance gone", &at(|live| live.instance = None)),
        nothing(
            "an older one stops too",
            &at(|live| live.exports = vec![export("older", "2026-01-02T02:00:00Z", stopping())]),
        ),
        nothing(
            "a younger one stops too",
            &at(|live| live.exports = vec![export("younger", "2026-01-02T03:30:00Z", stopping())]),
        ),
        nothing(
            "a younger one signs",
            &at(|live| {
                live.exports =
                    vec![export("younger", "2026-01-02T03:30:00Z", json!({ "phase": "Running", "step": "Signing" }))]
            }),
        ),
        nothing("an account is changed", &at(|live| live.accounts = vec![change("Running")])),
        told("killed after the Job was made", &with(observed(stopping()), |o| o.job = Some(job())), Done::Job(1)),
        nothing("does not stop", &with(observed(stopping()), |o| o.now = "2026-01-02T04:15:00Z".parse().unwrap())),
        nothing(
            "deleted",
            &with(observed(stopping()), |o| {
                Arc::make_mut(&mut o.export).metadata.deletion_timestamp =
                    Some(serde_json::from_value(json!(NOW)).unwrap())
            }),
        ),
        nothing(
            "deleted with Job",
            &with(observed(stopping()), |o| {
                Arc::make_mut(&mut o.export).metadata.deletion_timestamp =
                    Some(serde_json::from_value(json!(NOW)).unwrap());
                o.job = Some(job());
            }),
        ),
        nothing("somebody's own step", &observed(json!({ "phase": "Running", "step": "Dancing" }))),
    ];
    insta::assert_snapshot!(text.join(""));
}

#[test]
fn while_it_is_copied() {
    let with_job = |change: fn(&mut Job)| {
        let mut job = job();
        change(&mut job);
        with(observed(copying()), |o| o.job = Some(job))
    };
    let ended = |code: i64, message: &str| Some(Ended { container: "export".into(), code, message: message.into() });
    let refused = ended(4, r#"{"error":{"reason":"BadRecipient","message":"no"}}"#);
    let broken = ended(1, r#"{"error":{"reason":"Error","message":"the store is away"}}"#);
    let failed = |end: Option<Ended>| {
        with(observed(copying()), |o| {
            o.job = Some(Job { failed: Some("BackoffLimitExceeded".into()), ended: end, ..job() })
        })
    };
    let text = [
        nothing("works", &with_job(|_| {})),
        nothing("cannot start", &with_job(|job| job.waiting = Some("ImagePullBackOff: no".into()))),
        nothing("half done", &with(with_job(|_| {}), |o| (o.copy.done_bytes, o.copy.total_bytes) = (50, 100))),
        told("Job deleted by somebody", &observed(copying()), Done::Job(2)),
        told("Job deleted, not in the cache yet", &observed(copying()), Done::Job(1)),
        nothing("Job going", &with_job(|job| job.deleting = true)),
        nothing("failed for a passing reason", &failed(broken.clone())),
        nothing("failed for good", &failed(refused)),
        nothing("failed without a word", &failed(None)),
        nothing("done without a record", &with_job(|job| job.complete = true)),
        nothing(
            "failed too often",
            &with(
                observed(
                    json!({ "phase": "Running", "step": "Copying", "attempt": 3, "startedAt": "2026-01-02T03:59:00Z" }),
                ),
                |_| {},
            ),
        ),
        nothing(
            "too long",
            &with(with_job(|_| {}), |o| (o.copy.begun, o.now) = (true, "2026-01-02T06:00:00Z".parse().unwrap())),
        ),
        nothing("complete, the pod is ending", &with(with_job(|_| {}), |o| o.copy.finish = Some(finish()))),
        nothing("complete", &with(with_job(|job| job.complete = true), |o| o.copy.finish = Some(finish()))),
        nothing("complete, and then the Job failed", &with(failed(broken), |o| o.copy.finish = Some(finish()))),
        nothing(
            "complete, the Job's record is gone",
            &with(observed(copying()), |o| (o.copy.finish, o.pods_left) = (Some(finish()), Some(0))),
        ),
        nothing(
            "no pod begins",
            &with(with_job(|job| job.waiting = Some("ErrImagePull: no".into())), |o| {
                o.now = "2026-01-02T04:10:00Z".parse().unwrap();
            }),
        ),
        nothing(
            "a pod has begun",
            &with(with_job(|_| {}), |o| {
                (o.copy.begun, o.now) = (true, "2026-01-02T04:10:00Z".parse().unwrap());
            }),
        ),
        nothing(
            "store away",
            &with(with_job(|job| job.complete = true), |o| o.store_fails = Some("no route to host".into())),
        ),
        nothing(
            "complete, a pod is left",
            &with(observed(copying()), |o| (o.copy.finish, o.pods_left) = (Some(finish()), Some(1))),
        ),
        nothing("no cell for a moment", &with(observed(copying()), |o| o.cell = None)),
    ];
    insta::assert_snapshot!(text.join(""));
}

#[test]
fn when_it_is_given_up() {
    let given_up = || {
        let mut status = copying();
        (status["reason"], status["message"]) = (json!("TookTooLong"), json!("too long"));
        observed(status)
    };
    let text = [
        nothing("Job works", &with(given_up(), |o| o.job = Some(job()))),
        nothing("Job going", &with(given_up(), |o| o.job = Some(Job { deleting: true, ..job() }))),
        nothing("a pod is left", &with(given_up(), |o| o.pods_left = Some(1))),
        nothing("all gone", &with(given_up(), |o| o.pods_left = Some(0))),
        nothing(
            "a pod that does not go",
            &with(given_up(), |o| (o.pods_left, o.now) = (Some(1), "2026-01-02T06:10:00Z".parse().unwrap())),
        ),
    ];
    insta::assert_snapshot!(text.join(""));
}

fn succeeded() -> Value {
    json!({
        "phase": "Succeeded", "percent": 100, "attempt": 1, "finishedAt": "2026-01-02T03:59:30Z",
        "bundle": { "prefix": "p/", "manifestDigest": "d", "bytes": 1, "parts": 1, "files": 1, "keyId": "k", "stoppedSeconds": 3 },
    })
}

#[test]
fn when_it_is_over() {
    let over = |status: Value| with(observed(status), |o| Arc::make_mut(&mut o.export).metadata.finalizers = None);
    let claimed =
        |status: Value| with(over(status), |o| Arc::make_mut(&mut o.export).spec.key_claim = Some("age1claim".into()));
    let merged = |more: Value| {
        let mut status = succeeded();
        status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        status
    };
    let signing = || json!({ "phase": "Running", "step": "Signing", "percent": 92, "stoppedAt": "2026-01-02T03:59:00Z", "copiedAt": "2026-01-02T03:59:10Z" });
    let bundle = || serde_json::from_value(succeeded()["bundle"].clone()).unwrap();
    let text = [
        told("signed", &observed(signing()), Done::Signed(bundle())),
        told("broken", &observed(signing()), Done::Broken("segment-0000/part-0000 is missing".into())),
        nothing("Job left", &with(observed(succeeded()), |o| o.job = Some(job()))),
        nothing("held", &observed(succeeded())),
        nothing("rests", &over(succeeded())),
        told("key asked for", &claimed(succeeded()), Done::Key(Ok("sealed".into()))),
        told("no key to give", &claimed(succeeded()), Done::Key(Err("the bundle has no key of its own".into()))),
        nothing("key given", &claimed(merged(json!({ "keyClaim": "sealed", "keyClaimFor": "age1claim" })))),
        told(
            "another claim",
            &claimed(merged(json!({ "keyClaim": "sealed", "keyClaimFor": "age1other" }))),
            Done::Key(Ok("again".into())),
        ),
        nothing("claim taken back", &over(merged(json!({ "keyClaim": "sealed", "keyClaimFor": "age1claim" })))),
        nothing(
            "bundle expired",
            &claimed(merged(json!({ "keyClaim": "sealed", "keyClaimFor": "age1claim", "expiredAt": NOW }))),
        ),
    ];
    insta::assert_snapshot!(text.join(""));
}

/// Whatever fails: a server is held stopped no longer than the limits say, if the operator looks again.
#[test]
fn no_server_stays_stopped() {
    let far = "2026-01-02T09:00:00Z";
    for status in [stopping(), copying()] {
        for job in [
            None,
            Some(job()),
            Some(Job { failed: Some(String::new()), ..job() }),
            Some(Job { deleting: true, ..job() }),
        ] {
            for pods_left in [None, Some(0), Some(1)] {
                for (begun, store_fails) in [(false, None), (true, None), (false, Some("no route to host"))] {
                    let mut status = status.clone();
                    for _ in 0..10 {
                        let mut now = observed(status.clone());
                        (now.job, now.pods_left) = (job.clone(), pods_left);
                        (now.copy.begun, now.store_fails) = (begun, store_fails.map(str::to_owned));
                        now.now = far.parse().unwrap();
                        let decision = decide(&now, &validate(&now));
                        status = serde_json::to_value(status::next(&now, &decision, &Done::Job(1))).unwrap();
                    }
                    assert_eq!(status["phase"], "Failed", "{job:?} {pods_left:?} {status}");
                }
            }
        }
    }
}
