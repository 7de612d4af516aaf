//! A pod that serves a page, with its Service.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Service};
use kube::Api;
use kube::api::PostParams;
use lab::node::{Ground, command};
use lab::wait;
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);
/// The page. It names its ground, so that a page of another ground is not taken for ours.
fn page(ground: &Ground) -> String {
    format!("page of {}", ground.name)
}

async fn pods(ground: &Ground) -> Api<Pod> {
    Api::namespaced(ground.client().await.unwrap(), "default")
}

async fn services(ground: &Ground) -> Api<Service> {
    Api::namespaced(ground.client().await.unwrap(), "default")
}

/// The pod, under the strictest rules a tenant's pod has.
fn pod(ground: &Ground) -> Pod {
    let script = format!("echo '{}' > /tmp/index.html; exec /busybox httpd -f -p 8001 -h /tmp", page(ground));
    let pod = json!({
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 1,
            "containers": [{
                "name": "web",
                "image": lab::node::pause::reference(),
                "command": ["/busybox", "sh", "-c", script],
                "readinessProbe": {"httpGet": {"port": 8001, "path": "/"}, "periodSeconds": 1},
                "securityContext": {
                    "runAsNonRoot": true, "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
                },
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
            }],
            "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory"}}],
        },
    });
    serde_json::from_value(pod).unwrap()
}

/// Makes both, and waits until the pod is ready.
pub async fn run(ground: &Ground) {
    let service = json!({
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8001}]},
    });
    let pods = pods(ground).await;
    let services = services(ground).await;
    pods.create(&PostParams::default(), &pod(ground)).await.unwrap();
    services.create(&PostParams::default(), &serde_json::from_value(service).unwrap()).await.unwrap();
    wait::until("the pod to be ready", LIMIT, async || {
        let status = pods.get("web").await?.status.unwrap_or_default();
        let ready =
            status.conditions.unwrap_or_default().iter().any(|one| one.type_ == "Ready" && one.status == "True");
        anyhow::ensure!(ready, "phase {:?}, {:?}", status.phase, status.container_statuses);
        Ok(Some(()))
    })
    .await
    .unwrap();
}

/// The Service's page reaches the host.
pub async fn answers(ground: &Ground) {
    let ip = services(ground).await.get("web").await.unwrap().spec.unwrap().cluster_ip.unwrap();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
    wait::until("the Service to answer", LIMIT, async || {
        let text = client.get(format!("http://{ip}/")).send().await?.error_for_status()?.text().await?;
        anyhow::ensure!(text.trim() == page(ground), "it says {text:?}");
        Ok(Some(()))
    })
    .await
    .unwrap();
}

/// The pod reaches itself through its Service, and the API server through the one in front of that.
pub async fn reaches_its_own_service(ground: &Ground) {
    let ip = services(ground).await.get("web").await.unwrap().spec.unwrap().cluster_ip.unwrap();
    let api = ground.addresses.service_cidr.nth(1);
    let ask =
        |address: &str, port: u16| format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | /busybox nc -w 5 {address} {port}");
    let script = format!("{}; {}", ask(&ip, 80), ask(&api.to_string(), 443));
    let mut kubectl = std::process::Command::new(&ground.kubectl);
    kubectl.arg("--kubeconfig").arg(&ground.kubeconfig).args(["exec", "web", "--", "/busybox", "sh", "-c", &script]);
    let text = command::text(&mut kubectl).unwrap();
    assert!(text.contains(&page(ground)), "own Service: {text}");
    assert!(text.contains("HTTP request to an HTTPS server"), "API server: {text}");
}
