//! containerd with root, state and socket of the ground's own, and the pods' network behind it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::net::UnixStream;

use super::command;
use super::ground::Ground;
use super::namespace::FIRST_POD;
use super::{pause, pki};
use crate::process::Spec;
use crate::wait;

/// containerd's configuration (version 2, for containerd 1.6 and 1.7).
fn configuration(ground: &Ground) -> String {
    let state = ground.state_dir.display();
    let socket = ground.containerd.display();
    let image = pause::reference();
    // restrict_oom_score_adj: without CAP_SYS_RESOURCE runc cannot lower a sandbox's score below our own, and each
    // sandbox would fail with "can't get final child's PID from pipe: EOF".
    // netns_mounts_under_state_dir: pods' namespaces lie in our folder and not in /run/netns, which others share.
    format!(
        r#"version = 2
root = "{state}/containerd/root"
state = "{state}/containerd/state"
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
  address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{state}/certs.d"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "{state}/containerd/runc"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{state}/cni/net.d"
"#
    )
}

/// The pods' network: a routed pair of interfaces for each pod, no shared segment.
fn network(ground: &Ground) -> serde_json::Value {
    let addresses = &ground.addresses;
    json!({
        "cniVersion": "0.4.0",
        "name": network_name(ground),
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": false,
                "ipam": {
                    "type": "host-local",
                    "dataDir": ground.state_dir.join("cni/leases"),
                    "ranges": [[{
                        "subnet": addresses.pod_cidr,
                        "rangeStart": addresses.pod_cidr.nth(FIRST_POD),
                        "gateway": addresses.node_ip,
                    }]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": true}},
        ],
    })
}

/// The network's name, by which CNI files its results in a folder that all networks of the machine share.
pub fn network_name(ground: &Ground) -> String {
    format!("steppe-{}", ground.name)
}

/// Writes the configuration and names the program.
pub fn containerd(ground: &Ground) -> Result<Spec> {
    let networks = ground.state_dir.join("cni/net.d");
    fs::create_dir_all(&networks).with_context(|| format!("cannot create {}", networks.display()))?;
    pki::file(&networks, "10-pods.conflist", &network(ground).to_string())?;
    pki::file(&ground.state_dir, "containerd.toml", &configuration(ground))?;
    let args = vec!["--config".into(), ground.state_dir.join("containerd.toml").display().to_string()];
    Ok(Spec { name: "containerd".into(), program: "containerd".into(), args, ..Spec::default() })
}

/// Waits until containerd answers. A kubelet that starts before that ends at once.
pub async fn answers(ground: &Ground) -> Result<()> {
    let processes = ground.processes();
    wait::until("containerd to listen", Duration::from_secs(30), async || {
        processes.must_run("containerd")?;
        UnixStream::connect(&ground.containerd).await?;
        Ok(Some(()))
    })
    .await
}

/// `ctr` for this ground's containerd, in the namespace of images that the kubelet sees.
pub fn ctr(ground: &Ground) -> Command {
    let mut command = Command::new("ctr");
    command.arg("--address").arg(&ground.containerd).args(["--namespace", "k8s.io"]);
    command
}

/// Gives the node the images in a docker-archive or OCI tar file. The kubelet finds them by the names in the file.
pub async fn import_image(ground: &Ground, tar: &Path) -> Result<()> {
    let mut command = ctr(ground);
    command.args(["images", "import"]).arg(tar);
    tokio::task::spawn_blocking(move || command::run(&mut command)).await?
}

/// The names of the images the node has.
pub fn images(ground: &Ground) -> Result<Vec<String>> {
    Ok(command::text(ctr(ground).args(["images", "ls", "-q"]))?.lines().map(str::to_owned).collect())
}
