//! How long bundles and records live, and with which rights they end.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use e2e::brittle::Brittle;
use e2e::chart::{ask, ours, test, values, with};
use e2e::estate::{Estate, NOW, at};
use e2e::identity::{Who, instance};
use lab::fault::{Mask, Plan, Proxy, rbac};
use operator::purge::fake::FakeBundle;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// There is one cell, and one purger at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

const DAY: i64 = 86_400;

fn alone<F>(body: impl FnOnce(Estate) -> F)
where
    F: Future<Output = Result<()>>,
{
    test(async |chart| {
        let _alone = ALONE.lock().await;
        body(Estate::new(chart).await?).await
    });
}

/// A running server that keeps two nightly bundles.
async fn server(estate: &Estate, name: &str) -> Result<Uuid> {
    let wish = with(instance(name)?, "/spec/exports", json!({ "nightly": true, "keep": 2 }));
    let made = estate.make(&ours("instances", ""), wish).await?;
    Ok(made["metadata"]["uid"].as_str().context("no uid")?.parse()?)
}

/// An export of it, finished at a time, with a bundle in the store. Gives the export's uid.
async fn export(estate: &Estate, server: (&str, Uuid), name: &str, reason: &str, finished: i64) -> Result<Uuid> {
    let (instance, uid) = server;
    let body = json!({
        "apiVersion": "steppe.host/v1alpha1", "kind": "Export", "metadata": { "name": name },
        "spec": { "instanceRef": { "name": instance, "uid": uid }, "reason": reason },
    });
    let made = estate.make(&ours("exports", ""), body).await?;
    let export: Uuid = made["metadata"]["uid"].as_str().context("no uid")?.parse()?;
    let bundle = FakeBundle {
        instance: uid,
        export,
        hostname: format!("{instance}.steppe.test"),
        made: at(finished),
        recipient: None,
    };
    let digest = bundle.put(&estate.store, &estate.platform)?;
    estate.store.set(&format!("logs/{export}.log"), "done");
    estate.store.set(&format!("work/{export}/order.json"), "{}");
    let status = json!({
        "phase": "Succeeded", "finishedAt": at(finished),
        "bundle": { "prefix": format!("bundles/{uid}/{export}/"), "manifestDigest": digest, "bytes": 1, "parts": 1,
            "files": 1, "keyId": "k", "stoppedSeconds": 1 },
    });
    estate.status("exports", name, status).await?;
    Ok(export)
}

fn objects(estate: &Estate, export: Uuid) -> usize {
    estate.store.keys().iter().filter(|key| key.contains(&export.to_string())).count()
}

#[test]
fn older_nightly_bundles_go_when_their_replacements_are_there() {
    alone(async |estate| {
        let uid = server(&estate, "nights").await?;
        let mut made = Vec::new();
        for night in 0..4 {
            made.push(
                export(&estate, ("nights", uid), &format!("nights-{night}"), "Nightly", NOW - (9 - night) * DAY)
                    .await?,
            );
        }
        let whole = objects(&estate, made[0]);
        ensure!(whole == 7, "{whole} objects");
        let purger = estate.own_purger().await?;
        // The newest one's manifest is not there: then the one before it and the next count, and only one goes.
        let manifest = format!("bundles/{uid}/{}/manifest.json", made[3]);
        let content = estate.store.content(&manifest).context("no manifest")?;
        estate.store.forget(&manifest);
        purger.sweep().await?;
        let left: Vec<usize> = made.iter().map(|export| objects(&estate, *export)).collect();
        ensure!(left == [0, whole, whole, whole - 1], "{left:?}");
        estate.store.set(&manifest, content);
        // Dying at any deletion leaves something that the next sweep ends.
        for nth in 0..2 {
            let brittle = Arc::new(Brittle::new(estate.store.clone(), nth, true));
            let dying = estate.purger(Who::Purger.client(estate.chart).await?, brittle.clone());
            ensure!(dying.sweep().await.is_err() && brittle.is_broken());
        }
        ensure!(estate.store.content(&format!("keys/{uid}/{}.age", made[1])).is_none(), "the key goes first");
        purger.sweep().await?;
        let left: Vec<usize> = made.iter().map(|export| objects(&estate, *export)).collect();
        ensure!(left == [0, 0, whole, whole], "{left:?}");
        for (night, expired) in [(0, true), (1, true), (2, false), (3, false)] {
            let status = estate.get(&ours("exports", &format!("nights-{night}"))).await?["status"].clone();
            ensure!(status["expiredAt"].is_string() == expired, "{night}: {status}");
        }
        let calls = estate.store.calls();
        purger.sweep().await?;
        ensure!(estate.store.calls().get("delete") == calls.get("delete"), "a second sweep deleted something");
        Ok(())
    });
}

#[test]
fn nothing_expires_while_the_breaker_is_open_or_the_cluster_is_another() {
    alone(async |estate| {
        let uid = server(&estate, "still").await?;
        for night in 0..4 {
            export(&estate, ("still", uid), &format!("still-{night}"), "Nightly", NOW - (9 - night) * DAY).await?;
        }
        let before = estate.store.keys();
        let breaker = json!({ "breaker": { "reason": "r", "message": "m", "since": at(NOW) } });
        for status in [breaker, json!({ "clusterUid": "other" }), json!({ "clusterUid": null })] {
            estate.forgive().await?;
            estate.status("cells", "cell", status.clone()).await?;
            estate.own_purger().await?.sweep().await?;
            ensure!(estate.store.keys() == before, "{status}");
        }
        Ok(())
    });
}

