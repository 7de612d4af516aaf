//! DNS for pods and host alike: CoreDNS with few plugins, as a process of the node instead of a Deployment, so that it
//! is there before the first pod. In the cluster it looks as everywhere: a Service `kube-dns`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::node::Ground;
use crate::objects;
use crate::process::Spec;
use crate::tools::Tools;
use crate::wait;

const NAME: &str = "coredns";

/// Starts the DNS server and makes it known to the cluster; returns when it answers. Does nothing twice.
pub async fn start(ground: &Ground, tools: &Tools, client: &Client) -> Result<()> {
    let folder = ground.state_dir.join("dns");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let corefile = folder.join("Corefile");
    fs::write(&corefile, render(ground)).with_context(|| format!("cannot write {}", corefile.display()))?;
    if !hosts_file(ground).exists() {
        set_hosts(ground, &BTreeMap::new())?;
    }
    let processes = ground.processes();
    processes.start(&Spec {
        name: NAME.into(),
        program: tools.program("coredns"),
        args: vec!["-conf".into(), corefile.display().to_string()],
        cwd: Some(folder),
        ..Spec::default()
    })?;
    let service = Api::<Service>::namespaced(client.clone(), "kube-system");
    objects::apply(&service, service_object(ground)).await?;
    let slice = Api::<EndpointSlice>::namespaced(client.clone(), "kube-system");
    objects::apply(&slice, slice_object(ground)).await?;
    let ready = format!("http://{}:{}/ready", ground.addresses.node_ip, ground.ports.dns_ready);
    wait::until("the DNS server to be ready", Duration::from_secs(30), async || {
        processes.must_run(NAME)?;
        Ok(reqwest::get(&ready).await?.status().is_success().then_some(()))
    })
    .await
}

/// Stops the DNS server.
pub async fn stop(ground: &Ground) -> Result<()> {
    ground.processes().stop(NAME, Duration::from_secs(10)).await
}

fn hosts_file(ground: &Ground) -> PathBuf {
    ground.state_dir.join("dns/hosts")
}

/// Replaces the names outside the zone that resolve to something, such as customers' own domains. The server sees the
/// change within about a second; answers may be cached for five more.
pub fn set_hosts(ground: &Ground, hosts: &BTreeMap<String, Ipv4Addr>) -> Result<()> {
    let mut text = String::new();
    for (name, ip) in hosts {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{ip} {name}");
    }
    let path = hosts_file(ground);
    let fresh = path.with_extension("new");
    fs::write(&fresh, text)
        .and_then(|()| fs::rename(&fresh, &path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The server's configuration.
///
/// One block per zone: in a single block `template ANY ANY` would swallow the `kubernetes` plugin's names, and without
/// it unknown names get SERVFAIL, which clients retry slowly, instead of NXDOMAIN. Every name of the tenants' zone
/// resolves to the ingress. `bind` keeps it off the other addresses.
fn render(ground: &Ground) -> String {
    let ports = &ground.ports;
    let (node, dns) = (ground.addresses.node_ip, ports.dns);
    format!(
        r#"(common) {{
  bind {node}
  errors
  cache 5
}}
cluster.local:{dns} in-addr.arpa:{dns} ip6.arpa:{dns} {{
  import common
  health {node}:{health}
  ready {node}:{ready}
  kubernetes cluster.local in-addr.arpa ip6.arpa {{
    kubeconfig {kubeconfig}
    ttl 5
  }}
}}
{zone}:{dns} {{
  import common
  template IN A {{
    answer "{{{{ .Name }}}} 5 IN A {ingress}"
  }}
  template ANY ANY {{
    rcode NOERROR
  }}
}}
.:{dns} {{
  import common
  hosts {hosts} {{
    ttl 5
    reload 1s
    fallthrough
  }}
  template ANY ANY {{
    rcode NXDOMAIN
  }}
}}
"#,
        health = ports.dns_health,
        ready = ports.dns_ready,
        kubeconfig = ground.kubeconfig.display(),
        zone = ground.zone,
        ingress = ground.ingress_ip,
        hosts = hosts_file(ground).display(),
    )
}

fn service_object(ground: &Ground) -> Value {
    json!({
        "metadata": {"name": "kube-dns", "labels": {"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"}},
        "spec": {
            "clusterIP": ground.dns_ip,
            // No selector: the endpoint is a process, and the slice below is written by hand.
            "ports": [
                {"name": "dns", "protocol": "UDP", "port": 53, "targetPort": ground.ports.dns},
                {"name": "dns-tcp", "protocol": "TCP", "port": 53, "targetPort": ground.ports.dns},
            ],
        },
    })
}

fn slice_object(ground: &Ground) -> Value {
    json!({
        "metadata": {"name": "kube-dns", "labels": {"kubernetes.io/service-name": "kube-dns"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ground.addresses.node_ip], "conditions": {"ready": true}}],
        "ports": [
            {"name": "dns", "protocol": "UDP", "port": ground.ports.dns},
            {"name": "dns-tcp", "protocol": "TCP", "port": ground.ports.dns},
        ],
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::node::sysctl::Kernel;
    use crate::node::{Addresses, Config};

    /// A ground that is nowhere.
    pub(crate) fn ground() -> Ground {
        let addresses = Addresses::of("10.244.0.0/24".parse().unwrap(), "10.96.0.0/16".parse().unwrap());
        let config = Config { state_dir: "/s".into(), ..Config::named("a").unwrap() };
        Ground::new(&config, addresses, "/k/kubectl".into(), Kernel::default())
    }

    #[test]
    fn the_whole_configuration() {
        assert_eq!(
            render(&ground()),
            r#"(common) {
  bind 10.244.0.1
  errors
  cache 5
}
cluster.local:53 in-addr.arpa:53 ip6.arpa:53 {
  import common
  health 10.244.0.1:8181
  ready 10.244.0.1:8182
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig /s/admin.kubeconfig
    ttl 5
  }
}
steppe.test:53 {
  import common
  template IN A {
    answer "{{ .Name }} 5 IN A 10.244.0.1"
  }
  template ANY ANY {
    rcode NOERROR
  }
}
.:53 {
  import common
  hosts /s/dns/hosts {
    ttl 5
    reload 1s
    fallthrough
  }
  template ANY ANY {
    rcode NXDOMAIN
  }
}
"#
        );
    }

    #[test]
    fn the_objects_are_what_the_api_takes() {
        let ground = ground();
        serde_json::from_value::<Service>(service_object(&ground)).unwrap();
        let slice: EndpointSlice = serde_json::from_value(slice_object(&ground)).unwrap();
        assert_eq!(slice.endpoints[0].addresses, ["10.244.0.1"]);
    }
}
