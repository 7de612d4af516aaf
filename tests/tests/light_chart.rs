//! The chart on a real API server: it goes in, and its schemas take what is right and nothing else.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::chart::{ask, example, ours, repository, test, values, with};
use e2e::identity::instance;
use lab::{cache::Cache, tools, wait};
use serde_json::{Value, json};

#[test]
fn the_chart_goes_in_twice_and_the_second_time_changes_nothing() {
    test(async |chart| {
        let client = chart.light.client().await?;
        let versions = async || -> Result<Vec<Value>> {
            let mut versions = Vec::new();
            for path in [
                ours("cells", "cell"),
                "/apis/apps/v1/namespaces/steppe-system/deployments/steppe-holding".into(),
                "/apis/apps/v1/namespaces/steppe-system/deployments/steppe-operator".into(),
                "/apis/apps/v1/namespaces/steppe-system/deployments/steppe-purger".into(),
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/steppe-tenant".into(),
                "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/steppe-keep-volumes".into(),
            ] {
                versions
                    .push(ask(&client, "GET", &path, Value::Null).await?.ok()?["metadata"]["resourceVersion"].clone());
            }
            Ok(versions)
        };
        let before = versions().await?;
        chart.installer.install(&chart.light.kubeconfig(), &values()?).await?;
        ensure!(versions().await? == before, "the second installation wrote something");
        Ok(())
    });
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    test(async |chart| {
        let good = serde_json::to_value(values()?)?;
        chart.installer.render(&good).await?;
        for (pointer, value) in [
            ("/operater", json!({})),
            ("/images/operator", json!("")),
            ("/images/pullPolicy", json!("Sometimes")),
            ("/namespacePrefix", json!("kube-")),
            ("/namespacePrefix", json!("steppe-")),
            ("/operator/replicas", json!(-1)),
            ("/purger", json!({ "approvals": 0, "keepFinalDays": 90, "keepRequestedDays": 30 })),
            ("/purger", json!({ "approvals": 1, "keepFinalDays": 1, "keepRequestedDays": 30 })),
            ("/cell/zone", json!("steppe")),
            ("/cell/zone", Value::Null),
            ("/cell/storageClass", json!("")),
            ("/cell/objectStore/endpoint", json!("s3.example.org")),
            ("/cell/versions", json!([{ "flavour": "pleroma", "version": "1", "image": "x" }])),
            ("/cell/networks/pods", json!(["everything"])),
            ("/cell/escrowRecipient", json!("age1short")),
            ("/cell/room", json!({ "huge": 1 })),
        ] {
            let refused = chart.installer.render(&with(good.clone(), pointer, value.clone())).await;
            ensure!(refused.is_err(), "{pointer} = {value} was taken");
        }
        Ok(())
    });
}

#[test]
fn the_examples_are_taken() {
    test(async |chart| {
        let folder = repository().join("docs/examples");
        let mut applied = 0;
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            // The other chart's: see light_control_chart.rs.
            if path.file_name().is_some_and(|name| name == "control-plane-values.yaml") {
                continue;
            }
            let text = std::fs::read_to_string(&path)?;
            if path.file_name().is_some_and(|name| name == "values.yaml") {
                chart.installer.render(&serde_saphyr::from_str::<Value>(&text)?).await.context("values.yaml")?;
                continue;
            }
            // Nothing is left of it, so that the other tests see the chart's own objects.
            let apply = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "--filename=-"];
            let done = chart.installer.kubectl(&chart.light.kubeconfig(), &apply, &text).await;
            done.with_context(|| path.display().to_string())?;
            applied += 1;
        }
        ensure!(applied >= 7, "only {applied} examples");
        Ok(())
    });
}

#[test]
fn what_breaks_a_rule_is_refused_when_it_is_made() {
    test(async |chart| {
        let client = chart.light.client().await?;
        let cases = [
            ("instance", "instances", "/metadata/name", json!("0birds"), "must begin with a letter"),
            ("instance", "instances", "/metadata/name", json!("b".repeat(41)), "at most 40"),
            ("instance", "instances", "/spec/flavour", json!("pleroma"), "spec.flavour"),
            ("instance", "instances", "/spec/hostname", json!("birds"), "spec.hostname"),
            ("instance", "instances", "/spec/hostname", json!("Birds.example"), "spec.hostname"),
            ("instance", "instances", "/spec/owner/handle", json!("Alice"), "spec.owner.handle"),
            ("instance", "instances", "/spec/size", json!("huge"), "spec.size"),
            ("instance", "instances", "/spec/mode", json!("Gone"), "spec.mode"),
            ("instance", "instances", "/spec/ownerClaim", json!("age1nonsense"), "spec.ownerClaim"),
            ("instance", "instances", "/spec/exports", json!({ "keep": 0 }), "spec.exports.keep"),
            ("instance", "instances", "/spec/owner", Value::Null, "spec.owner"),
            ("export", "exports", "/spec/reason", json!("Whim"), "spec.reason"),
            ("export", "exports", "/spec/instanceRef/uid", Value::Null, "uid"),
            ("account-change", "accountchanges", "/spec/claim", Value::Null, "needs a one-time recipient"),
            ("purge", "purges", "/spec/manifestDigest", json!("abc"), "manifestDigest"),
            ("purge", "purges", "/spec/notBefore", json!("soon"), "notBefore"),
            ("purge", "purges", "/spec/approvals", json!([{ "by": "", "reason": "x" }]), "by"),
            ("cell", "cells", "/metadata/name", json!("second"), "one cell"),
        ];
        for (name, plural, pointer, value, says) in cases {
            let body = with(example(name)?, pointer, value.clone());
            let answer = ask(&client, "POST", &format!("{}?dryRun=All", ours(plural, "")), body).await?;
            ensure!(answer.code == 422 || answer.code == 400, "{name} {pointer} = {value}: {answer:?}");
            ensure!(answer.message.contains(says), "{name} {pointer} = {value}: {}", answer.message);
        }
        Ok(())
    });
}

