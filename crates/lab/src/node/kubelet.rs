//! The kubelet and kube-proxy.

use std::path::Path;

use anyhow::Result;
use serde_json::json;

use super::ground::Ground;
use super::pki;
use crate::process::Spec;

/// How many pods the node takes: the pods' range without the node's own addresses.
const MAX_PODS: u32 = 240;

/// The folder that keeps the containers' logs, instead of `/var/log/pods`, which grounds would share.
pub fn logs(ground: &Ground) -> std::path::PathBuf {
    ground.state_dir.join("pod-logs")
}

/// The kubelet's configuration.
fn configuration(ground: &Ground) -> serde_json::Value {
    let pki = |file: &str| ground.state_dir.join("pki").join(file);
    let node = ground.addresses.node_ip.to_string();
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node,
        "port": ground.ports.kubelet,
        "readOnlyPort": 0,
        "healthzBindAddress": node,
        "healthzPort": 10248,
        "tlsCertFile": pki("kubelet.crt"),
        "tlsPrivateKeyFile": pki("kubelet.key"),
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": pki("ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": format!("unix://{}", ground.containerd.display()),
        "clusterDomain": "cluster.local",
        "clusterDNS": [ground.dns_ip],
        "resolvConf": "",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", ground.cgroup),
        "failCgroupV1": false,
        "failSwapOn": false,
        "seccompDefault": true,
        "maxPods": MAX_PODS,
        "podLogsDir": logs(ground),
        "volumePluginDir": ground.state_dir.join("volume-plugins"),
        // A developer's disk may be rather full; a ground must not evict what it was asked to run.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%", "nodefs.inodesFree": "1%"},
        // No image can be pulled again, so none is ever collected.
        "imageGCHighThresholdPercent": 100,
        "imageMinimumGCAge": "8760h",
        "serializeImagePulls": false,
        "nodeStatusUpdateFrequency": "5s",
    })
}

/// Writes the configuration and names the program.
pub fn kubelet(ground: &Ground, programs: &Path) -> Result<Spec> {
    pki::file(&ground.state_dir, "kubelet.json", &configuration(ground).to_string())?;
    let args = vec![
        format!("--config={}", ground.state_dir.join("kubelet.json").display()),
        format!("--kubeconfig={}", ground.state_dir.join("pki/kubelet.kubeconfig").display()),
        format!("--root-dir={}", ground.state_dir.join("kubelet").display()),
        format!("--node-ip={}", ground.addresses.node_ip),
        format!("--hostname-override={}", ground.node_name),
    ];
    Ok(Spec { name: "kubelet".into(), program: programs.join("kubelet"), args, ..Spec::default() })
}

/// kube-proxy: Services by iptables, inside the ground's network namespace. Connection tracking is left as it is,
/// because its limits belong to the whole machine.
pub fn proxy(ground: &Ground, programs: &Path) -> Spec {
    let args = vec![
        format!("--kubeconfig={}", ground.state_dir.join("pki/kube-proxy.kubeconfig").display()),
        format!("--hostname-override={}", ground.node_name),
        format!("--cluster-cidr={}", ground.addresses.pod_cidr),
        "--proxy-mode=iptables".into(),
        "--iptables-localhost-nodeports=false".into(),
        "--iptables-min-sync-period=100ms".into(),
        "--conntrack-max-per-core=0".into(),
        "--conntrack-tcp-timeout-established=0".into(),
        "--conntrack-tcp-timeout-close-wait=0".into(),
        "--healthz-bind-address=127.0.0.1:10256".into(),
        "--metrics-bind-address=127.0.0.1:10249".into(),
    ];
    Spec { name: "kube-proxy".into(), program: programs.join("kube-proxy"), args, ..Spec::default() }
}
