//! The control plane's programs: etcd, kube-apiserver, kube-controller-manager, kube-scheduler.

use std::path::Path;

use super::ground::Ground;
use crate::process::Spec;
use crate::tools::SPARING;

/// A flag with its value.
fn flag(name: &str, value: impl std::fmt::Display) -> String {
    format!("--{name}={value}")
}

/// A flag naming a file of the ground's PKI.
fn pki(ground: &Ground, name: &str, file: &str) -> String {
    flag(name, ground.state_dir.join("pki").join(file).display())
}

fn spec(name: &str, program: &Path, args: Vec<String>) -> Spec {
    let env = [SPARING].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Spec { name: name.into(), program: program.into(), args, env, ..Spec::default() }
}

/// etcd, on the namespace's loopback only.
pub fn etcd(ground: &Ground) -> Spec {
    let url = format!("http://127.0.0.1:{}", ground.ports.etcd);
    let args = vec![
        flag("name", "etcd"),
        flag("data-dir", ground.state_dir.join("etcd").display()),
        flag("listen-client-urls", &url),
        flag("advertise-client-urls", &url),
        // One member has no peers; port 0 takes whatever is free.
        flag("listen-peer-urls", "http://127.0.0.1:0"),
        flag("auto-compaction-mode", "periodic"),
        flag("auto-compaction-retention", "10m"),
        flag("log-level", "warn"),
        // A power cut may lose a ground, and only that: what was written is safe from killed processes.
        "--unsafe-no-fsync".into(),
    ];
    spec("etcd", Path::new("etcd"), args)
}

/// kube-apiserver, reachable by pods and host at the node's address.
pub fn apiserver(ground: &Ground, programs: &Path) -> Spec {
    let node = ground.addresses.node_ip;
    let args = vec![
        flag("bind-address", node),
        flag("advertise-address", node),
        flag("secure-port", ground.ports.apiserver),
        flag("etcd-servers", format!("http://127.0.0.1:{}", ground.ports.etcd)),
        flag("service-cluster-ip-range", ground.addresses.service_cidr),
        flag("authorization-mode", "Node,RBAC"),
        flag("enable-admission-plugins", "NodeRestriction"),
        flag("allow-privileged", true),
        flag("anonymous-auth", false),
        flag("profiling", false),
        flag("kubelet-preferred-address-types", "InternalIP"),
        pki(ground, "kubelet-certificate-authority", "ca.crt"),
        pki(ground, "kubelet-client-certificate", "apiserver-kubelet.crt"),
        pki(ground, "kubelet-client-key", "apiserver-kubelet.key"),
        pki(ground, "client-ca-file", "ca.crt"),
        pki(ground, "tls-cert-file", "apiserver.crt"),
        pki(ground, "tls-private-key-file", "apiserver.key"),
        flag("service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
        pki(ground, "service-account-key-file", "service-account.pub"),
        pki(ground, "service-account-signing-key-file", "service-account.key"),
        pki(ground, "requestheader-client-ca-file", "front-ca.crt"),
        flag("requestheader-allowed-names", "front-proxy-client"),
        flag("requestheader-extra-headers-prefix", "X-Remote-Extra-"),
        flag("requestheader-group-headers", "X-Remote-Group"),
        flag("requestheader-username-headers", "X-Remote-User"),
        pki(ground, "proxy-client-cert-file", "front.crt"),
        pki(ground, "proxy-client-key-file", "front.key"),
    ];
    spec("kube-apiserver", &programs.join("kube-apiserver"), args)
}

/// The three flags by which a controller talks to the API server, and its clients are checked.
fn kubeconfigs(ground: &Ground, name: &str) -> Vec<String> {
    ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"]
        .iter()
        .map(|flag| pki(ground, flag, &format!("{name}.kubeconfig")))
        .collect()
}

/// kube-controller-manager.
pub fn controller_manager(ground: &Ground, programs: &Path) -> Spec {
    let mut args = kubeconfigs(ground, "controller-manager");
    args.extend([
        flag("bind-address", "127.0.0.1"),
        flag("leader-elect", false),
        flag("profiling", false),
        flag("use-service-account-credentials", true),
        pki(ground, "service-account-private-key-file", "service-account.key"),
        pki(ground, "root-ca-file", "ca.crt"),
        pki(ground, "cluster-signing-cert-file", "ca.crt"),
        pki(ground, "cluster-signing-key-file", "ca.key"),
        flag("cluster-cidr", ground.addresses.pod_cidr),
        flag("allocate-node-cidrs", false),
    ]);
    spec("kube-controller-manager", &programs.join("kube-controller-manager"), args)
}

/// kube-scheduler.
pub fn scheduler(ground: &Ground, programs: &Path) -> Spec {
    let mut args = kubeconfigs(ground, "scheduler");
    args.extend([flag("bind-address", "127.0.0.1"), flag("leader-elect", false), flag("profiling", false)]);
    spec("kube-scheduler", &programs.join("kube-scheduler"), args)
}
