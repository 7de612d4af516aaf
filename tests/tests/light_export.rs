//! Exports on the light ground: real jobs, a real API server, a double for nodes and a fake object store.

use anyhow::{Context as _, Result};
use bundle::format::Limits;
use bundle::seal::Identities;
use bundle::stream::{self, Folder, Trust};
use crd::{Bundle, Phase, condition};
use e2e::yard::{Fate, Yard, course, succeeded};
use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams, Patch, PatchParams};
use operator::export::keys::PlatformKeys;
use operator::seal::Identity;
use serde_json::json;

/// What nobody may read anywhere.
const CANARIES: [&str; 4] = ["CANARY", "AGE-SECRET-KEY-1", "PRIVATE KEY", "eyJhbGciOi"];

/// Downloads what is under a bundle's prefix and checks it from outside.
async fn check(yard: &Yard, bundle: &Bundle, key: Option<&Identities>) -> Result<bundle::format::Manifest> {
    let downloaded = tempfile::tempdir()?;
    for object in yard.store.keys().iter().filter(|object| object.starts_with(&bundle.prefix)) {
        let path = downloaded.path().join(&object[bundle.prefix.len()..]);
        std::fs::create_dir_all(path.parent().context("no folder")?)?;
        std::fs::write(path, yard.store.content(object).context("gone")?)?;
    }
    let folder = Folder::new(downloaded.path().to_owned());
    let trust = Trust::Key(PlatformKeys::read(yard.keys())?.signer.public());
    let opened = stream::open(&folder, &trust).await?;
    assert_eq!(opened.digest.to_string(), bundle.manifest_digest);
    stream::verify(&folder, &opened.manifest, |_| {}).await?;
    if let Some(key) = key {
        let target = downloaded.path().join("restored");
        let limits = Limits::signed(&opened.manifest);
        stream::extract(&folder, &opened.manifest, key, limits, &target, |_| {}).await?;
        let restored = std::fs::read(target.join("object/07.json"))?;
        assert_eq!(restored, std::fs::read(yard.volume().join("d/object/07.json"))?);
    }
    Ok(opened.manifest)
}

