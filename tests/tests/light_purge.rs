//! The purger with the chart's own rights on a real API server: what it refuses, what it does, and that it may die
//! anywhere in between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::brittle::Brittle;
use e2e::chaos::choice::{self, Choice};
use e2e::chaos::tell;
use e2e::chart::{Chart, ask, ours, test};
use e2e::estate::{Closed, Estate, NOW, at};
use e2e::identity::Who;
use lab::fault::{Action, Effects, Mask, Match, On, Plan, Proxy};
use lab::wait;
use operator::purge::decide::NO_BUNDLE;
use operator::purge::{PURGE_UID, Purger};
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// There is one cell, and one purger at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

const LIMIT: Duration = Duration::from_secs(60);

/// Runs a test alone on an estate.
fn alone<F>(body: impl FnOnce(Estate) -> F)
where
    F: Future<Output = Result<()>>,
{
    test(async |chart| {
        let _alone = ALONE.lock().await;
        body(Estate::new(chart).await?).await
    });
}

/// A change that takes one condition away, and how to bring it back.
struct Case {
    reason: &'static str,
    purge: Value,
    spoil: Vec<Change>,
}

enum Change {
    Object(String, Value, Value),
    Store(String, Option<&'static str>),
    Make(String, String, Value),
}

fn case(reason: &'static str) -> Case {
    Case { reason, purge: json!({}), spoil: Vec::new() }
}

impl Case {
    fn purge(mut self, change: Value) -> Self {
        self.purge = change;
        self
    }

    fn object(mut self, path: String, bad: Value, good: Value) -> Self {
        self.spoil.push(Change::Object(path, bad, good));
        self
    }

    fn store(mut self, key: String, content: Option<&'static str>) -> Self {
        self.spoil.push(Change::Store(key, content));
        self
    }

    fn make(mut self, plural: &str, name: &str, spec: Value) -> Self {
        let kind = if plural == "exports" { "Export" } else { "AccountChange" };
        let body = json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": kind, "metadata": { "name": name }, "spec": spec,
        });
        self.spoil.push(Change::Make(ours(plural, ""), ours(plural, name), body));
        self
    }
}

/// A status that says since when the server stands still, or that it does not.
fn stopped(status: &str, since: i64) -> Value {
    json!({ "status": { "conditions": [{
        "type": "Stopped", "status": status, "reason": "r", "message": "m", "lastTransitionTime": at(since),
    }] } })
}

fn cases(estate: &Estate, closed: &Closed, cluster: &Value) -> Vec<Case> {
    let (name, uid) = (&closed.name, &closed.uid);
    let (instance, status) = (ours("instances", name), format!("{}/status", ours("instances", name)));
    let cell = format!("{}/status", ours("cells", "cell"));
    let bundle = |file: &str| format!("bundles/{uid}/{}/{file}", closed.last);
    let reference = json!({ "name": name, "uid": uid });
    let spec = |field: &str, value: Value| json!({ "spec": { field: value } });
    let label = |uid: Value| json!({ "metadata": { "labels": { "steppe.host/instance-uid": uid } } });
    let claim = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let foreign = estate.store.content(&bundle("manifest.json")).is_some();
    assert!(foreign, "the bundle is there to be spoiled");
    vec![
        case("ClusterUnknown").object(
            cell.clone(),
            json!({ "status": { "clusterUid": null } }),
            json!({ "status": { "clusterUid": cluster } }),
        ),
        case("WrongCluster").object(
            cell,
            json!({ "status": { "clusterUid": "other" } }),
            json!({ "status": { "clusterUid": cluster } }),
        ),
        case("InstanceMissing").purge(json!({ "instanceRef": { "name": "nobody" } })),
        case("UidMismatch").purge(json!({ "instanceRef": { "uid": "other" } })),
        case("TooEarly").purge(json!({ "notBefore": at(NOW + 60) })),
        case("NotApproved").purge(json!({ "approvals": [] })),
        case("NotApproved").purge(json!({ "manifestDigest": NO_BUNDLE })),
        case("LegalHold").object(instance.clone(), spec("legalHold", json!("a court")), spec("legalHold", Value::Null)),
        case("NotClosing").object(instance, spec("mode", json!("Frozen")), spec("mode", json!("Closing"))),
        case("NotStopped").object(
            status.clone(),
            json!({ "status": { "mode": "Running" } }),
            json!({ "status": { "mode": "Closing" } }),
        ),
        case("NotStopped").object(status, stopped("False", NOW - 1000), stopped("True", NOW - 1000)),
        case("ExportActive").make("exports", "active", json!({ "instanceRef": reference })),
        case("AccountChangeActive").make(
            "accountchanges",
            "active",
            json!({
                "instanceRef": reference, "action": "Add", "handle": "carol", "claim": claim,
            }),
        ),
        case("NamespaceForeign").object(closed.space(), label(json!("typo")), label(json!(uid))),
        case("NamespaceForeign").object(closed.space(), label(Value::Null), label(json!(uid))),
    ]
}

