//! The three pure steps, from observation to status.

use std::sync::Arc;

use crd::{Mode, condition, labels};
use serde_json::{Value, json};

use super::fixture::*;
use super::observe::{DataSight, NamespaceSight, SecretSight, StartSight};
use super::plan::{Birth, Decision};
use super::power::Power;
use super::{resources, validate};
use crate::job::birth::Born;
use crate::job::outcome;
use crate::kind::Kind;
use crate::probe::{Health, Verdict};

fn reason(decision: &Decision) -> &str {
    match decision {
        Decision::Refused(refusal) => refusal.reason,
        other @ (Decision::Paused(_) | Decision::Carry(_)) => panic!("it was not refused: {other}"),
    }
}

// ---- Whole plans, to be reviewed as text.

#[test]
fn plan_for_a_fresh_instance() {
    insta::assert_snapshot!(format!("{:#}", carry(&fresh())));
}

#[test]
fn plan_for_a_running_instance() {
    insta::assert_snapshot!(format!("{:#}", carry(&running())));
}

#[test]
fn plan_for_a_frozen_instance() {
    let mut seen = running();
    wish_mode(&mut seen, Mode::Frozen);
    insta::assert_snapshot!(carry(&seen).to_string());
}

#[test]
fn plan_for_an_exporting_instance() {
    let mut seen = running();
    seen.exports.push(export("night", "Stopping"));
    insta::assert_snapshot!(carry(&seen).to_string());
}

#[test]
fn plan_for_a_missing_identity() {
    let mut seen = running();
    seen.owned.retain(|held| held.kind != Kind::PersistentVolumeClaim);
    seen.claim = DataSight::Missing;
    insta::assert_snapshot!(carry(&seen).to_string());
}

#[test]
fn plan_for_a_taken_host() {
    let mut seen = fresh();
    seen.host_taken_by = Some("egret".to_owned());
    insta::assert_snapshot!(decide(&seen).to_string());
}

// ---- Validation.

#[test]
fn what_is_refused() {
    let mut no_cell = fresh();
    no_cell.cell = None;
    assert_eq!(reason(&decide(&no_cell)), "NoCell");

    let mut bad_cell = fresh();
    Arc::make_mut(bad_cell.cell.as_mut().unwrap()).spec.networks.pods = vec!["10.244.0.1/16".to_owned()];
    assert_eq!(reason(&decide(&bad_cell)), "CellUnreadable");

    for flavour in ["mastodon", "glitch-soc", "gotosocial"] {
        let mut other = fresh();
        Arc::make_mut(&mut other.instance).spec.flavour = flavour.parse().unwrap();
        assert_eq!(reason(&decide(&other)), "FlavourNotBuilt");
    }

    let mut unknown = fresh();
    Arc::make_mut(&mut unknown.instance).spec.version = "9.99".parse().unwrap();
    assert_eq!(reason(&decide(&unknown)), "VersionUnknown");

    let mut zone = fresh();
    Arc::make_mut(&mut zone.instance).spec.hostname = "ponds.test".parse().unwrap();
    assert_eq!(reason(&decide(&zone)), "HostIsZone");

    let mut claim = fresh();
    Arc::make_mut(&mut claim.instance).spec.owner_claim = Some("age1nonsense".to_owned());
    assert_eq!(reason(&decide(&claim)), "BadRecipient");

    let mut full = fresh();
    full.has_room = false;
    assert_eq!(reason(&decide(&full)), "NoRoom");

    let mut long = fresh();
    long.namespace_name = "x".repeat(64);
    assert_eq!(reason(&decide(&long)), "BadName");
}

#[test]
fn a_born_server_is_kept_when_the_cell_forgets_its_version_or_fills_up() {
    let mut seen = running();
    seen.has_room = false;
    Arc::make_mut(&mut seen.instance).spec.version = "2.70".parse().unwrap();
    assert_eq!(carry(&seen).wish.image, "registry.test/snac@sha256:0000");
    wish_mode(&mut seen, Mode::Frozen);
    assert!(!carry(&seen).power.is_on());
}

