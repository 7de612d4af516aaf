//! Situations and what is decided in them, with the status that follows.

use std::sync::Arc;

use crd::{AccountChange, Cell, Export, Instance};
use serde_json::{Value, json};

use super::super::status;
use super::super::validate::validate;
use super::*;
use crate::cache::Ended;

const NOW: &str = "2026-01-02T04:00:00Z";

fn change(name: &str, created: &str, status: Value) -> AccountChange {
    serde_json::from_value(json!({
        "apiVersion": "steppe.host/v1alpha1", "kind": "AccountChange",
        "metadata": {
            "name": name, "uid": format!("{name}-uid"), "resourceVersion": "7", "creationTimestamp": created,
            "labels": { crd::labels::INSTANCE_UID: "i" }, "finalizers": [FINALIZER],
        },
        "spec": {
            "instanceRef": { "name": "birds", "uid": "i" }, "action": "Add", "handle": "bob",
            "claim": "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
        },
        "status": status,
    }))
    .unwrap()
}

fn export(step: &str) -> Export {
    serde_json::from_value(json!({
        "apiVersion": "steppe.host/v1alpha1", "kind": "Export", "metadata": { "name": "nightly", "uid": "e" },
        "spec": { "instanceRef": { "name": "birds", "uid": "i" } }, "status": { "phase": "Running", "step": step },
    }))
    .unwrap()
}

fn instance(change: impl FnOnce(&mut Value)) -> Instance {
    let mut instance = json!({
        "apiVersion": "steppe.host/v1alpha1", "kind": "Instance", "metadata": { "name": "birds", "uid": "i" },
        "spec": { "flavour": "snac", "version": "2.75", "hostname": "birds.example", "owner": { "handle": "alice" } },
        "status": {
            "identity": { "volumeClaimUid": "c", "volumeName": "v", "secretUid": "s", "fingerprint": "f", "bornAt": "2026-01-01T12:00:00Z" },
            "conditions": [],
        },
    });
    change(&mut instance);
    serde_json::from_value(instance).unwrap()
}

fn observed(status: Value) -> Observed {
    let cell: Cell = serde_json::from_value(json!({
        "apiVersion": "steppe.host/v1alpha1", "kind": "Cell", "metadata": { "name": "cell" },
        "spec": {
            "zone": "steppe.test", "ingress": { "className": "c" }, "objectStore": { "endpoint": "http://s", "bucket": "bbb" },
            "networks": {}, "storageClass": "s", "versions": [{ "flavour": "snac", "version": "2.75", "image": "snac:2.75" }],
        },
    }))
    .unwrap();
    Observed {
        now: NOW.parse().unwrap(),
        change: Arc::new(change("mine", "2026-01-02T03:00:00Z", status)),
        cell: Some(Arc::new(cell)),
        instance: Some(Arc::new(instance(|_| {}))),
        namespace: "steppe-t-birds".into(),
        changes: Vec::new(),
        exports: Vec::new(),
        job: None,
        server_pod: true,
        live: None,
    }
}

fn live() -> Live {
    Live { changes: Vec::new(), exports: Vec::new(), pods_left: 0 }
}

fn job() -> Job {
    Job {
        name: "account-mine-uid".into(),
        uid: "j".into(),
        attempt: 1,
        deleting: false,
        complete: false,
        failed: None,
        ended: None,
        waiting: None,
    }
}

fn ended(code: i64, message: &str) -> Option<Ended> {
    Some(Ended { container: "account".into(), code, message: message.into() })
}

fn told(what: &str, observed: &Observed, attempt: Option<u32>) -> String {
    let decision = decide(observed, &validate(observed));
    let after = status::next(observed, &decision, attempt);
    let before = observed.change.status.clone().unwrap_or_default();
    let difference =
        crate::status::difference(&serde_json::to_value(&before).unwrap(), &serde_json::to_value(&after).unwrap());
    let events: Vec<_> = status::notes(&before, &after).into_iter().map(|note| note.reason).collect();
    let difference = difference.map_or("no change".into(), |value| value.to_string());
    format!("{what}\n  {decision}\n  {difference}\n  events {events:?}\n")
}

fn nothing(what: &str, observed: &Observed) -> String {
    told(what, observed, None)
}

fn with(mut observed: Observed, change: impl FnOnce(&mut Observed)) -> Observed {
    change(&mut observed);
    observed
}

fn running() -> Value {
    json!({ "phase": "Running", "step": "Working", "attempt": 1, "startedAt": "2026-01-02T03:59:00Z" })
}

fn working() -> Value {
    let mut status = running();
    (status["percent"], status["log"]) = (json!(10), json!(["2026-01-02T03:59:00Z attempt 1 begins"]));
    status
}

#[test]
fn an_attempt_is_said_to_have_begun_even_if_the_operator_died_when_it_had_made_the_job() {
    let seen = with(observed(running()), |o| o.job = Some(job()));
    let after = status::next(&seen, &decide(&seen, &validate(&seen)), None);
    assert_eq!((after.work.percent, after.work.log.len()), (10, 1));
    assert!(after.work.log[0].ends_with(" attempt 1 begins"), "{:?}", after.work.log);
    // Once.
    let seen = with(observed(serde_json::to_value(&after).unwrap()), |o| o.job = Some(job()));
    assert_eq!(status::next(&seen, &decide(&seen, &validate(&seen)), None), after);
}