/// What may be wrong with the bundle that is to outlive the server.
fn bundle_cases(closed: &Closed) -> Vec<Case> {
    let uid = &closed.uid;
    let status = format!("{}/status", ours("instances", &closed.name));
    let bundle = |file: &str| format!("bundles/{uid}/{}/{file}", closed.last);
    vec![
        case("BundleMissing").purge(json!({ "manifestDigest": "1".repeat(64) })),
        case("BundleMissing").store(bundle("manifest.json"), None),
        case("SignatureBad")
            .store(bundle("manifest.sig"), Some("0123456789012345678901234567890123456789012345678901234567890123")),
        case("BundleDamaged").store(bundle("manifest.sig"), None),
        case("BundleDamaged").store(bundle("segment-0000/part-0000.tar.gz.age"), None),
        case("BundleDamaged").store(bundle("segment-0000/part-0000.tar.gz.age"), Some("something else")),
        case("BundleDamaged").store(bundle("restore.sh"), Some("exit 1\n")),
        case("BundleOutdated").object(status, stopped("True", NOW - 1), stopped("True", NOW - 1000)),
        case("KeyMissing").store(format!("keys/{uid}/{}.age", closed.last), None),
        case("KeyMissing").store(format!("keys/{uid}/{}.age", closed.last), Some("damaged")),
    ]
}

#[test]
fn each_missing_condition_is_refused_with_its_reason_and_nothing_goes() {
    alone(async |estate| {
        let closed = estate.server("refused").await?;
        let purger = estate.own_purger().await?;
        let cluster = estate.cell().await?["clusterUid"].clone();
        let before = estate.holdings(&closed).await?;
        ensure!(before.len() == 5 + 5 + 6, "{before:?}");
        for (number, case) in cases(&estate, &closed, &cluster).into_iter().chain(bundle_cases(&closed)).enumerate() {
            let name = format!("refused-{number}");
            estate.purge(&closed, &name, case.purge.clone()).await?;
            let mut undo = Vec::new();
            for change in &case.spoil {
                undo.push(spoil(&estate, change).await?);
            }
            let _ = purger.pass().await?;
            let work = estate.work(&name).await?;
            ensure!(
                work["phase"] == "Pending" && work["reason"] == case.reason,
                "case {number}, {}: {work}",
                case.reason
            );
            ensure!(work["message"].as_str().is_some_and(|text| text.len() > 10), "{work}");
            for undo in undo.into_iter().flatten() {
                mend(&estate, undo).await?;
            }
            ask(&estate.admin, "DELETE", &ours("purges", &name), Value::Null).await?.ok()?;
            ensure!(estate.holdings(&closed).await? == before, "case {number}, {}", case.reason);
        }
        // Nothing else stood in the way.
        estate.purge(&closed, "refused", json!({})).await?;
        estate.settle(&purger, &[&closed]).await?;
        estate.assert_purged(&closed).await
    });
}

