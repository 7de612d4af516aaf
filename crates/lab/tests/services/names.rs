//! DNS, asked from a pod and from the host.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use lab::{dns, wait};
use serde_json::json;

use super::ground::{by_target, place};

#[tokio::test]
async fn names_resolve_in_a_pod() {
    let place = place().await;
    let node = place.ground.addresses.node_ip.to_string();
    place.namespace("names").await.unwrap();
    let customer = BTreeMap::from([("social.example".to_owned(), Ipv4Addr::new(203, 0, 113, 7))]);
    dns::set_hosts(&place.ground, &customer).unwrap();
    let server = format!("{}:53", place.ground.dns_ip);
    let asked = format!("dns:social.example@{server}");
    wait::until("the customer's name", Duration::from_secs(10), async || {
        // On the host, by the Service's address.
        let probe = place.tools.program("probe");
        let output = tokio::process::Command::new(probe).args(["check", &asked]).output().await?;
        let outcomes = by_target(&String::from_utf8_lossy(&output.stdout))?;
        Ok((outcomes[&asked]["answer"] == json!(["203.0.113.7"])).then_some(()))
    })
    .await
    .unwrap();
    let targets = [
        "dns:kubernetes.default.svc.cluster.local",
        "dns:kube-dns.kube-system",
        "dns:anything.steppe.test",
        "dns:social.example",
        "dns:nowhere.example",
    ];
    let outcomes = place.check("names", "asks", &targets).await.unwrap();
    let answer = |target: &str| outcomes[target]["answer"].clone();
    assert_eq!(answer(targets[0]), json!([place.ground.addresses.service_cidr.nth(1)]));
    assert_eq!(answer(targets[1]), json!([place.ground.dns_ip]));
    assert_eq!(answer(targets[2]), json!([node]));
    assert_eq!(answer(targets[3]), json!(["203.0.113.7"]));
    assert_eq!(outcomes[targets[4]]["result"], "no-such-name");
    // Unknown names are refused at once: a client that must wait for a time-out is stuck for seconds.
    assert!(outcomes[targets[4]]["millis"].as_u64().unwrap() < 1000, "{outcomes:?}");
    place.leave("names").await.unwrap();
}