#[test]
fn a_bundle_that_a_purge_names_stays() {
    alone(async |estate| {
        let uid = server(&estate, "named").await?;
        let pinned = export(&estate, ("named", uid), "named-final", "Final", NOW - 400 * DAY).await?;
        let asked = export(&estate, ("named", uid), "named-asked", "Requested", NOW - 300 * DAY).await?;
        let fresh = export(&estate, ("named", uid), "named-fresh", "Requested", NOW - DAY).await?;
        let status = estate.get(&ours("exports", "named-final")).await?["status"].clone();
        let purge = json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "Purge", "metadata": { "name": "named" },
            "spec": { "instanceRef": { "name": "named", "uid": uid }, "manifestDigest": status["bundle"]["manifestDigest"], "notBefore": at(NOW) },
        });
        estate.make(&ours("purges", ""), purge).await?;
        estate.own_purger().await?.sweep().await?;
        let left = [pinned, asked, fresh].map(|export| objects(&estate, export));
        ensure!(left == [7, 0, 7], "{left:?}");
        Ok(())
    });
}

#[test]
fn the_last_bundle_of_a_purged_server_lives_ninety_days() {
    alone(async |estate| {
        let closed = estate.closed("ninety").await?;
        let purger = estate.own_purger().await?;
        estate.settle(&purger, &[&closed]).await?;
        estate.assert_purged(&closed).await?;
        estate.clock.advance(90 * DAY - 1);
        purger.sweep().await?;
        estate.assert_purged(&closed).await?;
        estate.clock.advance(1);
        purger.sweep().await?;
        let left: Vec<String> = estate.store.keys().into_iter().filter(|key| key.contains(&closed.uid)).collect();
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    });
}

#[test]
fn bundles_of_servers_that_vanished_without_a_purge_stay() {
    alone(async |estate| {
        let uid = server(&estate, "vanished").await?;
        for night in 0..4 {
            export(&estate, ("vanished", uid), &format!("vanished-{night}"), "Nightly", NOW - (9 - night) * DAY)
                .await?;
        }
        let before = estate.store.keys();
        // Only the purger's own credential can do this, so it stands for a cluster without the policies.
        let thief = Who::Purger.client(estate.chart).await?;
        ask(&thief, "DELETE", &ours("instances", "vanished"), Value::Null).await?.ok()?;
        estate.clock.advance(1000 * DAY);
        estate.own_purger().await?.sweep().await?;
        ensure!(estate.store.keys() == before);
        Ok(())
    });
}

#[test]
fn the_purger_uses_every_right_it_has_and_no_other() {
    alone(async |estate| {
        let chart = estate.chart;
        let proxy = Proxy::start(chart.light, Plan::default(), Mask::default()).await?;
        let token = chart.light.token("steppe-system", "steppe-purger", &[]).await?;
        let client = kube::Client::try_from(proxy.config(chart.light, &token).await?)?;
        let purger = estate.purger(client, estate.store.clone());
        // A purge that is first refused, twice for the same reason, then carried out.
        let closed = estate.closed("rights").await?;
        let hold = async |reason: Value| {
            let hold = json!({ "spec": { "legalHold": reason } });
            ask(&estate.admin, "MERGE", &ours("instances", "rights"), hold).await?.ok()
        };
        let waits = json!({ "spec": { "mode": "Frozen" } });
        for _ in 0..2 {
            hold(json!("a court")).await?;
            let _ = purger.pass().await?;
            hold(Value::Null).await?;
            ask(&estate.admin, "MERGE", &ours("instances", "rights"), waits.clone()).await?.ok()?;
            let _ = purger.pass().await?;
        }
        ask(&estate.admin, "MERGE", &ours("instances", "rights"), json!({ "spec": { "mode": "Closing" } }))
            .await?
            .ok()?;
        estate.settle(&purger, &[&closed]).await?;
        estate.assert_purged(&closed).await?;
        // Bundles and records whose time is over.
        let uid = server(&estate, "records").await?;
        for night in 0..3 {
            export(&estate, ("records", uid), &format!("records-{night}"), "Nightly", NOW - (9 - night) * DAY).await?;
        }
        let change = json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "AccountChange", "metadata": { "name": "records" },
            "spec": { "instanceRef": { "name": "records", "uid": uid }, "action": "Remove", "handle": "carol" },
        });
        estate.make(&ours("accountchanges", ""), change).await?;
        estate.status("accountchanges", "records", json!({ "phase": "Succeeded", "finishedAt": at(NOW) })).await?;
        purger.sweep().await?;
        estate.clock.advance(31 * DAY);
        purger.sweep().await?;
        ensure!(!estate.exists(&ours("exports", "records-0")).await?, "the record of an expired bundle is still there");
        ensure!(!estate.exists(&ours("accountchanges", "records")).await?, "an old account change is still there");
        // The program's own watch.
        let stop = CancellationToken::new();
        let watched = async {
            let watches = async || Ok(proxy.log().counts().contains_key("watch purges.steppe.host").then_some(()));
            let seen = lab::wait::until("the watch of purges", std::time::Duration::from_secs(20), watches).await;
            stop.cancel();
            seen
        };
        let (watched, ()) = tokio::join!(watched, operator::purge::work(&purger, &stop));
        watched?;
        let rendered = chart.installer.render(&serde_json::to_value(values()?)?).await?;
        let manifests: Vec<Value> = serde_saphyr::from_multiple(&rendered)?;
        let grants = rbac::grants(&manifests, "steppe-system", "steppe-purger");
        let diff = rbac::diff(&rbac::used(proxy.log()), &grants);
        ensure!(diff == rbac::Diff::default(), "{diff:#?}");
        Ok(())
    });
}