enum Undo {
    Patch(String, Value),
    Set(String, bytes::Bytes),
    Delete(String),
}

async fn spoil(estate: &Estate, change: &Change) -> Result<Option<Undo>> {
    Ok(match change {
        Change::Object(path, bad, good) => {
            ask(&estate.admin, "MERGE", path, bad.clone()).await?.ok()?;
            Some(Undo::Patch(path.clone(), good.clone()))
        }
        Change::Store(key, content) => {
            let old = estate.store.content(key);
            match content {
                Some(content) => estate.store.set(key, *content),
                None => estate.store.forget(key),
            }
            old.map(|old| Undo::Set(key.clone(), old))
        }
        Change::Make(path, object, body) => {
            estate.make(path, body.clone()).await?;
            Some(Undo::Delete(object.clone()))
        }
    })
}

async fn mend(estate: &Estate, undo: Undo) -> Result<()> {
    match undo {
        Undo::Patch(path, good) => ask(&estate.admin, "MERGE", &path, good).await?.ok().map(drop),
        Undo::Set(key, content) => {
            estate.store.set(&key, content);
            Ok(())
        }
        Undo::Delete(path) => ask(&estate.admin, "DELETE", &path, Value::Null).await?.ok().map(drop),
    }
}

/// A purger behind a proxy that follows a plan.
async fn behind(chart: &Chart, estate: &Estate, plan: Plan) -> Result<(Proxy, Purger)> {
    let proxy = Proxy::start(chart.light, plan, Mask::default()).await?;
    let purger = through(&proxy, chart, estate).await?;
    Ok((proxy, purger))
}

/// A purger that speaks through a proxy.
async fn through(proxy: &Proxy, chart: &Chart, estate: &Estate) -> Result<Purger> {
    let token = chart.light.token("steppe-system", "steppe-purger", &[]).await?;
    let client = kube::Client::try_from(proxy.config(chart.light, &token).await?)?;
    Ok(estate.purger(client, estate.store.clone()))
}

/// What a purge came to.
#[derive(Debug, PartialEq)]
struct End {
    writes: usize,
    effects: BTreeMap<String, Effects>,
}

/// Purges a server under a plan, by as many purgers as it takes, and sees that nothing is left to do.
async fn purged(estate: &Estate, name: &str, plan: Plan) -> Result<End> {
    estate.forgive().await?;
    let closed = estate.closed(name).await?;
    let (proxy, mut purger) = behind(estate.chart, estate, plan.clone()).await?;
    let only = [&closed];
    for lives in 1.. {
        let settled = tokio::select! {
            () = proxy.killed() => false,
            settled = estate.settle(&purger, &only) => settled.is_ok(),
        };
        if settled && proxy.struck() {
            break;
        }
        ensure!(lives < 5, "{name}: no end, or its fault finds no moment: {}", plan.json());
        drop(purger);
        if !proxy.lives() {
            proxy.revive().await;
        }
        purger = through(&proxy, estate.chart, estate).await?;
    }
    estate.assert_purged(&closed).await?;
    let cell = estate.cell().await?;
    let counted = cell["recentPurges"].as_array().map_or(0, Vec::len);
    ensure!(counted == 1, "{name}: counted {counted} times: {cell} {}", estate.work(name).await?);
    ensure!(cell["breaker"].is_null(), "{name}: {}", cell["breaker"]);
    let mask = Mask::default().replace(name, "NAME");
    let effects = proxy.log().effects().into_iter().map(|(object, effects)| (mask.text(&object), effects)).collect();
    let writes = proxy.log().writes().len();
    if !proxy.lives() {
        proxy.revive().await;
    }
    estate.settle(&through(&proxy, estate.chart, estate).await?, &only).await?;
    let more = proxy.log().writes().split_off(writes);
    ensure!(more.is_empty(), "{name}: a second look writes {more:?}");
    Ok(End { writes, effects })
}

