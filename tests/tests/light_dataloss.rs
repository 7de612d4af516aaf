//! Ways to lose data, by mistake or by force. Each leaves every byte where it was, and says so.
//!
//! Twice over: with the admission policies, nothing is deleted at all; without them (a cluster that never had them, an
//! administrator who took them away), what is deleted is the object, never the bytes.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::chart::{Chart, ask, ours, test, values};
use e2e::estate::Estate;
use e2e::identity::Who;
use e2e::light::{LIMIT, is};
use e2e::shore::{Inventory, Shore, operator};
use lab::cache::Cache;
use lab::light::Light;
use lab::wait;
use operator::purge::Purger;
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// How long the namespace controller may take. Each time that it is refused something it waits twice as long as before.
const CONTROLLER: Duration = Duration::from_secs(180);

/// There is one cell, and harm to it is seen by all.
static ALONE: Mutex<()> = Mutex::const_new(());

fn alone<F>(body: impl FnOnce(Shore) -> F)
where
    F: Future<Output = Result<()>>,
{
    test(async |chart| {
        let _alone = ALONE.lock().await;
        body(Shore::new(chart).await?).await
    });
}

/// Whether objects of the operator's making belong to something by whose end they would be collected.
async fn assert_unowned(shore: &Shore, inventory: &Inventory) -> Result<()> {
    for path in inventory.keys().filter(|path| path.starts_with("/api/")) {
        let object = ask(&shore.admin, "GET", path, Value::Null).await?.ok()?;
        ensure!(object["metadata"]["ownerReferences"].is_null(), "{path}: {}", object["metadata"]["ownerReferences"]);
    }
    Ok(())
}

#[test]
fn with_the_policies_every_deletion_is_refused_with_a_way_out() {
    alone(async |shore| {
        let before = shore.server("guarded").await?;
        assert_unowned(&shore, &before).await?;
        let volume = format!("/api/v1/persistentvolumes/{}", shore.volume("guarded").await?.unwrap_or_default());
        let space = "/api/v1/namespaces/steppe-t-guarded";
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        for (way, method, path, body) in [
            ("the instance", "DELETE", ours("instances", "guarded"), Value::Null),
            ("all instances", "DELETE", ours("instances", ""), Value::Null),
            (
                "the instance, with force",
                "DELETE",
                format!("{}?gracePeriodSeconds=0", ours("instances", "guarded")),
                Value::Null,
            ),
            ("its finalizer", "MERGE", ours("instances", "guarded"), json!({ "metadata": { "finalizers": null } })),
            ("the namespace", "DELETE", space.to_owned(), Value::Null),
            ("the claim", "DELETE", format!("{space}/persistentvolumeclaims/data"), Value::Null),
            ("all claims", "DELETE", format!("{space}/persistentvolumeclaims"), Value::Null),
            ("the identity", "DELETE", format!("{space}/secrets/identity"), Value::Null),
            ("the volume", "DELETE", volume.clone(), Value::Null),
            (
                "the volume's policy",
                "MERGE",
                volume.clone(),
                json!({ "spec": { "persistentVolumeReclaimPolicy": "Delete" } }),
            ),
            ("the definition", "DELETE", format!("{definitions}/instances.steppe.host"), Value::Null),
            ("the cell", "DELETE", ours("cells", "cell"), Value::Null),
            ("the platform's namespace", "DELETE", "/api/v1/namespaces/steppe-system".to_owned(), Value::Null),
        ] {
            let answer = shore.harm(method, &path, body).await?;
            ensure!(answer.code == 403 && answer.message.contains("steppe-keep-"), "{way}: {answer:?}");
            ensure!(
                answer.message.contains("urge") || answer.message.contains("docs/"),
                "{way}: no way out: {}",
                answer.message
            );
            shore.assert_kept("guarded", &before, &[]).await?;
        }
        ensure!(is(&shore.instance("guarded").await?, "Ready"));
        Ok(())
    });
}

