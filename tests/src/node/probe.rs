//! Pods that try connections from inside the cell, and addresses for them to try.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use crd::labels;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use lab::node::Ground;
use lab::node::namespace::Namespace;
use lab::{policy, wait};
use serde::Deserialize;
use serde_json::{Value, json};

use super::tenant::exec;

/// The port at which probes themselves listen, for TCP and UDP.
pub const PORT: u16 = 8080;
/// How long a pod may take to be there.
const LIMIT: Duration = Duration::from_secs(60);

/// A pod of the probe's image.
pub struct Probe {
    /// Its address.
    pub ip: Ipv4Addr,
    ground: Ground,
    client: Client,
    space: String,
    name: String,
}

/// What came of one try.
#[derive(Debug, Clone, Deserialize)]
struct Outcome {
    target: String,
    result: String,
}

/// The pod of a probe: as little as the restricted standard lets through, with this role's label if it has one.
#[must_use]
pub fn pod(image: &str, name: &str, role: Option<&str>) -> Value {
    let labels: BTreeMap<&str, &str> = role.map(|role| (labels::ROLE, role)).into_iter().collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "labels": labels },
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1000, "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [{
                "name": "probe", "image": image, "imagePullPolicy": "IfNotPresent",
                "resources": { "requests": { "cpu": "5m", "memory": "8Mi" }, "limits": { "cpu": "100m", "memory": "32Mi" } },
                "securityContext": {
                    "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
    })
}

impl Probe {
    /// Starts one. In a namespace with policies for it, waits until they hold.
    ///
    /// # Errors
    /// When it does not run in time.
    pub async fn start(
        ground: &Ground,
        client: &Client,
        space: &str,
        image: &str,
        name: &str,
        role: Option<&str>,
    ) -> Result<Self> {
        let pods: Api<Pod> = Api::namespaced(client.clone(), space);
        pods.create(&PostParams::default(), &serde_json::from_value(pod(image, name, role))?).await?;
        let ip = wait::until(&format!("pod {space}/{name} to run"), LIMIT, async || {
            let status = pods.get(name).await?.status.context("no status")?;
            if status.phase.as_deref() != Some("Running") {
                bail!("{:?} {:?}", status.phase, status.container_statuses);
            }
            Ok(status.pod_ip.context("no address")?.parse().ok())
        })
        .await?;
        if role.is_some() {
            policy::covers(ground, ip, LIMIT).await?;
        }
        Ok(Self { ip, ground: ground.clone(), client: client.clone(), space: space.to_owned(), name: name.to_owned() })
    }

    /// Tries all targets at once; what came of each: `open`, or something else. A failed name counts as closed.
    ///
    /// # Errors
    /// When the probe cannot be run.
    pub async fn try_all(&self, targets: &[&str]) -> Result<BTreeMap<String, String>> {
        let words = [&["/bin/steppe-probe", "check", "-timeout", "1500ms"][..], targets].concat();
        let text = exec(&self.ground, &self.space, &self.name, &words).await?;
        let outcomes: Vec<Outcome> = serde_json::from_str(&text).context("the probe's answer")?;
        ensure!(outcomes.len() == targets.len(), "{} answers to {} tries", outcomes.len(), targets.len());
        Ok(outcomes.into_iter().map(|outcome| (outcome.target, outcome.result)).collect())
    }

    /// Runs a command in it; what it printed.
    ///
    /// # Errors
    /// When it fails.
    pub async fn run(&self, words: &[&str]) -> Result<String> {
        exec(&self.ground, &self.space, &self.name, words).await
    }

    /// Takes it away.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn end(self) -> Result<()> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.space);
        pods.delete(&self.name, &DeleteParams::default()).await?;
        Ok(())
    }
}

/// A double of other machines: one program on the node that answers at addresses which a private network, a cloud or the
/// internet might have. They exist inside the ground's network namespace only. Gone when dropped.
pub struct Machines {
    namespace: Namespace,
    addresses: Vec<Ipv4Addr>,
    child: Child,
}

/// Listens at each `tcp:IP:PORT` and `udp:IP:PORT`, answers to UDP, says `ready` and waits.
const PROGRAM: &str = "
import socket, sys, threading
def echo(s):
    while True:
        data, peer = s.recvfrom(2048)
        s.sendto(data, peer)
held = []
for word in sys.argv[1:]:
    kind, rest = word.split(':', 1)
    ip, port = rest.rsplit(':', 1)
    family = socket.AF_INET6 if ':' in ip else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((ip, int(port)))
    if kind == 'tcp':
        s.listen()
    else:
        threading.Thread(target=echo, args=(s,), daemon=True).start()
    held.append(s)
print('ready', flush=True)
sys.stdin.read()
";

impl Machines {
    /// Gives the node these addresses, and a program that listens at `listeners`.
    ///
    /// # Errors
    /// When an address cannot be had or the program does not start.
    pub fn start(ground: &Ground, addresses: &[Ipv4Addr], listeners: &[&str]) -> Result<Self> {
        let namespace = Namespace::at(&ground.netns);
        for address in addresses {
            let given =
                namespace.command("ip").args(["addr", "replace", &format!("{address}/32"), "dev", "lo"]).status()?;
            ensure!(given.success(), "cannot give the node the address {address}");
        }
        let mut command = namespace.command("python3");
        command.args(["-c", PROGRAM]).args(listeners).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("python3 is missing")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let machines = Self { namespace, addresses: addresses.to_vec(), child };
        ensure!(line.trim() == "ready", "the double of other machines does not listen at {listeners:?}");
        Ok(machines)
    }

    /// The node's own link-local address of the sixth version at the pod's end of the link, as `fe80::…`.
    ///
    /// # Errors
    /// When there is none.
    pub fn link_local(&self, pod: Ipv4Addr) -> Result<String> {
        let run = |words: &[&str]| -> Result<String> {
            let output = self.namespace.command("ip").args(words).output()?;
            Ok(String::from_utf8(output.stdout)?)
        };
        let route = run(&["-o", "route", "get", &pod.to_string()])?;
        let mut words = route.split_whitespace().skip_while(|word| *word != "dev");
        let device = words.nth(1).with_context(|| format!("no device in {route}"))?;
        let text = run(&["-o", "-6", "addr", "show", "dev", device, "scope", "link"])?;
        let mut words = text.split_whitespace().skip_while(|word| *word != "inet6");
        let address = words.nth(1).with_context(|| format!("{device} has no link-local address: {text}"))?;
        Ok(address.split('/').next().unwrap_or_default().to_owned())
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for address in &self.addresses {
            let words = ["addr", "del", &format!("{address}/32"), "dev", "lo"];
            let _ = self.namespace.command("ip").args(words).status();
        }
    }
}
