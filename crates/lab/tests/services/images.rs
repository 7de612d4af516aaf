//! The images, run as tenants' pods run.

use std::time::Duration;

use lab::cache::Cache;
use lab::images::archive::{Content, Entry, Recipe};
use lab::tools::Quiet;
use lab::{images, registry, wait};
use serde_json::{Value, json};

use std::path::Path;

use super::ground::place;

const DATA: &str = "/data/d";

#[tokio::test]
async fn an_image_starts_by_tag_and_by_digest() {
    let place = place().await;
    place.namespace("by-name").await.unwrap();
    let snac = &place.images.snac;
    assert_eq!(snac.tagged(), "steppe.local/snac:2.75");
    assert!(!images::import(&place.ground, snac).await.unwrap(), "the node has it already");
    for (name, image) in [("tag", snac.tagged()), ("digest", snac.pinned())] {
        let command = json!({"command": ["sh", "-c", "id -u; snac 2>&1 | head -n 1 > /dev/termination-log"]});
        place.pod("by-name", name, &image, &[], command).await.unwrap();
        let said = place.ended("by-name", name).await.unwrap();
        assert!(said.starts_with("snac 2.75"), "{said}");
    }
    place.leave("by-name").await.unwrap();
}

#[tokio::test]
async fn snac_serves_drains_and_stops() {
    let place = place().await;
    place.namespace("snac").await.unwrap();
    let start = format!(
        "printf '0.0.0.0\\n8001\\na.steppe.test\\n\\nowner@example.test\\n' | snac init {DATA} && \
         exec snac httpd {DATA}"
    );
    let more = json!({
        "command": ["sh", "-c", start],
        "readinessProbe": {"httpGet": {"path": "/nodeinfo_2_0", "port": 8001}, "periodSeconds": 1},
        "lifecycle": {"preStop": {"exec": {"command": ["steppe-drain", DATA, "20"]}}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}],
        "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
    });
    place.pod("snac", "server", &place.images.snac.pinned(), &[], more).await.unwrap();
    let ip = place.running("snac", "server").await.unwrap();
    let url = format!("http://{ip}:8001/nodeinfo_2_0");
    wait::until("snac to answer", Duration::from_secs(20), async || {
        let body: Value = reqwest::get(&url).await?.error_for_status()?.json().await?;
        Ok((body["software"]["name"] == "snac").then_some(()))
    })
    .await
    .unwrap();
    place.exec("snac", "server", &["steppe-drain", DATA, "5"]).await.unwrap();
    let outcome = place.exec("snac", "server", &["cat", &format!("{DATA}/.steppe-drain.json")]).await.unwrap();
    let outcome: Value = serde_json::from_str(&outcome).unwrap();
    assert_eq!(outcome["pending"], 0);
    assert!(outcome["drainedAt"].as_u64().unwrap() > 1_700_000_000, "{outcome}");
    // The operator reads the outcome from the pod's status.
    place.exec("snac", "server", &["sh", "-c", "kill 1"]).await.unwrap();
    let message = place.ended("snac", "server").await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&message).unwrap(), outcome);
    place.leave("snac").await.unwrap();
}

#[tokio::test]
async fn an_operators_image_holds_the_program_and_snac() {
    let place = place().await;
    place.namespace("operator").await.unwrap();
    let cache = Cache::open(None).unwrap();
    // Any program of ours will do: what counts is that it runs on Debian trixie beside snac.
    let program = Path::new(env!("CARGO_BIN_EXE_steppe-lab"));
    let image = images::operator(&cache, program, &mut Quiet).await.unwrap();
    images::import(&place.ground, &image).await.unwrap();
    place.pod("operator", "help", &image.pinned(), &["--help"], json!({})).await.unwrap();
    place.ended("operator", "help").await.unwrap();
    let more = json!({"command": ["sh", "-c", "(command -v steppe-operator; command -v snac) > /dev/termination-log"]});
    place.pod("operator", "path", &image.tagged(), &[], more).await.unwrap();
    let paths = place.ended("operator", "path").await.unwrap();
    assert_eq!(paths, "/usr/local/bin/steppe-operator\n/usr/bin/snac\n");
    place.leave("operator").await.unwrap();
}

#[tokio::test]
async fn an_image_comes_from_a_registry() {
    let place = place().await;
    place.namespace("registry").await.unwrap();
    let cache = Cache::open(None).unwrap();
    let registry = registry::start(&place.ground).await.unwrap();
    let name = format!("{}/team", registry.address);
    // An image of its own: once the kubelet has pulled an image with credentials it does not trust another name for it.
    let program = Content::Copy("/bin/busybox".into());
    let entries =
        vec![Entry::new("bin/busybox", 0o755, program), Entry::new("bin/sh", 0, Content::Link("busybox".into()))];
    let config = json!({"User": "1000:1000", "Env": ["PATH=/bin"], "Labels": {"purpose": "to be pulled"}});
    let recipe = Recipe { name: "pulled", tag: None, base: vec![], entries, config };
    let image = recipe.make(&cache).unwrap();
    let pushed = images::push::push(&cache, &image, &name, Some(&registry.certificates)).await.unwrap();
    assert!(pushed.starts_with(&format!("{name}/pulled@sha256:")), "{pushed}");
    let more = json!({
        "imagePullPolicy": "Always",
        "command": ["sh", "-c", "echo pulled > /dev/termination-log"],
    });
    place.pod("registry", "pulls", &pushed, &[], more).await.unwrap();
    assert_eq!(place.ended("registry", "pulls").await.unwrap(), "pulled\n");
    place.leave("registry").await.unwrap();
    registry::stop(&place.ground).await.unwrap();
}