/// The ways in which a write fails, and whether the purger dies of it.
fn ways() -> [(&'static str, Action, bool); 10] {
    let answer = |code: u16| Action::Answer { code, retry_after: (code == 429).then_some(1) };
    [
        ("die-before", Action::DropBeforeForward, true),
        ("die-committed", Action::DropAfterCommit, true),
        ("die-answered", Action::DropAfterAnswer, true),
        ("conflict", answer(409), false),
        ("too-many", answer(429), false),
        ("internal", answer(500), false),
        ("unavailable", answer(503), false),
        ("timeout", Action::Timeout { after: 300 }, false),
        ("lost-before", Action::DropBeforeForward, false),
        ("lost-after", Action::DropAfterCommit, false),
    ]
}

#[test]
fn a_server_is_purged_whatever_happens() {
    alone(async |estate| {
        let clean = purged(&estate, "clean", Plan::default()).await?;
        ensure!(clean.writes >= 10, "only {} writes", clean.writes);
        let mut plans = Vec::new();
        for nth in 1..=u32::try_from(clean.writes)? {
            for (way, action, dies) in ways() {
                let plan = Plan::one(format!("{way}-{nth}"), On::Request(Match::write(nth)), action);
                plans.push(if dies { plan.killing() } else { plan });
            }
        }
        let (crashes, others): (Vec<Plan>, Vec<Plan>) = plans.into_iter().partition(|plan| plan.faults[0].kill);
        let plans = match Choice::read()? {
            Choice::All => [crashes, others].concat(),
            Choice::Sample { of_each, seed } => [crashes, choice::draw(&others, of_each, seed)].concat(),
            Choice::One(plan) => vec![plan],
        };
        tell(&format!("chaos purge: {} writes; {} plans", clean.writes, plans.len()));
        for plan in plans {
            let end = purged(&estate, &plan.name, plan.clone()).await;
            let end = end.with_context(|| format!("{}='{}'", choice::VARIABLE, plan.json()))?;
            ensure!(end.effects == clean.effects, "{}: {end:?} instead of {clean:?}", plan.json());
        }
        Ok(())
    });
}

#[test]
fn a_purger_may_die_between_any_two_deletions_in_the_store() {
    alone(async |estate| {
        let client = Who::Purger.client(estate.chart).await?;
        for nth in 0.. {
            let mut broken = true;
            for done in [false, true] {
                estate.forgive().await?;
                let closed = estate.closed(&format!("store-{nth}-{done}")).await?;
                let store = Arc::new(Brittle::new(estate.store.clone(), nth, done));
                let purger = estate.purger(client.clone(), store.clone());
                let settled = estate.settle(&purger, &[&closed]).await;
                broken = store.is_broken();
                ensure!(broken != settled.is_ok(), "{}: {settled:?}", closed.name);
                estate.settle(&estate.own_purger().await?, &[&closed]).await?;
                estate.assert_purged(&closed).await?;
            }
            if !broken {
                ensure!(nth == 5, "{nth} deletions");
                return Ok(());
            }
        }
        Ok(())
    });
}

#[test]
fn the_fourth_purge_within_an_hour_opens_the_breaker_until_a_person_closes_it() {
    alone(async |estate| {
        let mut closed = Vec::new();
        for number in 0..5 {
            closed.push(estate.closed(&format!("many-{number}")).await?);
        }
        let all: Vec<&Closed> = closed.iter().collect();
        estate.settle(&estate.own_purger().await?, &all).await?;
        for (number, one) in closed.iter().enumerate() {
            let work = estate.work(&one.name).await?;
            ensure!((work["attempt"] == 1) == (number < 3), "{work}");
            if number >= 3 {
                ensure!(work["phase"] == "Pending" && work["reason"] == "BreakerOpen", "{work}");
                ensure!(estate.holdings(one).await?.len() == 16, "{}", one.name);
            }
        }
        let cell = estate.cell().await?;
        ensure!(cell["breaker"]["reason"] == "TooManyPurges", "{cell}");
        events(&estate, "Cell", "BreakerOpen").await?;
        // Neither a restart nor time closes it.
        estate.clock.advance(2 * 3600);
        estate.settle(&estate.own_purger().await?, &all).await?;
        ensure!(estate.work("many-3").await?["reason"] == "BreakerOpen");
        ensure!(estate.cell().await?["breaker"]["reason"] == "TooManyPurges");
        estate.forgive().await?;
        estate.settle(&estate.own_purger().await?, &all).await?;
        for one in &closed {
            estate.assert_purged(one).await?;
        }
        Ok(())
    });
}

/// Waits for a warning about an object.
async fn events(estate: &Estate, kind: &str, reason: &str) -> Result<()> {
    wait::until(&format!("the event {reason}"), LIMIT, async || {
        let list = estate.get("/apis/events.k8s.io/v1/namespaces/default/events").await?;
        let told =
            list["items"].as_array().into_iter().flatten().any(|event| {
                event["regarding"]["kind"] == kind && event["reason"] == reason && event["type"] == "Warning"
            });
        Ok(told.then_some(()))
    })
    .await
}

#[test]
fn a_list_of_instances_that_cannot_be_right_opens_the_breaker() {
    alone(async |estate| {
        let closed = estate.closed("listed").await?;
        let path = ours("instances", "");
        let (forbidden, recorded) = (
            Action::Answer { code: 403, retry_after: None },
            estate.get(&path).await?["items"].as_array().map_or(0, Vec::len),
        );
        let all = estate.holdings(&closed).await?;
        // The list is refused.
        let plan = Plan::one("refuse", On::Request(Match::verb("list", "instances.steppe.host", 1)), forbidden);
        let (_proxy, purger) = behind(estate.chart, &estate, plan).await?;
        estate.settle(&purger, &[&closed]).await?;
        ensure!(estate.cell().await?["breaker"]["reason"] == "ListForbidden", "{}", estate.cell().await?);
        // It is shorter than it was by more than a tenth; and it is empty.
        for (instances, selector, reason) in
            [(recorded * 2, None, "ListShrank"), (recorded, Some("no=body"), "ListEmpty")]
        {
            estate.forgive().await?;
            estate.status("cells", "cell", json!({ "instances": instances })).await?;
            let mut purger = estate.own_purger().await?;
            purger.config.selector = selector.map(str::to_owned);
            let _ = purger.pass().await?;
            let cell = estate.cell().await?;
            ensure!(cell["breaker"]["reason"] == reason && cell["instances"] == instances, "{cell}");
            purger.config.selector = None;
            estate.settle(&purger, &[&closed]).await?;
            ensure!(estate.work("listed").await?["reason"] == "BreakerOpen");
        }
        ensure!(estate.holdings(&closed).await? == all);
        estate.forgive().await?;
        estate.settle(&estate.own_purger().await?, &[&closed]).await?;
        estate.assert_purged(&closed).await
    });
}

#[test]
fn a_hold_that_comes_after_the_beginning_brings_everything_back() {
    alone(async |estate| {
        let closed = estate.closed("held").await?;
        let all = estate.holdings(&closed).await?;
        let purger = estate.own_purger().await?;
        let instance = ours("instances", "held");
        // It waits for the operator, which is not played.
        wait::until("the pause", LIMIT, async || {
            let _ = purger.pass().await?;
            Ok((estate.work("held").await?["step"] == "Pausing").then_some(()))
        })
        .await?;
        let _ = purger.pass().await?;
        ensure!(estate.get(&instance).await?["metadata"]["annotations"]["steppe.host/paused"].is_string());
        ask(&estate.admin, "MERGE", &instance, json!({ "spec": { "legalHold": "a court" } })).await?.ok()?;
        let _ = purger.pass().await?;
        let work = estate.work("held").await?;
        ensure!(work["phase"] == "Pending" && work["reason"] == "LegalHold", "{work}");
        ensure!(estate.get(&instance).await?["metadata"]["annotations"]["steppe.host/paused"].is_null());
        ensure!(estate.holdings(&closed).await? == all);
        ask(&estate.admin, "MERGE", &instance, json!({ "spec": { "legalHold": null } })).await?.ok()?;
        estate.settle(&purger, &[&closed]).await?;
        estate.assert_purged(&closed).await
    });
}

#[test]
fn a_bundle_that_goes_bad_after_its_proof_is_read_again() {
    alone(async |estate| {
        let closed = estate.closed("stale").await?;
        let purger = estate.own_purger().await?;
        wait::until("the pause", LIMIT, async || {
            let _ = purger.pass().await?;
            Ok((estate.work("stale").await?["step"] == "Pausing").then_some(()))
        })
        .await?;
        estate.store.forget(&format!("bundles/{}/{}/restore.sh", closed.uid, closed.last));
        // The proof is some minutes old by now.
        estate.clock.advance(600);
        estate.settle(&purger, &[&closed]).await?;
        let work = estate.work("stale").await?;
        ensure!(work["phase"] == "Pending" && work["reason"] == "BundleDamaged", "{work}");
        ensure!(estate.exists(&closed.space()).await?);
        Ok(())
    });
}

#[test]
fn without_a_bundle_two_people_may_take_a_server_away_and_its_volume_stays() {
    alone(async |estate| {
        let closed = estate.server("salvage").await?;
        let two = json!([{ "by": "dana", "reason": "r" }, { "by": "eve", "reason": "r" }]);
        estate.purge(&closed, "salvage", json!({ "manifestDigest": NO_BUNDLE, "approvals": two })).await?;
        let stored = estate.store.keys();
        estate.settle(&estate.own_purger().await?, &[&closed]).await?;
        ensure!(estate.work("salvage").await?["phase"] == "Succeeded");
        ensure!(!estate.exists(&closed.space()).await? && !estate.exists(&ours("instances", "salvage")).await?);
        let volume = estate.get(&closed.volume()).await?;
        ensure!(volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain", "{volume}");
        ensure!(volume["metadata"]["annotations"][PURGE_UID].is_string(), "{volume}");
        ensure!(estate.store.keys() == stored, "something went from the store");
        Ok(())
    });
}

#[test]
fn a_volume_of_an_earlier_server_of_the_same_name_stays() {
    alone(async |estate| {
        let closed = estate.closed("namesake").await?;
        let earlier = json!({ "metadata": { "name": "pv-earlier" }, "spec": {
            "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": { "path": "/nowhere" },
            "claimRef": { "namespace": "steppe-t-namesake", "name": "data", "uid": "of-an-earlier-claim" },
        } });
        estate.make("/api/v1/persistentvolumes", earlier).await?;
        estate.settle(&estate.own_purger().await?, &[&closed]).await?;
        estate.assert_purged(&closed).await?;
        let volume = estate.get("/api/v1/persistentvolumes/pv-earlier").await?;
        ensure!(
            volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain" && volume["metadata"]["annotations"].is_null()
        );
        Ok(())
    });
}

#[test]
fn the_program_goes_by_itself_when_a_purge_is_made() {
    alone(async |estate| {
        let closed = estate.server("alive").await?;
        let purger = estate.own_purger().await?;
        let stop = tokio_util::sync::CancellationToken::new();
        let play = async {
            estate.purge(&closed, "alive", json!({})).await?;
            wait::until("the purge to be done", LIMIT, async || {
                estate.play(&closed).await?;
                Ok((estate.work("alive").await?["phase"] == "Succeeded").then_some(()))
            })
            .await
        };
        let (played, ()) = tokio::join!(
            async {
                let played = play.await;
                stop.cancel();
                played
            },
            operator::purge::work(&purger, &stop)
        );
        played?;
        estate.assert_purged(&closed).await
    });
}
