//! Account changes on the light ground: real jobs on the files of a snac double, beside exports of the same server.

use anyhow::{Context as _, Result};
use crd::{AccountChange, Phase, condition};
use e2e::yard::{Fate, Yard, course, succeeded};
use serde_json::json;

fn over(change: &AccountChange) -> (Phase, String) {
    let work = change.status.as_ref().map(|status| status.work.clone()).unwrap_or_default();
    (work.phase, work.reason)
}

fn password(yard: &Yard, change: &AccountChange) -> Result<String> {
    let sealed = change.status.as_ref().and_then(|status| status.claim.clone()).context("no claim")?;
    Ok(String::from_utf8(yard.claim.open(&sealed)?)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_added_reset_and_removed() -> Result<()> {
    let yard = Yard::open("users").await?;
    let server = yard.server().await?;
    let bob = yard.volume().join("d/user/bob");

    yard.change("users-add", &server, "Add", "bob").await?;
    let added = yard.until_changed("users-add").await?;
    assert_eq!(over(&added), (Phase::Succeeded, String::new()));
    let first = password(&yard, &added)?;
    assert!(bob.join("key.json").exists());
    assert_eq!(first.len(), 29);

    yard.change("users-twice", &server, "Add", "bob").await?;
    assert_eq!(over(&yard.until_changed("users-twice").await?), (Phase::Failed, "AccountExists".into()));
    yard.change("users-reset", &server, "ResetLogin", "bob").await?;
    let second = password(&yard, &yard.until_changed("users-reset").await?)?;
    assert_ne!(first, second);
    yard.change("users-owner", &server, "Remove", "alice").await?;
    assert_eq!(over(&yard.until_changed("users-owner").await?), (Phase::Failed, "OwnerRefused".into()));
    yard.change("users-remove", &server, "Remove", "bob").await?;
    assert_eq!(over(&yard.until_changed("users-remove").await?).0, Phase::Succeeded);
    assert!(!bob.exists());

    let everything = yard.everything().await?;
    for canary in [first.as_str(), second.as_str(), "CANARY", "PRIVATE KEY"] {
        assert!(!everything.contains(canary), "{canary} can be read");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_waits_for_a_copy_and_a_copy_for_a_change() -> Result<()> {
    let yard = Yard::open("waits").await?;
    let server = yard.server().await?;
    yard.fate("export", Fate::Hang);
    yard.export("waits-copy", &server, json!({})).await?;
    yard.until_export("waits-copy", "copying", |export| course(export).step == "Copying").await?;
    yard.change("waits-add", &server, "Add", "bob").await?;
    let queued = async |name: &str| {
        lab::wait::until("the change to queue", e2e::light::LIMIT, async || {
            let found = yard.changes().get(name).await?;
            Ok((over(&found) == (Phase::Pending, "Queued".into())).then_some(()))
        })
        .await
    };
    queued("waits-add").await?;
    assert!(!yard.volume().join("d/user/bob").exists());
    yard.fate("export", Fate::Live);
    succeeded(&yard.until_over("waits-copy").await?)?;
    assert_eq!(over(&yard.until_changed("waits-add").await?).0, Phase::Succeeded);

    // The other way round.
    yard.fate("account", Fate::Hang);
    yard.change("waits-reset", &server, "ResetLogin", "bob").await?;
    lab::wait::until("the change to run", e2e::light::LIMIT, async || {
        Ok((over(&yard.changes().get("waits-reset").await?).0 == Phase::Running).then_some(()))
    })
    .await?;
    yard.export("waits-second", &server, json!({})).await?;
    yard.until_export("waits-second", "queued", |export| course(export).reason == "Queued").await?;
    yard.fate("account", Fate::Live);
    assert_eq!(over(&yard.until_changed("waits-reset").await?).0, Phase::Succeeded);
    succeeded(&yard.until_over("waits-second").await?)?;
    assert_eq!(yard.wrongs(), [] as [String; 0]);
    Ok(())
}

/// Many of both at once, whoever comes first: no copy ever meets a server or a change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_work_on_one_server_stays_apart() -> Result<()> {
    let yard = Yard::open("crowd").await?;
    let server = yard.server().await?;
    for n in 0..4 {
        yard.change(&format!("crowd-add-{n}"), &server, "Add", &format!("user{n}")).await?;
        yard.export(&format!("crowd-copy-{n}"), &server, json!({})).await?;
    }
    for n in 0..4 {
        succeeded(&yard.until_over(&format!("crowd-copy-{n}")).await?)?;
        let change = yard.until_changed(&format!("crowd-add-{n}")).await?;
        assert_eq!(over(&change).0, Phase::Succeeded, "{:?}", change.status);
    }
    assert_eq!(yard.wrongs(), [] as [String; 0]);
    yard.until_up().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_servers_owner_gets_a_new_password() -> Result<()> {
    let yard = Yard::open("cold").await?;
    let server = yard.server().await?;
    yard.mode("Frozen").await?;
    yard.until_instance("stopped", |instance| {
        instance.status.as_ref().is_some_and(|status| condition::is_true(&status.conditions, condition::STOPPED))
    })
    .await?;
    yard.change("cold-reset", &server, "ResetLogin", "alice").await?;
    let done = yard.until_changed("cold-reset").await?;
    assert_eq!(password(&yard, &done)?.len(), 29);
    Ok(())
}