#[test]
fn a_deleted_instance_is_held_and_its_server_goes_on() {
    alone(async |shore| {
        let before = shore.server("held").await?;
        shore
            .unguarded(async || {
                shore.harm("DELETE", &ours("instances", "held"), Value::Null).await?.ok()?;
                shore.until("held", "DeletionHeld").await?;
                shore.told("Instance", "held", "DeletionHeld").await?;
                shore.assert_kept("held", &before, &[]).await?;
                ensure!(is(&shore.instance("held").await?, "Ready"), "it does not run any more");
                Ok(())
            })
            .await
    });
}

#[test]
fn a_deleted_claim_stops_the_server_and_its_volume_stays() {
    alone(async |shore| {
        let before = shore.server("claim").await?;
        shore
            .unguarded(async || {
                let path = "/api/v1/namespaces/steppe-t-claim/persistentvolumeclaims/data";
                shore.harm("DELETE", path, Value::Null).await?.ok()?;
                // It goes with the last pod that uses it; until then there is time to take a copy.
                shore.told("Instance", "claim", "VolumeClaimTerminating").await?;
                shore.assert_kept("claim", &before, &[]).await?;
                let mode = async |mode: &str| {
                    let wish = json!({ "spec": { "mode": mode } });
                    shore.harm("MERGE", &ours("instances", "claim"), wish).await?.ok()
                };
                mode("Frozen").await?;
                shore.until("claim", "Stopped").await?;
                mode("Running").await?;
                shore.until("claim", "IdentityMissing").await?;
                shore.told("Instance", "claim", "IdentityMissing").await?;
                shore.until("claim", "Stopped").await?;
                shore.assert_kept("claim", &before, &["persistentvolumeclaims/data"]).await
            })
            .await
    });
}

#[test]
fn a_deleted_identity_stops_the_server_and_is_not_made_anew() {
    alone(async |shore| {
        let before = shore.server("secret").await?;
        shore
            .unguarded(async || {
                let path = "/api/v1/namespaces/steppe-t-secret/secrets/identity";
                shore.harm("DELETE", path, Value::Null).await?.ok()?;
                shore.until("secret", "IdentityMissing").await?;
                shore.told("Instance", "secret", "IdentityMissing").await?;
                shore.until("secret", "Stopped").await?;
                let answer = ask(&shore.admin, "GET", path, Value::Null).await?;
                ensure!(answer.code == 404, "it was made anew: {answer:?}");
                ensure!(before.keys().any(|key| key.starts_with("escrow/")), "it is not in escrow");
                shore.assert_kept("secret", &before, &["secrets/identity"]).await
            })
            .await
    });
}

#[test]
fn a_deleted_namespace_leaves_the_volume_and_no_server_is_made_anew() {
    alone(async |shore| {
        let before = shore.server("space").await?;
        let space = "/api/v1/namespaces/steppe-t-space";
        shore
            .unguarded(async || {
                let held = json!({ "metadata": { "name": "held", "finalizers": ["steppe.test/hold"] } });
                shore.harm("POST", &format!("{space}/configmaps"), held).await?.ok()?;
                shore.harm("DELETE", space, Value::Null).await?.ok()?;
                // The operator's own rights in it go before it does; it says what happens nevertheless.
                shore.told("Instance", "space", "NamespaceTerminating").await?;
                let release = json!({ "metadata": { "finalizers": null } });
                shore.harm("MERGE", &format!("{space}/configmaps/held"), release).await?.ok()?;
                shore.until("space", "IdentityMissing").await?;
                shore.told("Instance", "space", "IdentityMissing").await?;
                shore.until("space", "Stopped").await?;
                // Its name still answers 503: the namespace is there again, with what needs no data.
                let ingress = "/apis/networking.k8s.io/v1/namespaces/steppe-t-space/ingresses/server";
                let ingress = shore.harm("GET", ingress, Value::Null).await?.ok()?;
                let backend = &ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"];
                ensure!(backend == "holding", "{ingress}");
                let made = shore.harm("GET", space, Value::Null).await?.ok()?;
                ensure!(made["metadata"]["deletionTimestamp"].is_null(), "{made}");
                for path in [
                    format!("{space}/persistentvolumeclaims/data"),
                    format!("{space}/secrets/identity"),
                    "/apis/batch/v1/namespaces/steppe-t-space/jobs/birth".to_owned(),
                    "/apis/apps/v1/namespaces/steppe-t-space/deployments/server".to_owned(),
                ] {
                    let answer = shore.harm("GET", &path, Value::Null).await?;
                    ensure!(answer.code == 404, "it was made anew: {path}: {answer:?}");
                }
                let gone = ["namespaces/steppe-t-space", "persistentvolumeclaims/data", "secrets/identity"];
                shore.assert_kept("space", &before, &gone).await
            })
            .await
    });
}