fn foreign(seen: &mut super::observe::Observed, owner: Option<&str>, hostname: &str) {
    seen.namespace = NamespaceSight::Present {
        owner: owner.map(str::to_owned),
        annotations: [
            (validate::HOSTNAME.to_owned(), hostname.to_owned()),
            (validate::FLAVOUR.to_owned(), "snac".to_owned()),
            (validate::IDENTITY.to_owned(), json!(identity()).to_string()),
        ]
        .into(),
    };
}

fn adopt(seen: &mut super::observe::Observed, uid: &str) {
    Arc::make_mut(&mut seen.instance)
        .metadata
        .annotations
        .get_or_insert_default()
        .insert(labels::ADOPT_UID.to_owned(), uid.to_owned());
}

#[test]
fn anothers_namespace_is_never_touched() {
    let mut nobodys = fresh();
    foreign(&mut nobodys, None, "heron.ponds.test");
    assert_eq!(reason(&decide(&nobodys)), "NamespaceHeld");

    let mut anothers = fresh();
    foreign(&mut anothers, Some("uid-older"), "heron.ponds.test");
    assert_eq!(reason(&decide(&anothers)), "NamespaceHeld");
    adopt(&mut anothers, "uid-wrong");
    assert_eq!(reason(&decide(&anothers)), "NamespaceHeld");

    let mut other_host = fresh();
    foreign(&mut other_host, Some("uid-older"), "egret.ponds.test");
    adopt(&mut other_host, "uid-older");
    assert_eq!(reason(&decide(&other_host)), "NamespaceHeld");

    let mut going = fresh();
    going.namespace = NamespaceSight::Terminating;
    assert_eq!(reason(&decide(&going)), "NamespaceTerminating");
}

#[test]
fn an_adopted_server_keeps_its_identity_and_is_not_born_again() {
    let mut seen = fresh();
    foreign(&mut seen, Some("uid-older"), "heron.ponds.test");
    adopt(&mut seen, "uid-older");
    let plan = carry(&seen);
    assert_eq!(plan.birth.record().unwrap().identity, identity());
    assert!(plan.birth.job().is_none());
    assert!(plan.claim.is_none(), "no claim is made before the record");
    assert!(plan.server.is_none());
    assert_eq!(status_after(&seen, true).identity, Some(identity()));
}

#[test]
fn a_lost_status_is_restored_from_the_namespace() {
    let mut seen = fresh();
    foreign(&mut seen, Some("uid-heron"), "heron.ponds.test");
    let plan = carry(&seen);
    assert!(matches!(plan.birth, Birth::Restore(_)));
    assert!(!plan.power.is_on());
}

// ---- Birth.

#[allow(clippy::needless_pass_by_value)] // reads better with `json!` at the call
fn birthing(job: Value, pod_status: Value) -> super::observe::Observed {
    let mut seen = fresh();
    Arc::make_mut(&mut seen.instance).metadata.finalizers = Some(vec![labels::KEEP_FINALIZER.to_owned()]);
    let space = namespace();
    seen.namespace =
        NamespaceSight::Present { owner: Some("uid-heron".to_owned()), annotations: space.annotations.clone() };
    seen.owned =
        vec![space, claim(), volume(), held(Kind::Job, "birth", json!({ "status": job })), pod("birth", pod_status)];
    seen.secret = SecretSight::Present("uid-secret".to_owned());
    seen
}

fn ended(code: i64, message: &str) -> Value {
    json!({
        "phase": if code == 0 { "Succeeded" } else { "Failed" },
        "containerStatuses": [{ "name": "birth", "state": { "terminated": { "exitCode": code, "message": message } } }],
    })
}

fn complete(seconds_ago: i64) -> Value {
    let time = jiff::Timestamp::from_second(NOW - seconds_ago).unwrap();
    json!({ "conditions": [{ "type": "Complete", "status": "True", "lastTransitionTime": time }] })
}

fn failed(seconds_ago: i64) -> Value {
    let time = jiff::Timestamp::from_second(NOW - seconds_ago).unwrap();
    json!({ "conditions": [{ "type": "Failed", "status": "True", "lastTransitionTime": time, "message": "too often" }] })
}

