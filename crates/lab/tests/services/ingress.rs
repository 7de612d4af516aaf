//! Ingress objects served over TLS by the ground's own CA.

use std::net::SocketAddr;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use kube::Api;
use lab::{ingress, objects, wait};
use serde_json::{Value, json};

use super::ground::{Place, place};

const NAMESPACE: &str = "ingress";

/// A client that trusts the ground's CA alone and finds these hosts at the ingress.
fn browser(place: &Place) -> reqwest::Client {
    let root = std::fs::read(&place.ground.root_crt).unwrap();
    let mut builder = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&root).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(10));
    for host in ["shop", "alias", "dead", "missing", "nobody"] {
        builder = builder.resolve(&format!("{host}.steppe.test"), SocketAddr::from((place.ground.ingress_ip, 443)));
    }
    builder.resolve("own.example", SocketAddr::from((place.ground.ingress_ip, 443))).build().unwrap()
}

async fn service(place: &Place, name: &str, spec: Value) {
    let services = Api::<Service>::namespaced(place.client.clone(), NAMESPACE);
    objects::apply(&services, json!({"metadata": {"name": name}, "spec": spec})).await.unwrap();
}

async fn serve(place: &Place, name: &str, host: &str, backend: &str) {
    let ingresses = Api::<Ingress>::namespaced(place.client.clone(), NAMESPACE);
    let backend = json!({"service": {"name": backend, "port": {"number": 80}}});
    let paths = json!([{"path": "/", "pathType": "Prefix", "backend": backend}]);
    let spec = json!({"ingressClassName": ingress::CLASS, "rules": [{"host": host, "http": {"paths": paths}}]});
    objects::apply(&ingresses, json!({"metadata": {"name": name}, "spec": spec})).await.unwrap();
}

/// Waits for a status; the response's body and Retry-After.
async fn expect(browser: &reqwest::Client, url: &str, status: u16) -> (String, Option<String>) {
    wait::until(&format!("{url} to answer {status}"), Duration::from_secs(30), async || {
        let response = browser.get(url).send().await.map_err(anyhow::Error::new)?;
        if response.status() != status {
            anyhow::bail!("{}", response.status());
        }
        let retry = response.headers().get("retry-after").and_then(|it| it.to_str().ok()).map(str::to_owned);
        Ok(Some((response.text().await?, retry)))
    })
    .await
    .unwrap()
}

/// A server, Services that lead to it or nowhere, and an Ingress for each.
async fn prepare(place: &Place) {
    place.namespace(NAMESPACE).await.unwrap();
    let image = place.images.caddy.tagged();
    let more = json!({"command": ["caddy", "respond", "--listen", ":8080", "--body", "open {http.request.host}"]});
    place.pod(NAMESPACE, "shop", &image, &[], more).await.unwrap();
    let ports = json!([{"port": 80, "targetPort": 8080}]);
    service(place, "shop", json!({"selector": {"app": "shop"}, "ports": ports})).await;
    service(place, "dead", json!({"selector": {"app": "nobody"}, "ports": ports})).await;
    let external = format!("shop.{NAMESPACE}.svc.cluster.local");
    let alias = json!({"type": "ExternalName", "externalName": external});
    service(place, "alias", alias).await;
    for (name, backend) in [("shop", "shop"), ("alias", "alias"), ("dead", "dead"), ("missing", "not-there")] {
        serve(place, name, &format!("{name}.steppe.test"), backend).await;
    }
    serve(place, "own", "own.example", "shop").await;
    place.running(NAMESPACE, "shop").await.unwrap();
}

#[tokio::test]
async fn ingresses_are_served() {
    let place = place().await;
    prepare(&place).await;
    let browser = browser(&place);
    for host in ["shop.steppe.test", "alias.steppe.test", "own.example"] {
        let (body, _) = expect(&browser, &format!("https://{host}/"), 200).await;
        assert_eq!(body, format!("open {host}"));
    }
    for (host, status) in [("dead", 502), ("missing", 503)] {
        let (_, retry) = expect(&browser, &format!("https://{host}.steppe.test/"), status).await;
        assert_eq!(retry.as_deref(), Some("30"), "{host}");
    }
    expect(&browser, "https://nobody.steppe.test/", 404).await;
    let plain = format!("http://{}/x?y=1", place.ground.ingress_ip);
    let plain = browser.get(plain).header("host", "shop.steppe.test");
    let plain = plain.send().await.unwrap();
    let location = plain.headers()["location"].to_str().unwrap();
    assert_eq!((plain.status().as_u16(), location), (308, "https://shop.steppe.test/x?y=1"));

    let ingresses = Api::<Ingress>::namespaced(place.client.clone(), NAMESPACE);
    let ip = place.ground.ingress_ip.to_string();
    wait::until("the address in the status", Duration::from_secs(10), async || {
        let ingress = serde_json::to_value(ingresses.get("shop").await?)?;
        Ok((ingress["status"]["loadBalancer"]["ingress"][0]["ip"] == json!(ip)).then_some(()))
    })
    .await
    .unwrap();

    // A Caddy that was lost comes back with its routes.
    place.ground.processes().kill("caddy").unwrap();
    let started = ingress::start(&place.ground, &place.tools, &place.client).await;
    started.unwrap();
    expect(&browser, "https://shop.steppe.test/", 200).await;

    place.clear(NAMESPACE).await.unwrap();
    expect(&browser, "https://shop.steppe.test/", 404).await;
}