#[test]
fn a_deleted_role_binding_is_put_back_and_no_proof_of_a_missing_identity() {
    alone(async |mut shore| {
        let before = shore.server("unbound").await?;
        let binding = "/apis/rbac.authorization.k8s.io/v1/namespaces/steppe-t-unbound/rolebindings/steppe-tenant";
        // The next operator has to look at the Secret and may not.
        shore.restart(async |shore| shore.harm("DELETE", binding, Value::Null).await?.ok().map(drop)).await?;
        shore.told("Instance", "unbound", "SecretUnreadable").await?;
        wait::until("the binding to be put back", LIMIT, async || {
            Ok(shore.harm("GET", binding, Value::Null).await?.is_ok().then_some(()))
        })
        .await?;
        ensure!(is(&shore.instance("unbound").await?, "Ready"), "it was stopped");
        // It goes on: a start needs a look at the Secret.
        for (mode, condition) in [("Frozen", "Stopped"), ("Running", "Ready")] {
            let wish = json!({ "spec": { "mode": mode } });
            shore.harm("MERGE", &ours("instances", "unbound"), wish).await?.ok()?;
            shore.until("unbound", condition).await?;
        }
        let warnings = shore.warnings("Instance", "unbound").await?;
        ensure!(!warnings.contains("IdentityMissing"), "{warnings:?}");
        shore.assert_kept("unbound", &before, &[]).await
    });
}

#[test]
fn a_deleted_volume_is_said_loudly_and_goes_nowhere_while_it_is_used() {
    alone(async |shore| {
        let before = shore.server("disk").await?;
        let volume = format!("/api/v1/persistentvolumes/{}", shore.volume("disk").await?.unwrap_or_default());
        shore
            .unguarded(async || {
                shore.harm("DELETE", &volume, Value::Null).await?.ok()?;
                shore.told("Instance", "disk", "VolumeTerminating").await?;
                ensure!(is(&shore.instance("disk").await?, "Ready"), "it does not run any more");
                shore.assert_kept("disk", &before, &[]).await
            })
            .await
    });
}

#[test]
fn a_volume_that_would_be_deleted_with_its_claim_is_retained_again() {
    alone(async |shore| {
        let before = shore.server("policy").await?;
        let volume = format!("/api/v1/persistentvolumes/{}", shore.volume("policy").await?.unwrap_or_default());
        shore
            .unguarded(async || {
                let delete = json!({ "spec": { "persistentVolumeReclaimPolicy": "Delete" } });
                shore.harm("MERGE", &volume, delete).await?.ok()?;
                wait::until("the volume to be retained", LIMIT, async || {
                    let found = shore.harm("GET", &volume, Value::Null).await?.ok()?;
                    Ok((found["spec"]["persistentVolumeReclaimPolicy"] == "Retain").then_some(()))
                })
                .await?;
                shore.assert_kept("policy", &before, &[]).await
            })
            .await
    });
}