async fn jobs(yard: &Yard) -> Result<Vec<String>> {
    let api: Api<Job> = Api::namespaced(yard.client.clone(), &yard.space());
    let found = api.list(&ListParams::default().labels("steppe.host/role=export")).await?;
    Ok(found.items.iter().map(|job| job.name_any()).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_stands_still_for_the_copy_and_goes_on() -> Result<()> {
    let yard = Yard::open("copy").await?;
    let server = yard.server().await?;
    let claim = Identity::generate();
    yard.export("copy-1", &server, json!({ "spec": { "keyClaim": claim.recipient().to_string() } })).await?;
    let done = yard.until_over("copy-1").await?;
    let bundle = succeeded(&done)?;
    let status = done.status.clone().context("no status")?;
    assert!(status.stopped_at.is_some() && status.stopped_at <= status.copied_at, "{status:?}");
    assert_eq!(yard.wrongs(), [] as [String; 0]);

    let up = yard.until_up().await?;
    let last = up.status.and_then(|status| status.last_export).context("not recorded")?;
    assert_eq!((Some(last.uid), last.manifest_digest), (done.uid(), bundle.manifest_digest.clone()));
    assert_eq!(jobs(&yard).await?, [] as [String; 0]);

    let claimed = yard
        .until_export("copy-1", "key", |export| export.status.as_ref().is_some_and(|s| s.key_claim.is_some()))
        .await?;
    let sealed = claimed.status.and_then(|status| status.key_claim).context("no key")?;
    let key = Identities::parse(std::str::from_utf8(&claim.open(&sealed)?)?)?;
    let manifest = check(&yard, &bundle, Some(&key)).await?;
    assert_eq!((manifest.counts.users, manifest.counts.posts, manifest.counts.hard_links), (1, 40, 40));
    assert_eq!(manifest.instance.hostname, "birds.copy.ponds.test");

    let patch = Patch::Merge(json!({ "spec": { "keyClaim": null } }));
    yard.exports().patch("copy-1", &PatchParams::default(), &patch).await?;
    yard.until_export("copy-1", "no key", |export| export.status.as_ref().is_some_and(|s| s.key_claim.is_none()))
        .await?;

    let everything = yard.everything().await?;
    for canary in CANARIES {
        assert!(!everything.contains(canary), "{canary} can be read");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_killed_again_and_again_becomes_one_whole_bundle() -> Result<()> {
    let yard = Yard::open("killed").await?;
    let server = yard.server().await?;
    yard.fate("export", Fate::KilledAfterParts(20));
    yard.export("killed-1", &server, json!({})).await?;
    let done = yard.until_over("killed-1").await?;
    let bundle = succeeded(&done)?;
    check(&yard, &bundle, None).await?;
    let writers = yard.store.keys().iter().filter(|key| key.contains("/writers/")).count();
    assert!(writers > 1, "it was never killed");
    assert_eq!(yard.wrongs(), [] as [String; 0]);
    yard.until_up().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_of_one_server_take_turns() -> Result<()> {
    let yard = Yard::open("turns").await?;
    let server = yard.server().await?;
    yard.fate("export", Fate::Hang);
    for name in ["turns-a", "turns-b", "turns-c"] {
        yard.export(name, &server, json!({})).await?;
    }
    yard.until_export("turns-a", "copying", |export| course(export).step == "Copying").await?;
    for name in ["turns-b", "turns-c"] {
        yard.until_export(name, "queued", |export| course(export).reason == "Queued").await?;
    }
    yard.fate("export", Fate::Live);
    let mut ends = Vec::new();
    for name in ["turns-a", "turns-b", "turns-c"] {
        let done = yard.until_over(name).await?;
        succeeded(&done)?;
        let status = done.status.context("no status")?;
        ends.push((status.work.started_at, status.copied_at));
    }
    assert!(ends.windows(2).all(|pair| pair[0].1 <= pair[1].0), "they overlapped: {ends:?}");
    assert_eq!(yard.wrongs(), [] as [String; 0]);
    yard.until_up().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_goes_on_whatever_becomes_of_its_export() -> Result<()> {
    let yard = Yard::open("goeson").await?;
    let server = yard.server().await?;
    yard.fate("export", Fate::Refuse);
    yard.export("goeson-refused", &server, json!({})).await?;
    let failed = yard.until_over("goeson-refused").await?;
    assert_eq!((course(&failed).phase, course(&failed).reason.as_str()), (Phase::Failed, "Refused"));
    yard.until_up().await?;

    yard.fate("export", Fate::Hang);
    yard.export("goeson-deleted", &server, json!({})).await?;
    yard.until_export("goeson-deleted", "copying", |export| course(export).step == "Copying").await?;
    yard.until_instance("stopped", |i| {
        i.status.as_ref().is_some_and(|s| condition::is_true(&s.conditions, condition::STOPPED))
    })
    .await?;
    yard.delete_export("goeson-deleted").await?;
    yard.until_up().await?;
    assert_eq!(yard.exports().get_opt("goeson-deleted").await?.map(|export| export.name_any()), None);
    assert_eq!(jobs(&yard).await?, [] as [String; 0]);

    yard.export("goeson-bad", &server, json!({ "spec": { "recipient": "age1".to_owned() + &"q".repeat(58) } })).await?;
    let failed = yard.until_over("goeson-bad").await?;
    assert_eq!(course(&failed).reason, "BadRecipient");
    assert!(failed.status.context("no status")?.stopped_at.is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_is_copied_as_it_lies() -> Result<()> {
    let yard = Yard::open("lies").await?;
    let server = yard.server().await?;
    yard.mode("Frozen").await?;
    yard.until_instance("stopped", |i| {
        i.status.as_ref().is_some_and(|s| condition::is_true(&s.conditions, condition::STOPPED))
    })
    .await?;
    let mine = Identity::generate();
    let recipient = mine.recipient().to_string();
    yard.export(
        "lies-1",
        &server,
        json!({ "spec": { "reason": "Final", "recipient": recipient, "keyClaim": recipient } }),
    )
    .await?;
    let done = yard.until_over("lies-1").await?;
    let bundle = succeeded(&done)?;
    assert_eq!(bundle.stopped_seconds, 0);
    let key = Identities::parse(age::secrecy::ExposeSecret::expose_secret(&mine.secret()))?;
    check(&yard, &bundle, Some(&key)).await?;
    // There is no key of its own to hand over, and it says so.
    let told = yard
        .until_export("lies-1", "told", |export| {
            course(export).log.iter().any(|line| line.contains("no key of its own"))
        })
        .await?;
    assert_eq!(told.status.and_then(|status| status.key_claim), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_that_is_killed_over_and_over_brings_it_to_its_end() -> Result<()> {
    let mut yard = Yard::open("again").await?;
    let server = yard.server().await?;
    yard.fate("export", Fate::KilledAfterParts(25));
    yard.export("again-1", &server, json!({})).await?;
    for kill in 0..12 {
        tokio::time::sleep(std::time::Duration::from_millis(100 + 40 * kill)).await;
        yard.kill_and_start().await?;
    }
    let done = yard.until_over("again-1").await?;
    check(&yard, &succeeded(&done)?, None).await?;
    assert_eq!(yard.wrongs(), [] as [String; 0]);
    yard.until_up().await?;
    Ok(())
}