#[test]
fn before_it_begins() {
    let spec = |change: fn(&mut crd::AccountChangeSpec)| {
        with(observed(json!({})), |o| change(&mut Arc::make_mut(&mut o.change).spec))
    };
    let text = [
        nothing("free", &observed(json!({}))),
        nothing("not marked", &with(observed(json!({})), |o| Arc::make_mut(&mut o.change).metadata.labels = None)),
        nothing(
            "the owner is removed",
            &spec(|spec| (spec.action, spec.handle) = (crd::AccountAction::Remove, "alice".parse().unwrap())),
        ),
        nothing(
            "the owner's log-in is reset",
            &spec(|spec| (spec.action, spec.handle) = (crd::AccountAction::ResetLogin, "alice".parse().unwrap())),
        ),
        nothing(
            "mistyped claim",
            &spec(|spec| spec.claim = Some("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8q".into())),
        ),
        nothing("no claim", &spec(|spec| spec.claim = None)),
        nothing(
            "not born",
            &with(observed(json!({})), |o| {
                o.instance = Some(Arc::new(instance(|i| i["status"]["identity"] = Value::Null)))
            }),
        ),
        nothing(
            "unknown version",
            &with(observed(json!({})), |o| {
                o.instance = Some(Arc::new(instance(|i| i["spec"]["version"] = json!("9"))))
            }),
        ),
        nothing("an export copies", &with(observed(json!({})), |o| o.exports = vec![Arc::new(export("Copying"))])),
        nothing("an export signs", &with(observed(json!({})), |o| o.exports = vec![Arc::new(export("Signing"))])),
        nothing(
            "an older change waits",
            &with(observed(json!({})), |o| {
                o.changes = vec![Arc::new(change("older", "2026-01-02T02:00:00Z", json!({})))]
            }),
        ),
        nothing(
            "a younger change runs",
            &with(observed(json!({})), |o| {
                o.changes = vec![Arc::new(change("younger", "2026-01-02T03:30:00Z", running()))]
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
fn while_it_runs() {
    let at = |change: fn(&mut Live)| {
        let mut live = live();
        change(&mut live);
        with(observed(running()), |o| o.live = Some(live))
    };
    let with_job = |change: fn(&mut Job)| {
        let mut job = job();
        change(&mut job);
        with(observed(working()), |o| o.job = Some(job))
    };
    let text = [
        told("its turn", &at(|_| {}), Some(1)),
        nothing("an export began to stop the server", &at(|live| live.exports = vec![export("Stopping")])),
        nothing(
            "an older change runs too",
            &at(|live| live.changes = vec![change("older", "2026-01-02T02:00:00Z", running())]),
        ),
        nothing(
            "a younger change runs too",
            &at(|live| live.changes = vec![change("younger", "2026-01-02T03:30:00Z", running())]),
        ),
        nothing("works", &with_job(|_| {})),
        nothing("done", &with_job(|job| (job.complete, job.ended) = (true, ended(0, r#"{"claim":"sealed"}"#)))),
        nothing("done, and the result is lost", &with_job(|job| job.complete = true)),
        nothing(
            "refused",
            &with_job(|job| {
                (job.failed, job.ended) =
                    (Some(String::new()), ended(4, r#"{"error":{"reason":"AccountExists","message":"there is bob"}}"#))
            }),
        ),
        nothing(
            "failed",
            &with_job(|job| {
                (job.failed, job.ended) =
                    (Some(String::new()), ended(1, r#"{"error":{"reason":"Error","message":"disk full"}}"#))
            }),
        ),
        nothing("Job going", &with_job(|job| job.deleting = true)),
        nothing("too long", &with(with_job(|_| {}), |o| o.now = "2026-01-02T05:00:00Z".parse().unwrap())),
        nothing(
            "failed too often",
            &with(at(|_| {}), |o| Arc::make_mut(&mut o.change).status.as_mut().unwrap().work.attempt = 4),
        ),
        nothing(
            "deleted",
            &with(with_job(|_| {}), |o| {
                Arc::make_mut(&mut o.change).metadata.deletion_timestamp =
                    Some(serde_json::from_value(json!(NOW)).unwrap())
            }),
        ),
    ];
    insta::assert_snapshot!(text.join(""));
}

#[test]
fn when_it_is_over() {
    let given_up = || {
        observed(
            json!({ "phase": "Running", "step": "Working", "attempt": 1, "reason": "Deleted", "message": "the change was deleted" }),
        )
    };
    let over = || {
        with(observed(json!({ "phase": "Succeeded", "finishedAt": "2026-01-02T03:59:30Z", "claim": "sealed" })), |o| {
            Arc::make_mut(&mut o.change).metadata.finalizers = None
        })
    };
    let text = [
        nothing("given up, Job works", &with(given_up(), |o| o.job = Some(job()))),
        nothing("given up, a pod is left", &with(given_up(), |o| o.live = Some(Live { pods_left: 1, ..live() }))),
        nothing("given up, all gone", &with(given_up(), |o| o.live = Some(live()))),
        nothing("over, Job left", &with(over(), |o| o.job = Some(job()))),
        nothing("over, held", &observed(json!({ "phase": "Failed", "finishedAt": "2026-01-02T03:59:30Z" }))),
        nothing("over", &over()),
    ];
    insta::assert_snapshot!(text.join(""));
}

/// It was counted as a failed attempt, and after three of them the change was given up.
#[test]
fn stepping_back_for_an_export_is_no_failure() {
    let mut status = json!({});
    for _ in 0..10 {
        let begun = observed(status);
        let decision = decide(&begun, &validate(&begun));
        assert_eq!(decision, Decision::Begin);
        let begun = observed(serde_json::to_value(status::next(&begun, &decision, None)).unwrap());
        let begun = with(begun, |o| {
            o.live = Some(Live { exports: vec![export("Stopping")], ..live() });
        });
        let decision = decide(&begun, &validate(&begun));
        assert!(matches!(decision, Decision::Yield { .. }), "{decision}");
        status = serde_json::to_value(status::next(&begun, &decision, None)).unwrap();
    }
    assert_eq!(status["attempt"], 1);
}