fn born_message() -> String {
    json!(Born {
        fingerprint: "e".repeat(64),
        owner_claim: Some("sealed".to_owned()),
        escrow: Some("sealed too".to_owned()),
    })
    .to_string()
}

#[test]
fn a_birth_counts_when_all_it_hangs_on_is_safe() {
    let seen = birthing(complete(1), ended(0, &born_message()));
    let Birth::Finish(record) = carry(&seen).birth else { panic!("not finished") };
    assert_eq!(record.identity.fingerprint, "e".repeat(64));
    assert_eq!(record.identity.secret_uid, "uid-secret");
    assert_eq!(record.escrow.unwrap().key, "escrow/uid-heron/identity.age");
    assert!(carry(&seen).server.is_none(), "no server before the record");
    assert!(carry(&seen).prune.is_empty(), "the Job stays until the record is saved");

    let mut unbound = birthing(complete(1), ended(0, &born_message()));
    unbound.owned.retain(|held| held.kind != Kind::PersistentVolumeClaim);
    assert!(matches!(carry(&unbound).birth, Birth::Wait { reason: "BirthEnding", .. }));

    let mut deletable = birthing(complete(1), ended(0, &born_message()));
    deletable.owned.retain(|held| held.kind != Kind::PersistentVolume);
    deletable.owned.push(held(
        Kind::PersistentVolume,
        "volume-1",
        json!({ "spec": { "claimRef": { "uid": "uid-persistentvolumeclaim-data" }, "persistentVolumeReclaimPolicy": "Delete" } }),
    ));
    assert!(matches!(carry(&deletable).birth, Birth::Wait { reason: "BirthEnding", .. }));

    let mut secretless = birthing(complete(1), ended(0, &born_message()));
    secretless.secret = SecretSight::Missing;
    assert!(matches!(carry(&secretless).birth, Birth::Wait { reason: "BirthEnding", .. }));
}

#[test]
fn a_birth_that_fails_is_tried_again_later() {
    let refused = outcome::Failure::identity("the volume holds another server");
    let message = json!({ "error": refused }).to_string();
    let seen = birthing(failed(10), ended(3, &message));
    let Birth::Wait { reason, message } = carry(&seen).birth else { panic!("not waiting") };
    assert_eq!(reason, "BirthFailed");
    assert!(message.contains("the volume holds another server"), "{message}");

    let late = birthing(failed(301), ended(3, "{}"));
    let plan = carry(&late);
    assert!(matches!(plan.birth, Birth::Again { .. }));
    assert_eq!(plan.prune.iter().map(|held| held.path()).collect::<Vec<_>>(), ["Job steppe-t-heron/birth"]);

    let mut lost = birthing(complete(31), ended(0, &born_message()));
    lost.owned.retain(|held| held.kind != Kind::Pod);
    assert!(matches!(carry(&lost).birth, Birth::Again { .. }));

    let stuck = birthing(
        json!({}),
        json!({
            "phase": "Pending",
            "initContainerStatuses": [{ "name": "tool", "state": { "waiting": { "reason": "ImagePullBackOff", "message": "no such image" } } }],
        }),
    );
    assert!(matches!(carry(&stuck).birth, Birth::Wait { reason: "BirthStuck", .. }));
}

#[test]
fn a_closing_instance_is_not_born() {
    let mut seen = fresh();
    wish_mode(&mut seen, Mode::Closing);
    let plan = carry(&seen);
    assert!(matches!(plan.birth, Birth::Over));
    assert!(plan.claim.is_none());
}

// ---- Starting and stopping.

#[test]
fn a_start_is_announced_before_it_happens() {
    let announce = born(&[(condition::STOPPED, true, "NotBorn")]);
    let plan = carry(&announce);
    assert_eq!(plan.power, Power::Announce);
    assert!(plan.server.is_none());
    assert!(conditions(&status_after(&announce, false)).contains(&"Stopped=False/Starting".to_owned()));

    let mut clear = born(&[(condition::STOPPED, false, "Starting")]);
    clear.start = StartSight::Clear;
    clear.owned.push(deployment(0, 0, 0));
    let server = carry(&clear).server.unwrap();
    assert_eq!(server.body["spec"]["replicas"], 1);
    assert!(server.unseen_writes_refused, "a start that was decided earlier must not overtake a stop");

    let mut held_back = clear.clone();
    held_back.start = StartSight::Held("Export night copies its data".to_owned());
    let plan = carry(&held_back);
    assert!(plan.server.is_none());
    assert!(conditions(&status_after(&held_back, false)).contains(&"Stopped=False/Starting".to_owned()));
}