#[test]
fn what_is_settled_cannot_be_changed_later() {
    test(async |chart| {
        let client = chart.light.client().await?;
        let rename = |object: Value, name: &str| with(object, "/metadata/name", json!(name));
        let made = [
            ("instances", with(instance("settled")?, "/spec/size", json!("medium"))),
            ("exports", rename(example("export")?, "settled")),
            ("accountchanges", rename(example("account-change")?, "settled")),
            ("purges", rename(example("purge")?, "settled")),
        ];
        for (plural, object) in made {
            ask(&client, "POST", &ours(plural, ""), object).await?.ok()?;
        }
        ask(&client, "MERGE", &ours("instances", "settled"), json!({ "spec": { "revision": 7 } })).await?.ok()?;
        let cases = [
            ("instances", json!({ "hostname": "other.steppe.test" }), "host name"),
            ("instances", json!({ "flavour": "mastodon" }), "flavour"),
            ("instances", json!({ "owner": { "handle": "mallory" } }), "handle"),
            ("instances", json!({ "size": "small" }), "never shrink"),
            ("instances", json!({ "revision": 6 }), "never falls"),
            ("instances", json!({ "revision": null }), "never falls"),
            ("exports", json!({ "instanceRef": { "uid": "other" } }), "redirected"),
            ("exports", json!({ "reason": "Nightly" }), "redirected"),
            ("accountchanges", json!({ "handle": "dave" }), "asked for once"),
            ("purges", json!({ "instanceRef": { "uid": "other" } }), "redirected"),
            ("purges", json!({ "manifestDigest": "0".repeat(64) }), "redirected"),
            ("purges", json!({ "notBefore": "2020-01-01T00:00:00Z" }), "brought forward"),
            ("purges", json!({ "approvals": [] }), "taken back"),
        ];
        for (plural, spec, says) in cases {
            let answer = ask(&client, "MERGE", &ours(plural, "settled"), json!({ "spec": spec })).await?;
            ensure!(answer.code == 422 && answer.message.contains(says), "{plural} {spec}: {answer:?}");
        }
        for spec in [json!({ "size": "large" }), json!({ "revision": 8 }), json!({ "mode": "Frozen" })] {
            ask(&client, "MERGE", &ours("instances", "settled"), json!({ "spec": spec })).await?.ok()?;
        }
        Ok(())
    });
}

#[test]
fn the_holding_page_says_503_to_everybody() {
    test(async |chart| {
        let client = chart.light.client().await?;
        let map = ask(&client, "GET", "/api/v1/namespaces/steppe-system/configmaps/steppe-holding", Value::Null)
            .await?
            .ok()?;
        let folder = tempfile::tempdir()?;
        let (page, health) = (free_port()?, free_port()?);
        for (name, text) in map["data"].as_object().context("an empty ConfigMap")? {
            let text = text.as_str().unwrap_or_default().replace("/etc/caddy", &folder.path().display().to_string());
            let text = text.replace(":8080", &format!(":{page}")).replace(":8081", &format!(":{health}"));
            std::fs::write(folder.path().join(name), text)?;
        }
        let caddy = tools::services(&Cache::open(None)?, &mut tools::Quiet).await?.program("caddy");
        let mut command = tokio::process::Command::new(caddy);
        command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.path().join("Caddyfile"));
        command.env_clear().env("XDG_DATA_HOME", folder.path()).env("XDG_CONFIG_HOME", folder.path());
        let _caddy = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
        let http = reqwest::Client::new();
        let ready = wait::until("Caddy", Duration::from_secs(20), async || {
            Ok(Some(http.get(format!("http://127.0.0.1:{health}/")).send().await?))
        });
        ensure!(ready.await?.status() == 200);
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (method, path, accept, kind, says) in [
            ("GET", "/", browser, "text/html; charset=utf-8", "<title>This server is paused</title>"),
            ("GET", "/@alice/with/path?q=1", "*/*", "text/html; charset=utf-8", "Nothing is lost"),
            ("POST", "/alice/inbox", "application/activity+json", "application/json", "{\"error\":"),
            ("GET", "/api/v1/timelines/home", "application/json", "application/json", "Nothing is lost"),
            ("HEAD", "/", "*/*", "text/html; charset=utf-8", ""),
            ("DELETE", "/x", "*/*", "text/html; charset=utf-8", "paused"),
        ] {
            let request = http.request(method.parse()?, format!("http://127.0.0.1:{page}{path}"));
            let request =
                request.header("accept", accept).header("if-none-match", "*").header("host", "birds.steppe.test");
            let answer = request.send().await?;
            let header = |name: &str| {
                answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
            };
            let seen =
                (answer.status().as_u16(), header("retry-after"), header("cache-control"), header("content-type"));
            ensure!(seen == (503, "300".into(), "no-store".into(), kind.into()), "{method} {path}: {seen:?}");
            let text = answer.text().await?;
            ensure!(text.contains(says), "{method} {path}: {text}");
        }
        Ok(())
    });
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
