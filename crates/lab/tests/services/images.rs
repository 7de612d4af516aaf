//! The images, run as tenants' pods run.

use std::time::Duration;

use lab::images;
use lab::wait;
use serde_json::{Value, json};

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
    place.clear("by-name").await.unwrap();
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
    place.exec("snac", "server", &["cat", "/dev/termination-log"]).await.unwrap();
    place.clear("snac").await.unwrap();
}