#[test]
fn a_server_is_stopped_only_when_its_pods_are_gone() {
    let mut seen = running();
    wish_mode(&mut seen, Mode::Frozen);
    assert!(conditions(&status_after(&seen, true)).contains(&"Stopped=False/Stopping".to_owned()));

    seen.owned.retain(|held| held.kind != Kind::Deployment);
    seen.owned.push(deployment(0, 0, 0));
    assert!(
        conditions(&status_after(&seen, false)).contains(&"Stopped=False/Stopping".to_owned()),
        "its pod is still there"
    );

    seen.owned.retain(|held| held.kind != Kind::Pod);
    // Evicted long ago; such objects stay.
    seen.owned.push(pod("server", json!({ "phase": "Failed" })));
    assert!(
        conditions(&status_after(&seen, true)).contains(&"Stopped=False/Stopping".to_owned()),
        "something was written, so what was seen is old"
    );
    let status = status_after(&seen, false);
    assert!(conditions(&status).contains(&"Stopped=True/Frozen".to_owned()));
    assert_eq!(status.observed_revision, seen.instance.spec.revision);
}

#[test]
fn each_reason_to_stop_leaves_its_mark_on_the_deployment() {
    let mark = |change: &dyn Fn(&mut super::observe::Observed)| {
        let mut seen = running();
        change(&mut seen);
        carry(&seen).server.unwrap().body["metadata"]["annotations"][resources::server::STOPPED_FOR].clone()
    };
    let marks = [
        mark(&|seen| wish_mode(seen, Mode::Frozen)),
        mark(&|seen| wish_mode(seen, Mode::ReadOnly)),
        mark(&|seen| wish_mode(seen, Mode::Closing)),
        mark(&|seen| seen.exports.push(export("night", "Copying"))),
        mark(&|seen| seen.exports.push(export("asked", "Stopping"))),
        mark(&|seen| seen.claim = DataSight::Missing),
    ];
    for (index, one) in marks.iter().enumerate() {
        assert!(one.is_string());
        assert!(!marks[..index].contains(one), "{one}");
    }
}

#[test]
fn the_mode_in_force_says_why_it_is_another() {
    let mut read_only = running();
    wish_mode(&mut read_only, Mode::ReadOnly);
    let status = status_after(&read_only, true);
    assert_eq!(status.mode, Some(Mode::Frozen));
    assert!(status.mode_reason.unwrap().contains("cannot refuse writes"));

    let mut exporting = running();
    exporting.exports.push(export("night", "Copying"));
    let status = status_after(&exporting, true);
    assert_eq!(status.mode, Some(Mode::Frozen));
    assert!(status.mode_reason.unwrap().contains("night"));
    assert_eq!(status.observed_revision, None, "the copy is not what was wished");

    let mut over = running();
    over.exports.push(export("night", "Signing"));
    assert_eq!(status_after(&over, false).mode, Some(Mode::Running));
}

#[test]
fn traffic_moves_to_a_server_once_it_serves_and_stays_through_a_restart() {
    let backend = |seen: &super::observe::Observed| {
        carry(seen).ingress.body["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"].clone()
    };
    let mut starting = running();
    starting.owned.retain(|held| held.kind != Kind::Ingress);
    starting.owned.push(ingress("holding"));
    starting.health = Health::default();
    assert_eq!(backend(&starting), "holding");
    starting.health.serving = Verdict::Up;
    assert_eq!(backend(&starting), "server");

    let mut restarting = running();
    restarting.health.serving = Verdict::Down("refused".to_owned());
    assert_eq!(backend(&restarting), "server");
    wish_mode(&mut restarting, Mode::Frozen);
    assert_eq!(backend(&restarting), "holding");
}

// ---- Identity.

