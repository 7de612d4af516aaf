//! Instances on the light ground: the whole operator against a real API server, from birth to rest and back.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use crd::{Mode, condition, labels};
use e2e::light::{LIMIT, Pond, is, reason};
use k8s_openapi::api::core::v1::{Event, PersistentVolume, Pod};
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use lab::wait;
use operator::kind::Kind;
use serde_json::{Value, json};

async fn backend(pond: &Pond, space: &str) -> Result<Value> {
    let ingress = pond.find(Kind::Ingress, space, "server").await?.context("no Ingress")?;
    Ok(ingress.data["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"].clone())
}

async fn replicas(pond: &Pond, space: &str) -> Result<Value> {
    let server = pond.find(Kind::Deployment, space, "server").await?.context("no Deployment")?;
    Ok(server.data["spec"]["replicas"].clone())
}

async fn events(pond: &Pond, instance: &str) -> Result<Vec<String>> {
    let api: Api<Event> = Api::namespaced(pond.client.clone(), "default");
    let all = api.list(&ListParams::default().fields(&format!("involvedObject.name={instance}"))).await?;
    Ok(all.items.into_iter().filter_map(|event| event.reason).collect())
}

/// Sums of writes and of reads that the operator has sent.
fn calls(pond: &Pond) -> Result<(u64, u64)> {
    let text = pond.metrics().text()?;
    let mut sums = (0, 0);
    for line in text.lines().filter(|line| line.starts_with("steppe_operator_api_calls_total")) {
        let count: u64 = line.rsplit(' ').next().unwrap_or_default().parse()?;
        let verb = line.split("verb=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        match verb {
            "watch" => {}
            "get" | "list" => sums.1 += count,
            _ => sums.0 += count,
        }
    }
    Ok(sums)
}

/// Waits until the operator has sent nothing for a second.
async fn quiet(pond: &Pond) -> Result<(u64, u64)> {
    let mut last = (calls(pond)?, tokio::time::Instant::now());
    wait::until("the operator to be quiet", LIMIT, async || {
        let now = calls(pond)?;
        if now.0 != last.0.0 {
            last = (now, tokio::time::Instant::now());
        }
        Ok((last.1.elapsed() > Duration::from_secs(1)).then_some(now))
    })
    .await
}

