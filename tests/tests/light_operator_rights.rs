//! The operator with the chart's own ServiceAccount, behind the recording proxy, through everything it does: what it was
//! allowed and what it asked for must be the same, and what it watches must be its own.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use crd::{Instance, condition, labels};
use e2e::chart::{ask, ours, repository};
use e2e::identity::rights;
use e2e::light::{LIMIT, cell, is, reason};
use e2e::yard::{Fate, Place, Yard, course, succeeded};
use jiff::ToSpan as _;
use kube::ResourceExt as _;
use lab::fault::{Log, Mask, Plan, Proxy, rbac};
use lab::install::{ChartValues, Installer};
use lab::light::Light;
use lab::tools::Quiet;
use lab::wait;
use operator::Config;
use operator::clock::{Clock as _, SystemClock};
use operator::seal::Identity;
use serde_json::{Value, json};

const NAME: &str = "rights";
const SPACE: &str = "/api/v1/namespaces/steppe-t-rights";

/// The ground with the chart on it, and how somebody with all rights changes it.
struct Stage {
    light: &'static Light,
    installer: Installer,
    proxy: Proxy,
    yard: Yard,
}

impl Stage {
    async fn set() -> Result<Self> {
        let cache = e2e::node::cache()?;
        let light = Light::shared(&cache).await?;
        let installer = Installer::new(&cache, &repository().join("charts/operator"), &mut Quiet).await?;
        installer.install(&light.kubeconfig(), &ChartValues::without_programs(cell()?.spec)).await?;
        let proxy = Proxy::start(light, Plan::default(), Mask::default()).await?;
        let token = light.token("steppe-system", "steppe-operator", &[]).await?;
        let access = proxy.config(light, &token).await?;
        let config = Config { leader_elect: true, ..Config::default() };
        let yard = Yard::at(NAME, Place { client: light.client().await?, access, config }).await?;
        Ok(Self { light, installer, proxy, yard })
    }