#[test]
fn whatever_is_missing_of_an_identity_stops_the_server_and_makes_nothing() {
    let missing = |change: &dyn Fn(&mut super::observe::Observed)| {
        let mut seen = running();
        change(&mut seen);
        let plan = carry(&seen);
        assert!(!plan.power.is_on());
        assert_eq!(plan.server.as_ref().unwrap().body["spec"]["replicas"], 0);
        assert!(plan.birth.job().is_none());
        for object in plan.objects() {
            if object.kind == Kind::PersistentVolumeClaim {
                assert!(object.uid.is_some(), "a claim could be made anew");
            }
        }
        let status = status_after(&seen, false);
        assert_eq!(status.mode, Some(Mode::Frozen));
        assert_eq!(status.identity, Some(identity()), "the record stays");
        plan.missing.unwrap().reason
    };
    assert_eq!(missing(&|seen| seen.claim = DataSight::Missing), "VolumeClaimMissing");
    assert_eq!(
        missing(&|seen| seen.claim = DataSight::Present(held(
            Kind::PersistentVolumeClaim,
            "data",
            json!({ "metadata": { "uid": "uid-new" }, "spec": { "volumeName": "volume-1" } })
        ))),
        "VolumeClaimReplaced"
    );
    assert_eq!(missing(&|seen| seen.volume = DataSight::Missing), "VolumeMissing");
    assert_eq!(
        missing(&|seen| seen.volume = DataSight::Present(held(
            Kind::PersistentVolume,
            "volume-1",
            json!({ "spec": { "claimRef": { "uid": "uid-another" } } })
        ))),
        "VolumeReplaced"
    );
    assert_eq!(missing(&|seen| seen.secret = SecretSight::Missing), "SecretMissing");
    assert_eq!(missing(&|seen| seen.secret = SecretSight::Present("uid-new".to_owned())), "SecretReplaced");
    let refusal = json!({ "error": outcome::Failure::identity("key.json is another one") }).to_string();
    assert_eq!(
        missing(&|seen| {
            seen.owned.push(pod("server", json!({
                "phase": "Pending",
                "initContainerStatuses": [{ "name": "prepare", "lastState": { "terminated": { "exitCode": 3, "message": refusal } } }],
            })));
        }),
        "ContentReplaced"
    );
}

#[test]
fn a_refusal_to_show_the_secret_is_no_proof_that_it_is_missing() {
    let unreadable = || SecretSight::Unreadable("you cannot get secrets".to_owned());
    let mut up = running();
    up.secret = unreadable();
    let plan = carry(&up);
    assert!(plan.power.is_on() && plan.missing.is_none());
    let binding = plan.objects().find(|object| object.kind == Kind::RoleBinding);
    assert!(binding.is_some(), "the right is not put back");
    let status = status_after(&up, false);
    assert!(conditions(&status).contains(&"IdentityMissing=False/SecretUnreadable".to_owned()));
    let told = super::notes::notes(&up.instance.status.clone().unwrap(), &status);
    assert!(told.iter().any(|note| note.warning && note.reason == "SecretUnreadable"));

    // Nobody knows that it is there either.
    let mut down = running();
    down.owned.retain(|held| held.kind != Kind::Deployment);
    (down.start, down.secret) = (StartSight::Clear, unreadable());
    assert!(matches!(carry(&down).power, Power::Wait(why) if why.contains("you cannot get secrets")));

    // What was proven before stays so.
    let mut missing = running();
    missing.secret = SecretSight::Missing;
    let status = status_after(&missing, false);
    let instance = std::sync::Arc::make_mut(&mut missing.instance);
    instance.status = Some(status);
    missing.secret = unreadable();
    assert_eq!(carry(&missing).missing.unwrap().reason, "SecretMissing");
}

#[test]
fn a_claim_that_is_being_deleted_is_said_loudly_and_the_server_left_running() {
    let mut seen = running();
    seen.claim = DataSight::Present(held(
        Kind::PersistentVolumeClaim,
        "data",
        json!({
            "metadata": { "deletionTimestamp": "2026-09-21T00:00:00Z" },
            "spec": { "volumeName": "volume-1" },
        }),
    ));
    let plan = carry(&seen);
    assert!(plan.power.is_on());
    assert!(plan.claim.is_none(), "writing to what is being deleted fails, and everything after it with it");
    let status = status_after(&seen, false);
    assert!(conditions(&status).contains(&"IdentityMissing=False/VolumeClaimTerminating".to_owned()));
    let before = seen.instance.status.clone().unwrap();
    let told = super::notes::notes(&before, &status);
    assert!(told.iter().any(|note| note.warning && note.reason == "VolumeClaimTerminating"));
}