#[tokio::test]
async fn a_server_is_born_gets_ready_freezes_thaws_and_closes() -> Result<()> {
    let pond = Pond::dig("life").await?;
    let made = pond.instance("life", "heron", json!({})).await?;
    let space = pond.space("life");
    pond.until_true("life", condition::BORN).await?;
    let ready = pond.until_revision("life", 1).await?;
    assert!(is(&ready, condition::READY));
    assert!(!is(&ready, condition::STOPPED));
    let status = ready.status.context("no status")?;
    let identity = status.identity.context("no identity")?;
    assert_eq!(status.version.as_deref(), Some("2.75"));
    assert!(status.owner_claim.is_some());
    assert_eq!(backend(&pond, &space).await?, "server");
    assert_eq!(
        pond.find(Kind::Job, &space, "birth").await?.map(|job| job.name_any()),
        None,
        "its record outlives the Job"
    );
    let secret = pond.find(Kind::Secret, &space, "identity").await?.context("no Secret")?;
    assert_eq!(secret.data["immutable"], true);
    assert_eq!(secret.uid().as_deref(), Some(identity.secret_uid.as_str()));
    let volumes: Api<PersistentVolume> = Api::all(pond.client.clone());
    let volume = volumes.get(&identity.volume_name).await?;
    assert_eq!(volume.spec.and_then(|spec| spec.persistent_volume_reclaim_policy).as_deref(), Some("Retain"));
    let escrow = format!("escrow/{}/identity.age", made.uid().context("no uid")?);
    assert!(pond.store.keys().contains(&escrow));

    // The claim goes with its recipient.
    pond.change("life", json!({ "spec": { "ownerClaim": null, "revision": 2 } })).await?;
    let cleared = pond.until_revision("life", 2).await?;
    assert_eq!(cleared.status.and_then(|status| status.owner_claim), None);

    for (revision, mode, in_force) in [
        (3, "Frozen", Mode::Frozen),
        (4, "Running", Mode::Running),
        (5, "ReadOnly", Mode::Frozen),
        (6, "Running", Mode::Running),
        (7, "Closing", Mode::Closing),
        (8, "Running", Mode::Running),
    ] {
        pond.change("life", json!({ "spec": { "mode": mode, "revision": revision } })).await?;
        let done = pond.until_revision("life", revision).await?;
        let up = in_force == Mode::Running;
        assert_eq!(done.status.as_ref().and_then(|status| status.mode), Some(in_force), "{mode}");
        assert_eq!(is(&done, condition::STOPPED), !up, "{mode}");
        assert_eq!(is(&done, condition::READY), up, "{mode}");
        assert_eq!(backend(&pond, &space).await?, if up { "server" } else { "holding" }, "{mode}");
        assert_eq!(replicas(&pond, &space).await?, i32::from(up), "{mode}");
        let status = done.status.context("no status")?;
        assert_eq!(status.mode_reason.is_some(), mode == "ReadOnly", "{mode}");
        assert_eq!(status.identity.as_ref(), Some(&identity), "{mode}");
    }
    let told = events(&pond, "life").await?;
    for reason in ["Born", "Ready", "Stopped", "Mode"] {
        assert!(told.contains(&reason.to_owned()), "{reason} was not told: {told:?}");
    }
    assert_eq!(pond.double.problems(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_second_pass_and_a_new_operator_write_nothing() -> Result<()> {
    let mut pond = Pond::dig("calm").await?;
    pond.instance("calm", "heron", json!({})).await?;
    pond.until_revision("calm", 1).await?;
    let (writes, reads) = quiet(&pond).await?;
    println!("one instance: {writes} writes and {reads} reads until quiet");
    assert!(writes <= 60, "{writes} writes for one instance:\n{}", pond.metrics().text()?);

    // Touched so that everything is looked at again.
    pond.change("calm", json!({ "metadata": { "annotations": { "touched": "yes" } } })).await?;
    assert_eq!(quiet(&pond).await?.0, writes);

    pond.stop().await?;
    pond.start().await?;
    // It has looked when it has probed: probing is the last thing that a reconcile asks for.
    let asked = pond.prober.asked().len();
    wait::until("the new operator to look", LIMIT, async || Ok((pond.prober.asked().len() > asked).then_some(())))
        .await?;
    assert_eq!(quiet(&pond).await?.0, 0, "{}", pond.metrics().text()?);
    Ok(())
}

#[tokio::test]
async fn what_somebody_changed_is_put_right() -> Result<()> {
    let pond = Pond::dig("drift").await?;
    pond.instance("drift", "heron", json!({})).await?;
    pond.until_revision("drift", 1).await?;
    let space = pond.space("drift");
    let patch = async |kind: Kind, name: &str, body: Value| {
        kind.api(pond.client.clone(), Some(&space)).patch(name, &PatchParams::default(), &Patch::Merge(body)).await
    };
    let policy = async || {
        let policy = pond.find(Kind::NetworkPolicy, &space, "server").await?.context("no policy")?;
        anyhow::Ok(policy.data["spec"].clone())
    };
    let before = policy().await?;
    patch(Kind::NetworkPolicy, "server", json!({ "spec": { "egress": [{}] } })).await?;
    patch(Kind::Service, "holding", json!({ "spec": { "externalName": "elsewhere.test" } })).await?;
    patch(Kind::ResourceQuota, "tenant", json!({ "metadata": { "labels": { labels::MANAGED_BY: "typo" } } })).await?;
    Kind::LimitRange.api(pond.client.clone(), Some(&space)).delete("tenant", &DeleteParams::default()).await?;
    wait::until("all to be put right", LIMIT, async || {
        if policy().await? != before {
            bail!("the policy is still open");
        }
        let holding = pond.find(Kind::Service, &space, "holding").await?.context("no Service")?;
        if holding.data["spec"]["externalName"] == "elsewhere.test" {
            bail!("the 503 page is still elsewhere");
        }
        let quota = pond.find(Kind::ResourceQuota, &space, "tenant").await?.context("no quota")?;
        if quota.labels().get(labels::MANAGED_BY).map(String::as_str) != Some(labels::MANAGER) {
            bail!("the quota's label is still wrong");
        }
        pond.find(Kind::LimitRange, &space, "tenant").await?.context("no limits")?;
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn a_taken_host_is_refused_and_free_again_after_its_owner() -> Result<()> {
    let pond = Pond::dig("taken").await?;
    pond.instance("taken-older", "heron", json!({})).await?;
    pond.until_revision("taken-older", 1).await?;
    pond.instance("taken-younger", "heron", json!({})).await?;
    let younger = pond.until_true("taken-younger", condition::HOST_TAKEN).await?;
    assert_eq!(reason(&younger, condition::ACCEPTED), "HostTaken");
    assert_eq!(pond.find(Kind::Namespace, "", &pond.space("taken-younger")).await?.map(|space| space.name_any()), None);
    assert!(younger.finalizers().is_empty(), "nothing holds what was never made");
    pond.instances().delete("taken-younger", &DeleteParams::default()).await?;
    wait::until("the refused instance to go", LIMIT, async || {
        Ok(pond.instances().get_opt("taken-younger").await?.is_none().then_some(()))
    })
    .await?;
    let older = pond.instances().get("taken-older").await?;
    assert!(is(&older, condition::READY));
    Ok(())
}

#[tokio::test]
async fn a_missing_secret_stops_the_server_and_is_not_made_anew() -> Result<()> {
    let pond = Pond::dig("secret").await?;
    pond.instance("secret", "heron", json!({})).await?;
    pond.until_revision("secret", 1).await?;
    let space = pond.space("secret");
    Kind::Secret.api(pond.client.clone(), Some(&space)).delete("identity", &DeleteParams::default()).await?;
    let missing = pond.until_true("secret", condition::IDENTITY_MISSING).await?;
    assert_eq!(reason(&missing, condition::IDENTITY_MISSING), "SecretMissing");
    pond.until("secret", "stopped", |instance| is(instance, condition::STOPPED)).await?;
    assert_eq!(replicas(&pond, &space).await?, 0);
    assert_eq!(backend(&pond, &space).await?, "holding");
    quiet(&pond).await?;
    assert!(pond.find(Kind::Secret, &space, "identity").await?.is_none());
    assert!(pond.find(Kind::Job, &space, "birth").await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_missing_claim_stops_the_server_and_its_volume_can_be_taken_back() -> Result<()> {
    let pond = Pond::dig("claim").await?;
    pond.instance("claim", "heron", json!({})).await?;
    let ready = pond.until_revision("claim", 1).await?;
    let identity = ready.status.and_then(|status| status.identity).context("no identity")?;
    let space = pond.space("claim");
    let claims = Kind::PersistentVolumeClaim.api(pond.client.clone(), Some(&space));
    claims.delete("data", &DeleteParams::default()).await?;
    // The running pod holds it still: the server is left running, and that is said.
    let going = pond
        .until("claim", "said", |instance| reason(instance, condition::IDENTITY_MISSING) == "VolumeClaimTerminating")
        .await?;
    assert!(is(&going, condition::READY));
    pond.change("claim", json!({ "spec": { "mode": "Frozen" } })).await?;
    let missing = pond.until_true("claim", condition::IDENTITY_MISSING).await?;
    assert!(reason(&missing, condition::IDENTITY_MISSING).starts_with("VolumeClaim"));
    pond.until_true("claim", condition::STOPPED).await?;
    wait::until("the claim to be gone", LIMIT, async || Ok(claims.get_opt("data").await?.is_none().then_some(())))
        .await?;
    quiet(&pond).await?;
    assert!(claims.get_opt("data").await?.is_none(), "a claim was made anew");
    assert_eq!(pond.double.disks().destroyed(), Vec::<String>::new(), "a byte is gone");

    // As the message says: bind the retained volume to a new claim, and record that one.
    let volumes: Api<PersistentVolume> = Api::all(pond.client.clone());
    let unbind = json!({ "spec": { "claimRef": { "uid": null, "resourceVersion": null } } });
    volumes.patch(&identity.volume_name, &PatchParams::default(), &Patch::Merge(unbind)).await?;
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": "data", "namespace": space },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": lab::light::CLASS,
            "volumeName": identity.volume_name,
            "resources": { "requests": { "storage": "2Gi" } },
        },
    });
    let made = claims.create(&Default::default(), &serde_json::from_value(claim)?).await?;
    wait::until("the new claim to be bound", LIMIT, async || {
        let claim = claims.get("data").await?;
        Ok((claim.data["status"]["phase"] == "Bound").then_some(()))
    })
    .await?;
    pond.change("claim", json!({ "spec": { "mode": "Running" } })).await?;
    let record = json!({ "status": { "identity": { "volumeClaimUid": made.uid() } } });
    pond.instances().patch_status("claim", &PatchParams::default(), &Patch::Merge(record)).await?;
    let again = pond.until_true("claim", condition::READY).await?;
    assert!(!is(&again, condition::IDENTITY_MISSING));
    Ok(())
}

#[tokio::test]
async fn a_refused_start_stays_down() -> Result<()> {
    let pond = Pond::dig("content").await?;
    pond.instance("content", "heron", json!({})).await?;
    pond.until_revision("content", 1).await?;
    let space = pond.space("content");
    // What kubelet reports when the last look before a start finds another key.
    let pods: Api<Pod> = Api::namespaced(pond.client.clone(), &space);
    let server = pods.list(&ListParams::default().labels("steppe.host/role=server")).await?.items;
    let pod = server.first().context("no pod")?.name_any();
    let message = json!({ "error": { "reason": "IdentityMissing", "message": "key.json is another one" } }).to_string();
    let ended = json!({ "status": { "initContainerStatuses": [{
        "name": "prepare", "image": "x", "imageID": "x", "ready": false, "restartCount": 0,
        "state": { "terminated": { "exitCode": 3, "message": message } },
    }]}});
    pods.patch_status(&pod, &PatchParams::default(), &Patch::Merge(ended)).await?;
    let missing = pond.until_true("content", condition::IDENTITY_MISSING).await?;
    assert_eq!(reason(&missing, condition::IDENTITY_MISSING), "ContentReplaced");
    pond.until_true("content", condition::STOPPED).await?;
    quiet(&pond).await?;
    assert_eq!(replicas(&pond, &space).await?, 0);

    pond.change("content", json!({ "spec": { "mode": "Frozen", "revision": 2 } })).await?;
    pond.until_revision("content", 2).await?;
    pond.change("content", json!({ "spec": { "mode": "Running", "revision": 3 } })).await?;
    pond.until_revision("content", 3).await?;
    Ok(())
}

#[tokio::test]
async fn a_paused_instance_is_left_alone() -> Result<()> {
    let pond = Pond::dig("pause").await?;
    pond.instance("pause", "heron", json!({})).await?;
    pond.until_revision("pause", 1).await?;
    let space = pond.space("pause");
    pond.change("pause", json!({ "metadata": { "annotations": { labels::PAUSED: "1" } } })).await?;
    pond.until_true("pause", condition::PAUSED).await?;
    pond.change("pause", json!({ "spec": { "mode": "Frozen", "revision": 2 } })).await?;
    Kind::LimitRange.api(pond.client.clone(), Some(&space)).delete("tenant", &DeleteParams::default()).await?;
    quiet(&pond).await?;
    assert!(pond.find(Kind::LimitRange, &space, "tenant").await?.is_none());
    assert_eq!(replicas(&pond, &space).await?, 1);
    pond.change("pause", json!({ "metadata": { "annotations": { labels::PAUSED: null } } })).await?;
    let done = pond.until_revision("pause", 2).await?;
    assert!(!is(&done, condition::PAUSED));
    assert!(pond.find(Kind::LimitRange, &space, "tenant").await?.is_some());
    Ok(())
}

#[tokio::test]
async fn a_deletion_is_held_and_the_server_kept() -> Result<()> {
    let pond = Pond::dig("delete").await?;
    pond.instance("delete", "heron", json!({})).await?;
    pond.until_revision("delete", 1).await?;
    let space = pond.space("delete");
    pond.instances().delete("delete", &DeleteParams::default()).await?;
    let held = pond.until_true("delete", condition::DELETION_HELD).await?;
    assert!(is(&held, condition::READY));
    Kind::Service.api(pond.client.clone(), Some(&space)).delete("server", &DeleteParams::default()).await?;
    wait::until("the Service to be back", LIMIT, async || {
        Ok(pond.find(Kind::Service, &space, "server").await?.map(|_| ()))
    })
    .await?;
    assert!(events(&pond, "delete").await?.contains(&"DeletionHeld".to_owned()));
    Ok(())
}

#[tokio::test]
async fn anothers_namespace_is_never_touched_and_an_old_one_can_be_adopted() -> Result<()> {
    let pond = Pond::dig("adopt").await?;
    e2e::light::light().await?.namespace("adopt-foreign", &Default::default()).await?;
    pond.instance("foreign", "egret", json!({})).await?;
    let refused =
        pond.until("foreign", "refused", |instance| !reason(instance, condition::ACCEPTED).is_empty()).await?;
    assert_eq!(reason(&refused, condition::ACCEPTED), "NamespaceHeld");
    let space = pond.find(Kind::Namespace, "", "adopt-foreign").await?.context("gone")?;
    assert!(!space.labels().contains_key(labels::MANAGED_BY));

    pond.instance("adopt", "heron", json!({})).await?;
    let first = pond.until_revision("adopt", 1).await?;
    let uid = first.uid().context("no uid")?;
    let identity = first.status.and_then(|status| status.identity);
    // An administrator lets the object go, the server stays.
    pond.change("adopt", json!({ "metadata": { "finalizers": null } })).await?;
    pond.instances().delete("adopt", &DeleteParams::default()).await?;
    wait::until("the object to go", LIMIT, async || {
        let found = pond.instances().get_opt("adopt").await?;
        if found.as_ref().is_some_and(|instance| !instance.finalizers().is_empty()) {
            // The operator was faster and held it again.
            pond.change("adopt", json!({ "metadata": { "finalizers": null } })).await?;
        }
        Ok(found.is_none().then_some(()))
    })
    .await?;
    pond.instance("adopt", "heron", json!({})).await?;
    let refused = pond.until("adopt", "refused", |instance| !reason(instance, condition::ACCEPTED).is_empty()).await?;
    assert_eq!(reason(&refused, condition::ACCEPTED), "NamespaceHeld");
    pond.change("adopt", json!({ "metadata": { "annotations": { labels::ADOPT_UID: uid } } })).await?;
    let second = pond.until_revision("adopt", 1).await?;
    assert!(is(&second, condition::READY));
    assert_eq!(second.status.and_then(|status| status.identity), identity);
    Ok(())
}

#[tokio::test]
async fn a_server_that_stops_answering_is_not_ready_but_keeps_its_traffic() -> Result<()> {
    let pond = Pond::dig("probe").await?;
    pond.prober.set("https://heron.probe", Some("the certificate has expired"));
    pond.instance("probe", "heron", json!({})).await?;
    let serving = pond.until_true("probe", condition::SERVING).await?;
    assert!(!is(&serving, condition::READY));
    assert_eq!(serving.status.and_then(|status| status.observed_revision), None);
    pond.prober.set("https://heron.probe", None);
    pond.until_revision("probe", 1).await?;
    pond.prober.set("http://server.probe-probe", Some("connection refused"));
    let down = pond.until("probe", "not serving", |instance| !is(instance, condition::SERVING)).await?;
    assert_eq!(reason(&down, condition::READY), "NoAnswer");
    assert_eq!(backend(&pond, &pond.space("probe")).await?, "server");
    Ok(())
}

#[tokio::test]
async fn rules_of_the_definitions_hold() -> Result<()> {
    let pond = Pond::dig("rules").await?;
    let pause =
        json!({ "metadata": { "annotations": { labels::PAUSED: "1" } }, "spec": { "size": "medium", "revision": 5 } });
    pond.instance("rules", "heron", pause).await?;
    for (change, words) in [
        (json!({ "spec": { "size": "small" } }), "never shrink"),
        (json!({ "spec": { "hostname": "egret.rules.ponds.test" } }), "host name is part"),
        (json!({ "spec": { "flavour": "mastodon" } }), "flavour is part"),
        (json!({ "spec": { "owner": { "handle": "egretta" } } }), "given at birth"),
        (json!({ "spec": { "revision": 4 } }), "never falls"),
        (json!({ "spec": { "revision": null } }), "never falls"),
        (json!({ "spec": { "mode": "Sleeping" } }), "Unsupported value"),
        (json!({ "spec": { "ownerClaim": "age1short" } }), "should match"),
    ] {
        let refused = pond.change("rules", change.clone()).await;
        let message = refused.err().with_context(|| format!("{change} was taken"))?;
        assert!(format!("{message:#}").contains(words), "{change}: {message:#}");
    }
    pond.change("rules", json!({ "spec": { "size": "large", "revision": 6 } })).await?;
    let long = pond.instance(&"x".repeat(41), "stork", json!({})).await;
    assert!(long.is_err());
    Ok(())
}

#[tokio::test]
async fn one_replica_leads_and_hands_over() -> Result<()> {
    use operator::clock::SystemClock;
    use operator::lease::Elector;
    use std::sync::Arc;
    use tokio_util::sync::CancellationToken;

    let light = e2e::light::light().await?;
    light.namespace("election", &Default::default()).await?;
    let elector =
        async |me: &str| anyhow::Ok(Elector::new(light.client().await?, "election", me, Arc::new(SystemClock)));
    let never = CancellationToken::new();
    let mut first = elector("first").await?;
    assert!(first.win(&never).await);
    let stop = CancellationToken::new();
    let holding = tokio::spawn({
        let stop = stop.clone();
        async move { first.hold(&stop).await }
    });
    let mut second = elector("second").await?;
    let waiting = tokio::spawn(async move { second.win(&CancellationToken::new()).await });
    assert!(!waiting.is_finished());
    stop.cancel();
    assert!(holding.await?, "given back, not lost");
    assert!(tokio::time::timeout(Duration::from_secs(10), waiting).await??, "free at once, not after it ran out");
    Ok(())
}