    /// What the chart gives to the operator, as it was installed. To be asked before there is a tenant.
    async fn grants(&self) -> Result<Vec<rbac::Grant>> {
        let all = "clusterroles,clusterrolebindings,roles,rolebindings";
        let get = ["get", all, "--all-namespaces", "--output=json"];
        let found: Value = serde_json::from_str(&self.installer.kubectl(&self.light.kubeconfig(), &get, "").await?)?;
        let found = found["items"].as_array().context("no roles")?;
        let mut grants = rbac::grants(found, "steppe-system", "steppe-operator");
        ensure!(grants.len() == 2, "{grants:?}");
        // Bound by the operator itself, in tenants' namespaces only.
        let tenant =
            found.iter().find(|role| role["kind"] == "ClusterRole" && role["metadata"]["name"] == "steppe-tenant");
        grants.push(rbac::Grant::of(tenant.context("no ClusterRole steppe-tenant")?, Some("steppe-t-")));
        Ok(grants)
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> Result<Value> {
        ask(&self.yard.client, method, path, body).await?.ok().with_context(|| format!("{method} {path}"))
    }

    async fn change(&self, patch: Value) -> Result<()> {
        self.ask("MERGE", &ours("instances", NAME), patch).await.map(drop)
    }

    async fn until(&self, what: &str, so: impl Fn(&Instance) -> bool) -> Result<Instance> {
        self.yard.until_instance(what, so).await
    }

    async fn until_true(&self, type_: &str) -> Result<Instance> {
        self.until(type_, |instance| is(instance, type_)).await
    }

    /// Waits until an object is there or not, and as it should be.
    async fn until_object(&self, path: &str, what: &str, so: impl Fn(Option<&Value>) -> bool) -> Result<()> {
        wait::until(&format!("{path}: {what}"), LIMIT, async || {
            let answer = ask(&self.yard.client, "GET", path, Value::Null).await?;
            let object = answer.is_ok().then_some(&answer.body);
            if so(object) { Ok(Some(())) } else { bail!("{} {}", answer.code, answer.body["metadata"]) }
        })
        .await
    }

    /// From here on nobody is kept from doing harm.
    async fn unguard(&self) -> Result<()> {
        let delete = ["delete", "validatingadmissionpolicybinding", "--selector=app.kubernetes.io/component=policy"];
        self.installer.kubectl(&self.light.kubeconfig(), &delete, "").await?;
        let harm = format!("{SPACE}/secrets/identity?dryRun=All");
        wait::until("the policies to be out of force", LIMIT, async || {
            Ok(ask(&self.yard.client, "DELETE", &harm, Value::Null).await?.is_ok().then_some(()))
        })
        .await
    }
}

/// Birth, both ways to rest, a newer version and a bigger size; twice to rest, so that events are told again.
async fn live(stage: &Stage) -> Result<Instance> {
    let server = stage.yard.server().await?;
    for _ in 0..2 {
        stage.yard.mode("Frozen").await?;
        stage.until_true(condition::STOPPED).await?;
        stage.yard.mode("Running").await?;
        stage.yard.until_up().await?;
    }
    stage.change(json!({ "spec": { "version": "2.76", "size": "medium" } })).await?;
    stage
        .until("upgraded", |instance| {
            instance.status.as_ref().is_some_and(|status| status.version.as_deref() == Some("2.76"))
        })
        .await?;
    Ok(server)
}

/// Exports by every reason there is, and accounts.
async fn work(stage: &mut Stage, server: &Instance) -> Result<()> {
    let claim = Identity::generate().recipient().to_string();
    stage.yard.export("rights-asked", server, json!({ "spec": { "keyClaim": claim } })).await?;
    succeeded(&stage.yard.until_over("rights-asked").await?)?;
    stage.yard.fate("export", Fate::Hang);
    stage.yard.export("rights-dropped", server, json!({})).await?;
    stage.yard.until_export("rights-dropped", "copying", |export| course(export).step == "Copying").await?;
    stage.yard.delete_export("rights-dropped").await?;
    stage.yard.fate("export", Fate::Live);
    stage.yard.until_up().await?;

    // It was born yesterday, and tonight's turn was at the latest an hour ago.
    let now = SystemClock.now();
    let hour = now.checked_sub(5.hours())?.to_zoned(jiff::tz::TimeZone::UTC).hour();
    let born = json!({ "status": { "identity": { "bornAt": now.checked_sub(30.hours())? } } });
    stage.ask("MERGE", &format!("{}/status", ours("instances", NAME)), born).await?;
    stage.ask("MERGE", &ours("cells", "cell"), json!({ "spec": { "nightlyHour": hour } })).await?;
    stage.yard.restart().await?;
    let nightly = wait::until("a nightly export", LIMIT, async || {
        let all = stage.yard.exports().list(&Default::default()).await?.items;
        Ok(all.iter().map(|export| export.name_any()).find(|name| name.contains("nightly")))
    })
    .await?;
    succeeded(&stage.yard.until_over(&nightly).await?)?;
    stage.yard.until_up().await?;

    for (name, action) in [("rights-add", "Add"), ("rights-reset", "ResetLogin"), ("rights-remove", "Remove")] {
        stage.yard.change(name, server, action, "bob").await?;
        let done = stage.yard.until_changed(name).await?;
        let course = done.status.map(|status| status.work).unwrap_or_default();
        ensure!(course.phase == crd::Phase::Succeeded, "{name}: {course:?}");
    }
    Ok(())
}

/// What an operator of an older version may have left behind, one of each kind that is cleared away.
fn leftovers(server: &Instance) -> Vec<(&'static str, Value)> {
    let marks = json!({
        labels::MANAGED_BY: labels::MANAGER, labels::INSTANCE: NAME, labels::INSTANCE_UID: server.uid(),
    });
    let object = |rest: Value| {
        let mut object = json!({ "metadata": { "name": "old", "labels": marks } });
        e2e::light::merge(&mut object, rest);
        object
    };
    let pod = json!({ "restartPolicy": "Never", "containers": [{ "name": "c", "image": "x" }] });
    let role = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" });
    let backend = json!({ "service": { "name": "old", "port": { "number": 80 } } });
    vec![
        ("/api/v1/NS/serviceaccounts", object(json!({}))),
        ("/api/v1/NS/configmaps", object(json!({}))),
        ("/api/v1/NS/services", object(json!({ "spec": { "ports": [{ "port": 80 }] } }))),
        ("/api/v1/NS/resourcequotas", object(json!({ "spec": { "hard": { "pods": "9" } } }))),
        ("/api/v1/NS/limitranges", object(json!({ "spec": { "limits": [] } }))),
        ("/apis/batch/v1/NS/jobs", object(json!({ "spec": { "suspend": true, "template": { "spec": pod } } }))),
        ("/apis/networking.k8s.io/v1/NS/networkpolicies", object(json!({ "spec": { "podSelector": {} } }))),
        ("/apis/networking.k8s.io/v1/NS/ingresses", object(json!({ "spec": { "defaultBackend": backend } }))),
        ("/apis/rbac.authorization.k8s.io/v1/NS/rolebindings", object(json!({ "roleRef": role }))),
    ]
}

/// What somebody changed is put right, what is left over is cleared away.
async fn order(stage: &Stage, server: &Instance) -> Result<()> {
    for (path, body) in leftovers(server) {
        let path = path.replace("NS", "namespaces/steppe-t-rights");
        stage.ask("POST", &path, body).await?;
        stage.until_object(&format!("{path}/old"), "cleared away", |object| object.is_none()).await?;
    }
    let volume =
        server.status.as_ref().and_then(|status| status.identity.as_ref()).context("unborn")?.volume_name.clone();
    let unlabel = json!({ "metadata": { "labels": { labels::MANAGED_BY: null } } });
    for path in [
        SPACE.to_owned(),
        format!("{SPACE}/persistentvolumeclaims/data"),
        format!("/api/v1/persistentvolumes/{volume}"),
    ] {
        stage.ask("MERGE", &path, unlabel.clone()).await?;
        let labelled =
            |object: Option<&Value>| object.is_some_and(|o| o["metadata"]["labels"][labels::MANAGED_BY].is_string());
        stage.until_object(&path, "labelled again", labelled).await?;
    }
    // Another with the same name has to stay outside.
    let mut taken = serde_json::to_value(server)?;
    taken["metadata"] = json!({ "name": "rights-two" });
    stage.ask("POST", &ours("instances", ""), taken).await?;
    let api = stage.yard.instances();
    wait::until("the host to be taken", LIMIT, async || {
        let found = api.get("rights-two").await?;
        if reason(&found, condition::ACCEPTED) == "HostTaken" { Ok(Some(())) } else { bail!("{:?}", found.status) }
    })
    .await?;
    Ok(())
}

/// The end that its owner wishes: the last bundle, and rest.
async fn close(stage: &Stage, server: &Instance) -> Result<()> {
    stage.yard.mode("Closing").await?;
    stage.until_true(condition::STOPPED).await?;
    stage.yard.export("rights-final", server, json!({ "spec": { "reason": "Final" } })).await?;
    succeeded(&stage.yard.until_over("rights-final").await?)?;
    stage.yard.mode("Running").await?;
    stage.yard.until_up().await.map(drop)
}

/// What others do to it by mistake.
async fn suffer(stage: &Stage, server: &Instance) -> Result<()> {
    stage.unguard().await?;
    let binding = "/apis/rbac.authorization.k8s.io/v1/namespaces/steppe-t-rights/rolebindings/steppe-tenant";
    stage.ask("DELETE", binding, Value::Null).await?;
    stage.until_object(binding, "put back", |object| object.is_some()).await?;

    let secret = format!("{SPACE}/secrets/identity");
    let mut kept = stage.ask("GET", &secret, Value::Null).await?;
    stage.ask("DELETE", &secret, Value::Null).await?;
    stage.until_true(condition::IDENTITY_MISSING).await?;
    kept["metadata"] = json!({ "name": "identity" });
    let back = stage.ask("POST", &format!("{SPACE}/secrets"), kept).await?;
    let record = json!({ "status": { "identity": { "secretUid": back["metadata"]["uid"] } } });
    stage.ask("MERGE", &format!("{}/status", ours("instances", NAME)), record).await?;
    stage.yard.until_up().await?;

    // It would be the older one from now on.
    stage.ask("DELETE", &ours("instances", "rights-two"), Value::Null).await?;
    stage.until_object(&ours("instances", "rights-two"), "gone", |object| object.is_none()).await?;
    stage.ask("DELETE", &ours("instances", NAME), Value::Null).await?;
    stage.until_true(condition::DELETION_HELD).await?;
    stage.change(json!({ "metadata": { "finalizers": null } })).await?;
    stage.until_object(&ours("instances", NAME), "gone", |object| object.is_none()).await?;
    // The record of what became of it went too; its server did not.
    let adopt = json!({ "name": NAME, "annotations": { labels::ADOPT_UID: server.uid() } });
    let again =
        json!({ "apiVersion": "steppe.host/v1alpha1", "kind": "Instance", "metadata": adopt, "spec": server.spec });
    stage.ask("POST", &ours("instances", ""), again).await?;
    stage.yard.until_up().await?;

    stage.ask("DELETE", SPACE, Value::Null).await?;
    stage.until_true(condition::IDENTITY_MISSING).await?;
    stage.until_object(&format!("{SPACE}/serviceaccounts/server"), "made again", |object| object.is_some()).await
}

/// What was refused though it is right: a RoleBinding counts a moment after it was written.
fn assert_refusals(log: &Log) -> Result<()> {
    let late = ["get secrets", "create secrets"];
    let refused: BTreeSet<String> = log
        .records()
        .iter()
        .filter(|record| record.code == 403)
        .map(|record| format!("{} {}", record.call.verb, record.call.kind()))
        .collect();
    ensure!(refused.iter().all(|call| late.contains(&call.as_str())), "refused: {refused:?}");
    Ok(())
}

/// Nothing is watched that may not be known or is not needed: no Secrets, one watch of a kind, and of kinds that others
/// use too only what carries our label, as the API server selects it.
fn assert_watches(log: &Log) -> Result<()> {
    let watches: Vec<_> = log.records().into_iter().filter(|record| record.call.verb == "watch").collect();
    let mut kinds: BTreeSet<String> = watches.iter().map(|record| record.call.kind()).collect();
    ensure!(!kinds.iter().any(|kind| kind.starts_with("secrets") || kind.starts_with("events")), "{kinds:?}");
    for record in &watches {
        let own = record.call.group == crd::GROUP;
        ensure!(own || record.query.contains("labelSelector=app.kubernetes.io%2Fmanaged-by%3Dsteppe"), "{record:?}");
    }
    for frame in log.frames().iter().filter(|frame| frame.event != "BOOKMARK") {
        let ours = frame.kind.ends_with("steppe.host")
            || frame.namespace.starts_with("steppe-t-")
            || (frame.kind == "namespaces" && frame.name.starts_with("steppe-t-"))
            || frame.kind == "persistentvolumes";
        ensure!(ours, "not the operator's business: {frame:?}");
        kinds.remove(&frame.kind);
    }
    // Each is watched for something.
    ensure!(kinds.is_empty(), "watched for nothing: {kinds:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_may_do_what_it_does_and_nothing_else() -> Result<()> {
    let mut stage = Stage::set().await?;
    let grants = stage.grants().await?;
    let server = live(&stage).await?;
    for account in ["server", "jobs", "default"] {
        let client = stage.light.client_of("steppe-t-rights", account).await?;
        assert_eq!(rights(&client, "steppe-t-rights").await?, BTreeSet::new(), "{account}");
    }
    work(&mut stage, &server).await?;
    order(&stage, &server).await?;
    close(&stage, &server).await?;
    suffer(&stage, &server).await?;

    let log = stage.proxy.log();
    let used = rbac::used(log);
    let diff = rbac::diff(&used, &grants);
    println!("{} requests, {} rights used", log.len(), used.len());
    for (call, count) in log.counts() {
        println!("  {call}: {count}");
    }
    assert!(diff == rbac::Diff::default(), "{diff:#?}");
    assert_refusals(log)?;
    assert_watches(log)
}