#[test]
fn a_refused_start_is_not_tried_again_until_somebody_changes_the_instance() {
    let mut seen = running();
    seen.owned.push(pod("server", json!({
        "phase": "Pending",
        "initContainerStatuses": [{ "name": "prepare", "state": { "terminated": { "exitCode": 3, "message": "{}" } } }],
    })));
    let status = status_after(&seen, true);
    assert!(conditions(&status).contains(&"IdentityMissing=True/ContentReplaced".to_owned()));

    // The pod is gone.
    let mut later = born(&[]);
    let instance = Arc::make_mut(&mut later.instance);
    instance.status = Some(status);
    later.owned.push(deployment(0, 0, 0));
    assert!(carry(&later).missing.is_some());

    Arc::make_mut(&mut later.instance).metadata.generation = Some(2);
    assert!(carry(&later).missing.is_none());
    assert!(conditions(&status_after(&later, false)).contains(&"IdentityMissing=False/Complete".to_owned()));
}

#[test]
fn a_claim_keeps_its_class_and_grows_only_where_it_can() {
    let claim_of = |grows: bool, size: &str| {
        let mut seen = running();
        seen.volumes_grow = grows;
        Arc::make_mut(&mut seen.instance).spec.size = size.parse().unwrap();
        carry(&seen).claim.unwrap().body["spec"].clone()
    };
    assert_eq!(claim_of(false, "small")["storageClassName"], "older-shelf");
    assert_eq!(claim_of(false, "large")["resources"]["requests"]["storage"], "2Gi");
    assert_eq!(claim_of(true, "large")["resources"]["requests"]["storage"], "50Gi");
    assert_eq!(claim_of(true, "small")["resources"]["requests"]["storage"], "2Gi");
}

// ---- Status.

#[test]
fn conditions_of_a_life() {
    let status = status_after(&fresh(), true);
    assert_eq!(
        conditions(&status),
        [
            "Accepted=True/Accepted",
            "Born=False/BirthRunning",
            "Serving=False/NotBorn",
            "Reachable=False/NotBorn",
            "Ready=False/NotBorn",
            "Stopped=True/NotBorn",
        ]
    );
    assert_eq!(status.observed_revision, None);

    let status = status_after(&running(), false);
    assert!(conditions(&status).contains(&"Ready=True/Serving".to_owned()));
    assert_eq!(status.version.as_deref(), Some("2.75"));
    assert_eq!(status.address.as_deref(), Some("https://heron.ponds.test"));
    assert_eq!(status.observed_revision, Some(names::Revision(3)));
    assert_eq!(status_after(&running(), true).observed_revision, None, "what was just written is not settled");
}

#[test]
fn an_unchanged_instance_has_an_unchanged_status() {
    let mut seen = running();
    let status = status_after(&seen, false);
    Arc::make_mut(&mut seen.instance).status = Some(status.clone());
    seen.now = jiff::Timestamp::from_second(NOW + 10_000).unwrap();
    assert_eq!(status_after(&seen, false), status);
    // Even when the operator starts anew and has probed nothing yet.
    seen.health = Health::default();
    assert_eq!(status_after(&seen, false), status);
}