#[test]
fn a_mistyped_label_makes_nobody_delete() {
    alone(async |shore| {
        let before = shore.server("typo").await?;
        let (space, uid) = ("/api/v1/namespaces/steppe-t-typo", "steppe.host/instance-uid");
        let typo = json!({ "metadata": { "labels": {
            uid: "another", "steppe.host/instance": "anoter", "app.kubernetes.io/managed-by": "steppe-oprator",
        } } });
        let volume = format!("/api/v1/persistentvolumes/{}", shore.volume("typo").await?.unwrap_or_default());
        for path in [space.to_owned(), format!("{space}/persistentvolumeclaims/data"), volume] {
            shore.harm("MERGE", &path, typo.clone()).await?.ok()?;
        }
        shore.harm("MERGE", &ours("instances", "typo"), json!({ "spec": { "mode": "Closing" } })).await?.ok()?;
        shore.purge("typo").await?;
        Estate::new(shore.chart).await?;
        let purger = shore.purger(None).await?;
        let reason = async || -> Result<Value> {
            let _ = purger.pass().await?;
            let purge = ask(&shore.admin, "GET", &ours("purges", "typo"), Value::Null).await?.ok()?;
            Ok(purge["status"]["reason"].clone())
        };
        wait::until("the purge to be refused", LIMIT, async || Ok(reason().await?.is_string().then_some(()))).await?;
        shore.assert_kept("typo", &before, &[]).await
    });
}

#[test]
fn an_operator_that_sees_nothing_does_nothing() {
    alone(async |shore| {
        let before = shore.server("blind").await?;
        // Its own selector is mistyped: the list is empty. And another one may list nothing at all.
        let selected = operator(Who::Operator.client(shore.chart).await?, shore.store.clone(), Some("no=body"));
        let refused =
            operator(shore.chart.light.client_of("steppe-system", "steppe-holding").await?, shore.store.clone(), None);
        // Long enough for both to have made their first lists and to act on them: a server made after is ready.
        shore.server("blind-after").await?;
        shore.assert_kept("blind", &before, &[]).await?;
        ensure!(is(&shore.instance("blind").await?, "Ready"));
        drop((selected, refused));
        // The purger sees the same empty list and trusts it less.
        let estate = Estate::new(shore.chart).await?;
        let _ = shore.purger(None).await?.pass().await?;
        let _ = shore.purger(Some("no=body")).await?.pass().await?;
        let nobody = shore.chart.light.client_of("steppe-system", "steppe-holding").await?;
        let refused = Purger { client: nobody, ..shore.purger(None).await? }.pass().await;
        ensure!(refused.is_err_and(|error| error.chain().contains("forbidden")), "a purger without rights went on");
        ensure!(estate.cell().await?["breaker"]["reason"] == "ListEmpty", "{}", estate.cell().await?);
        shore.told("Cell", "cell", "BreakerOpen").await?;
        estate.forgive().await?;
        shore.assert_kept("blind", &before, &[]).await
    });
}

#[test]
fn in_another_cluster_nothing_is_destroyed_on_the_word_of_a_copy() {
    alone(async |shore| {
        let before = shore.server("copied").await?;
        let estate = Estate::new(shore.chart).await?;
        estate.status("cells", "cell", json!({ "clusterUid": "another" })).await?;
        shore.purge("copied").await?;
        let _ = shore.purger(None).await?.pass().await?;
        let purge = estate.work("copied").await?;
        ensure!(purge["reason"] == "WrongCluster", "{purge}");
        shore.told("Purge", "copied", "WrongCluster").await?;
        wait::until("the cell to say so", LIMIT, async || {
            let cell = estate.cell().await?;
            let says = cell["conditions"].as_array().into_iter().flatten().any(|one| one["reason"] == "WrongCluster");
            ensure!(cell["clusterUid"] == "another", "the record was written over: {cell}");
            Ok(says.then_some(()))
        })
        .await?;
        estate.forgive().await?;
        shore.assert_kept("copied", &before, &[]).await
    });
}