#[test]
fn verdicts_of_probes_become_conditions() {
    let mut down = running();
    down.health.reachable = Verdict::Down("the certificate has expired".to_owned());
    let status = status_after(&down, false);
    assert!(conditions(&status).contains(&"Serving=True/Answers".to_owned()));
    assert!(conditions(&status).contains(&"Reachable=False/NoAnswer".to_owned()));
    let ready = status.conditions.iter().find(|one| one.type_ == condition::READY).unwrap();
    assert_eq!((ready.status.as_str(), ready.message.as_str()), ("False", "the certificate has expired"));
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let said = json!({ "error": { "reason": "BadSettings", "message": "the settings cannot be read" } }).to_string();
    let message = |status: Value| {
        let mut seen = born(&[(condition::STOPPED, false, "Running")]);
        seen.owned.push(deployment(1, 1, 0));
        seen.owned.push(pod("server", status));
        let status = status_after(&seen, false);
        let ready = status.conditions.iter().find(|one| one.type_ == condition::READY);
        ready.unwrap().message.clone()
    };
    assert_eq!(message(json!({ "phase": "Pending" })), "it is starting and has not answered yet");
    let looping = json!({ "phase": "Pending", "initContainerStatuses": [{
        "name": "prepare",
        "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 10s" } },
        "lastState": { "terminated": { "exitCode": 4, "message": said } },
    }]});
    assert_eq!(message(looping), "its pod cannot start: prepare: the settings cannot be read");
}

#[test]
fn in_a_copy_of_its_cluster_nothing_is_done() {
    let mut seen = running();
    seen.cluster_uid = Some("uid-copy".to_owned());
    let cell = Arc::make_mut(seen.cell.as_mut().unwrap());
    cell.status = serde_json::from_value(json!({ "clusterUid": "uid-cluster" })).unwrap();
    assert_eq!(reason(&decide(&seen)), "WrongCluster");
}

#[test]
fn a_paused_instance_changes_nothing() {
    for on_cell in [false, true] {
        let mut seen = running();
        let annotation = (labels::PAUSED.to_owned(), "yes".to_owned());
        if on_cell {
            let cell = Arc::make_mut(seen.cell.as_mut().unwrap());
            cell.metadata.annotations.get_or_insert_default().extend([annotation]);
        } else {
            let instance = Arc::make_mut(&mut seen.instance);
            instance.metadata.annotations.get_or_insert_default().extend([annotation]);
        }
        assert!(matches!(decide(&seen), Decision::Paused(_)));
        let status = status_after(&seen, false);
        assert!(conditions(&status).contains(&"Paused=True/Annotated".to_owned()));
        assert!(conditions(&status).contains(&"Ready=True/Serving".to_owned()));
    }
}

#[test]
fn a_deleted_instance_is_kept_running() {
    let mut seen = running();
    Arc::make_mut(&mut seen.instance).metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now()));
    let plan = carry(&seen);
    assert!(plan.power.is_on());
    assert!(!plan.hold);
    assert!(conditions(&status_after(&seen, false)).contains(&"DeletionHeld=True/NoPurge".to_owned()));
}

#[test]
fn the_owners_claim_is_cleared_with_its_recipient() {
    let mut seen = running();
    let instance = Arc::make_mut(&mut seen.instance);
    instance.status.as_mut().unwrap().owner_claim = Some("sealed".to_owned());
    instance.spec.owner_claim = Some("age1any".to_owned());
    assert_eq!(status_after(&seen, false).owner_claim.as_deref(), Some("sealed"));
    Arc::make_mut(&mut seen.instance).spec.owner_claim = None;
    assert_eq!(status_after(&seen, false).owner_claim, None);
}

// ---- Pruning.

#[test]
fn only_what_is_ours_and_holds_no_data_is_pruned() {
    let mut seen = running();
    let stray = |kind, name, labels: Value| held(kind, name, json!({ "metadata": { "labels": labels } }));
    seen.owned.push(stray(Kind::NetworkPolicy, "left-over", json!({})));
    seen.owned.push(stray(Kind::Job, "export-1", json!({ labels::WORK_UID: "uid-export" })));
    seen.owned.push(stray(Kind::Service, "not-ours", json!({ labels::INSTANCE_UID: "uid-other" })));
    seen.owned.push(stray(Kind::PersistentVolumeClaim, "old-data", json!({})));
    seen.owned.push(stray(Kind::Job, "birth", json!({})));
    let paths: Vec<String> = carry(&seen).prune.iter().map(|held| held.path()).collect();
    assert_eq!(paths, ["NetworkPolicy steppe-t-heron/left-over", "Job steppe-t-heron/birth"]);
}

// ---- Bounds.

#[test]
fn objects_of_a_tenant_stay_below_the_ceilings() {
    let plan = carry(&running());
    let ours = plan.objects().count() + 1; // the Secret
    let kubernetes = ["ServiceAccount default", "ConfigMap kube-root-ca.crt", "ReplicaSet", "Pod", "EndpointSlice"];
    assert!(ours + kubernetes.len() <= 30, "{ours} objects of ours");
    assert_eq!(plan.objects().filter(|object| object.kind == Kind::Service).count(), 2);
}

/// The restricted Pod Security Standard, as in Kubernetes' documentation for v1.35, rule by rule.
fn assert_restricted(pod: &Value) {
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(pod[field].is_null(), "{field}");
    }
    let context = &pod["securityContext"];
    assert_eq!(context["runAsNonRoot"], true);
    assert_ne!(context["runAsUser"], 0);
    assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
    let allowed =
        ["configMap", "emptyDir", "projected", "secret", "downwardAPI", "persistentVolumeClaim", "ephemeral", "csi"];
    for volume in pod["volumes"].as_array().unwrap() {
        for kind in volume.as_object().unwrap().keys().filter(|key| *key != "name") {
            assert!(allowed.contains(&kind.as_str()), "{kind}");
        }
    }
    let containers = ["initContainers", "containers"].iter().flat_map(|list| pod[list].as_array().unwrap());
    for container in containers {
        let context = &container["securityContext"];
        assert_eq!(context["allowPrivilegeEscalation"], false);
        assert_eq!(context["capabilities"], json!({ "drop": ["ALL"] }));
        assert!(context["privileged"].is_null());
        assert!(container["ports"].as_array().into_iter().flatten().all(|port| port["hostPort"].is_null()));
        // Ours besides.
        assert_eq!(context["readOnlyRootFilesystem"], true);
        assert!(container["resources"]["limits"]["memory"].is_string());
    }
    assert_eq!(pod["automountServiceAccountToken"], false);
}

#[test]
fn all_pods_are_restricted() {
    let birth = carry(&fresh()).birth;
    assert_restricted(&birth.job().unwrap().body["spec"]["template"]["spec"]);
    let server = carry(&running()).server.unwrap();
    assert_restricted(&server.body["spec"]["template"]["spec"]);
}

#[test]
fn the_quota_has_room_for_the_server_and_two_jobs() {
    let plan = carry(&running());
    let quota = plan.bounds.iter().find(|object| object.kind == Kind::ResourceQuota).unwrap();
    assert_eq!(quota.body["spec"]["hard"]["limits.memory"], "640Mi");
    assert_eq!(quota.body["spec"]["hard"]["limits.cpu"], "2500m");
}

/// A volume that was counted by the quota and never made kept a server waiting for minutes.
#[test]
fn the_quota_has_room_for_one_that_was_counted_and_never_made() {
    let plan = carry(&running());
    let quota = plan.bounds.iter().find(|object| object.kind == Kind::ResourceQuota).unwrap();
    let hard = &quota.body["spec"]["hard"];
    let many = |kind: Kind| plan.objects().filter(|object| object.kind == kind).count();
    for (count, kind) in [
        ("persistentvolumeclaims", Kind::PersistentVolumeClaim),
        ("count/deployments.apps", Kind::Deployment),
        ("count/ingresses.networking.k8s.io", Kind::Ingress),
        ("services", Kind::Service),
    ] {
        let limit: usize = hard[count].as_str().unwrap().parse().unwrap();
        assert!(limit > many(kind), "{count}: {limit} for {}", many(kind));
    }
    assert_eq!(hard["requests.storage"], "4Gi");
}

#[test]
fn nothing_of_the_cell_can_be_reached_by_a_server() {
    let plan = carry(&running());
    let policy =
        plan.bounds.iter().find(|object| object.kind == Kind::NetworkPolicy && object.name == "server").unwrap();
    let to = &policy.body["spec"]["egress"][1]["to"];
    let except = to[0]["ipBlock"]["except"].as_array().unwrap();
    for network in ["10.0.0.0/8", "169.254.0.0/16", "192.0.2.0/24", "127.0.0.0/8"] {
        assert!(except.contains(&json!(network)), "{network} is open");
    }
}