#[test]
fn a_purge_without_a_bundle_is_refused() {
    alone(async |shore| {
        let before = shore.server("bundleless").await?;
        let estate = Estate::new(shore.chart).await?;
        let purger = shore.purger(None).await?;
        shore.purge("bundleless").await?;
        let _ = purger.pass().await?;
        ensure!(estate.work("bundleless").await?["reason"] == "NotClosing");
        shore.harm("MERGE", &ours("instances", "bundleless"), json!({ "spec": { "mode": "Closing" } })).await?.ok()?;
        shore.until("bundleless", "Stopped").await?;
        wait::until("the purge to be refused for its bundle", LIMIT, async || {
            let _ = purger.pass().await?;
            Ok((estate.work("bundleless").await?["reason"] == "BundleMissing").then_some(()))
        })
        .await?;
        shore.told("Purge", "bundleless", "BundleMissing").await?;
        shore.assert_kept("bundleless", &before, &[]).await
    });
}

#[test]
fn an_uninstallation_even_twice_takes_programs_away_and_no_data() {
    test(async |chart| {
        let _alone = ALONE.lock().await;
        // A ground of its own: nothing is left on it to go on with.
        let light: &'static Light = Box::leak(Box::new(Light::start(&Cache::open(None)?).await?));
        let own: &'static Chart = Box::leak(Box::new(Chart { light, installer: chart.installer.clone() }));
        let (installer, kubeconfig) = (&own.installer, light.kubeconfig());
        installer.install(&kubeconfig, &values()?).await?;
        let keys = operator::keys::manifest("steppe-operator-keys", "steppe-system", &operator::clock::SystemRandom)?;
        installer.apply(&kubeconfig, &keys).await?;
        let shore = Shore::new(own).await?;
        let before = shore.server("stays").await?;
        let rendered = installer.render(&serde_json::to_value(values()?)?).await?;
        let delete = ["delete", "--ignore-not-found", "--wait=false", "--filename=-"];
        let refused = installer.kubectl(&kubeconfig, &delete, &rendered).await;
        let said = format!("{:#}", refused.err().unwrap_or_else(|| anyhow::anyhow!("all was deleted")));
        for policy in ["steppe-keep-namespaces", "steppe-keep-definitions", "steppe-keep-objects"] {
            ensure!(said.contains(policy), "{policy} said nothing: {said}");
        }
        let kept = async || -> Result<()> {
            shore.assert_kept("stays", &before, &[]).await?;
            let secret = "/api/v1/namespaces/steppe-system/secrets/steppe-operator-keys";
            let secret = ask(&shore.admin, "GET", secret, Value::Null).await?.ok()?;
            ensure!(secret["data"]["wrapping.txt"].is_string(), "the platform's keys are gone");
            Ok(())
        };
        kept().await?;
        let running = "/apis/apps/v1/namespaces/steppe-t-stays/deployments/server";
        let server = ask(&shore.admin, "GET", running, Value::Null).await?.ok()?;
        ensure!(server["spec"]["replicas"] == 1, "{}", server["spec"]);
        // By now the policies are gone too, and the same command finds nobody who refuses.
        let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/instances.steppe.host";
        wait::until("the definition to be on its way out", LIMIT, async || {
            let _ = installer.kubectl(&kubeconfig, &delete, &rendered).await;
            let definition = ask(&shore.admin, "GET", definition, Value::Null).await?;
            Ok(definition.body["metadata"]["deletionTimestamp"].is_string().then_some(()))
        })
        .await?;
        // Its objects are asked to go and are held; the namespace controller has had its turn.
        wait::until("the instance to be held", LIMIT, async || {
            Ok(shore.instance("stays").await?.metadata.deletion_timestamp.map(drop))
        })
        .await?;
        settled(&shore).await?;
        kept().await
    });
}

/// Waits until the namespace controller says what holds the platform's namespace up.
async fn settled(shore: &Shore) -> Result<()> {
    wait::until("the namespace to say that it is held", CONTROLLER, async || {
        let space = ask(&shore.admin, "GET", "/api/v1/namespaces/steppe-system", Value::Null).await?.ok()?;
        let conditions = space["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let held =
            conditions.iter().any(|one| one["type"] == "NamespaceFinalizersRemaining" && one["status"] == "True");
        Ok(held.then_some(()))
    })
    .await
}
