//! Who a tenant can talk to: nobody, but for the few openings it needs. Tried from pods, against ends that are seen to be
//! alive from somewhere else. And what a pod in a tenant's namespace may be.
#![cfg(test)]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use e2e::node;
use e2e::node::probe::{self, Machines, PORT, Probe};
use e2e::node::tenant::Tenant;
use futures::future::{join_all, try_join_all};
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use lab::demo::Cell;
use lab::journey::{Order, Site};
use lab::node::Ground;
use lab::wait::GiveUp;
use lab::{images, tools, wait};
use serde_json::{Value, json};

const READY: Duration = Duration::from_secs(180);
/// How long a fresh pod may take until it can try everything. A deadline, not a measure.
const TRIED: Duration = Duration::from_secs(20);
const SYSTEM: &str = "steppe-system";

/// An address of the internet. It is the ground's own here, and nothing leaves the machine.
const INTERNET: Ipv4Addr = Ipv4Addr::new(93, 184, 215, 14);
/// Addresses that a cell's surroundings may have and no tenant may reach: a cloud's metadata, three private networks,
/// the carrier's and the benchmarks' one.
const PRIVATE: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(10, 200, 0, 1),
    Ipv4Addr::new(172, 20, 0, 1),
    Ipv4Addr::new(192, 168, 200, 1),
    Ipv4Addr::new(100, 100, 0, 1),
    Ipv4Addr::new(198, 18, 0, 1),
];
/// A port of the node's that nobody needs.
const NODE_PORT: u16 = 18080;

/// From where an end is seen to be alive, so that a closed way is known to be closed and not to lead nowhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// From the node, which policies do not hold up.
    Node,
    /// From a pod in a namespace without policies.
    Pod,
    /// From nowhere on this ground.
    Nowhere,
}

/// Where something leads that is tried.
struct End {
    target: String,
    seen: Seen,
}

fn end(target: impl Into<String>, seen: Seen) -> End {
    End { target: target.into(), seen }
}

/// Two tenants and what is tried between them.
struct Town<'a> {
    ground: &'a Ground,
    site: &'a Site,
    image: String,
    a: Order,
    b: Order,
}

impl<'a> Town<'a> {
    async fn open(ground: &'a Ground, cell: &'a Cell) -> Result<Self> {
        let cache = node::cache()?;
        let services = tools::services(&cache, &mut node::Told).await?;
        let image = images::build(&cache, &services, &mut node::Told).await?.probe.pinned();
        let stamp = lab::journey::stamp();
        let site = &cell.site;
        let (a, b) = (format!("wall-a-{stamp}"), format!("wall-b-{stamp}"));
        let (a, b) = futures::try_join!(site.order(&a, "ada"), site.order(&b, "ben"))?;
        futures::try_join!(site.ready(&a, READY), site.ready(&b, READY))?;
        Ok(Self { ground, site, image, a, b })
    }

    fn client(&self) -> Client {
        self.site.client.clone()
    }

    async fn probe(&self, space: &str, name: &str, role: Option<&str>) -> Result<Probe> {
        Probe::start(self.ground, &self.site.client, space, &self.image, name, role).await
    }

    async fn server_ip(&self, order: &Order) -> Result<Ipv4Addr> {
        pod_ip(&Tenant::of(self.ground, self.site, &order.name).server().await?)
    }

    /// The ends that no pod of a tenant may reach, whatever its role. `export` jobs have three ways more.
    async fn closed(&self, b: &Probe) -> Result<Vec<End>> {
        let node = self.ground.addresses.node_ip;
        let ports = &self.ground.ports;
        let api = self.ground.addresses.service_cidr.nth(1);
        let mut ends = vec![
            end(format!("tcp:{api}:443"), Seen::Node),
            end(format!("tcp:{node}:{}", ports.etcd), Seen::Nowhere),
            end(format!("tcp:{node}:{NODE_PORT}"), Seen::Pod),
            end(format!("udp:{node}:{NODE_PORT}"), Seen::Pod),
            end(format!("tcp:{}:80", self.ground.addresses.host_ip), Seen::Pod),
            end(format!("tcp:{INTERNET}:22"), Seen::Pod),
            end(format!("udp:{INTERNET}:{NODE_PORT}"), Seen::Pod),
            end(format!("tcp:{}:{PORT}", b.ip), Seen::Node),
            end(format!("udp:{}:{PORT}", b.ip), Seen::Nowhere),
        ];
        let node_ports = [ports.apiserver, ports.kubelet, 10248, ports.s3_admin, ports.dns_health, ports.dns_ready];
        ends.extend(node_ports.map(|port| end(format!("tcp:{node}:{port}"), Seen::Node)));
        ends.extend(PRIVATE.iter().flat_map(|ip| [80, 443].map(|port| end(format!("tcp:{ip}:{port}"), Seen::Pod))));
        for order in [&self.a, &self.b] {
            let service = service_ip(&self.client(), &format!("steppe-t-{}", order.name), "server").await?;
            ends.push(end(format!("tcp:{}:8001", self.server_ip(order).await?), Seen::Node));
            ends.push(end(format!("tcp:{service}:80"), Seen::Node));
        }
        for (component, port) in [("operator", 8080), ("purger", 8080), ("holding", 8080)] {
            let ip = component_ip(&self.client(), component).await?;
            ends.push(end(format!("tcp:{ip}:{port}"), Seen::Node));
        }
        for (service, port) in [("steppe-operator", 8080), ("steppe-holding", 80)] {
            let ip = service_ip(&self.client(), SYSTEM, service).await?;
            ends.push(end(format!("tcp:{ip}:{port}"), Seen::Node));
        }
        Ok(ends)
    }

    /// The grants endpoint by its Service and by its pod, and the object store: an export job's ways, nobody else's.
    async fn export_ways(&self) -> Result<Vec<String>> {
        let service = service_ip(&self.client(), SYSTEM, "steppe-operator-grants").await?;
        let pod = component_ip(&self.client(), "operator").await?;
        let node = self.ground.addresses.node_ip;
        let store = self.ground.ports.s3;
        Ok(vec![format!("tcp:{service}:8443"), format!("tcp:{pod}:8443"), format!("tcp:{node}:{store}")])
    }

    /// DNS, both by the cell's resolver and by its address.
    fn names(&self) -> Vec<String> {
        let dns = self.ground.dns_ip;
        vec![format!("dns:{}", self.b.host), format!("dns:{}@{dns}:53", self.b.host), format!("tcp:{dns}:53")]
    }

    /// Other tenants by their public name, and the internet.
    fn world(&self) -> Vec<String> {
        let host = &self.b.host;
        vec![
            format!("tcp:{host}:443"),
            format!("tcp:{host}:80"),
            format!("tcp:{INTERNET}:443"),
            format!("tcp:{INTERNET}:80"),
        ]
    }
}

fn pod_ip(pod: &Pod) -> Result<Ipv4Addr> {
    let ip = pod.status.as_ref().and_then(|status| status.pod_ip.as_deref());
    Ok(ip.with_context(|| format!("pod {} has no address", pod.name_any()))?.parse()?)
}

async fn service_ip(client: &Client, space: &str, name: &str) -> Result<Ipv4Addr> {
    let service = Api::<Service>::namespaced(client.clone(), space).get(name).await?;
    let ip = service.spec.and_then(|spec| spec.cluster_ip);
    Ok(ip.with_context(|| format!("Service {space}/{name} has no address"))?.parse()?)
}

/// The address of the first pod of one of the chart's programs.
async fn component_ip(client: &Client, component: &str) -> Result<Ipv4Addr> {
    let list = ListParams::default().labels(&format!("app.kubernetes.io/component={component}"));
    let pods = Api::<Pod>::namespaced(client.clone(), SYSTEM).list(&list).await?.items;
    let pod = pods.iter().find(|pod| pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running"));
    pod_ip(pod.with_context(|| format!("no pod of {component} runs"))?)
}

/// What a probe must find.
async fn expect(probe: &Probe, who: &str, open: &[String], closed: &[String]) -> Result<()> {
    let targets: Vec<&str> = open.iter().chain(closed).map(String::as_str).collect();
    let refused_otherwise = |target: &str| target.starts_with("dns:") || target.starts_with("tcp:wall");
    // A pod that is some seconds old has no address of its own on its link yet, and can try nothing there.
    let found = wait::until("each target to be tried", TRIED, async || {
        let found = probe.try_all(&targets).await?;
        let result = |target: &String| found.get(target).map(String::as_str).unwrap_or_default();
        let leaks: Vec<&String> = closed.iter().filter(|target| result(target) == "open").collect();
        if !leaks.is_empty() {
            bail!(GiveUp(format!("a pod of role {who} reaches {leaks:?}")));
        }
        let tried = |target: &&String| ["refused", "silent"].contains(&result(target));
        let untried: Vec<&String> =
            closed.iter().filter(|target| !tried(target) && !refused_otherwise(target)).collect();
        ensure!(untried.is_empty(), "{who}: {untried:?} of {found:?}");
        Ok(Some(found))
    })
    .await?;
    let shut: Vec<&String> = open.iter().filter(|target| found.get(*target).is_none_or(|it| it != "open")).collect();
    ensure!(shut.is_empty(), "a pod of role {who} cannot reach {shut:?}: {found:?}");
    eprintln!("{who}: {} closed, {} open", closed.len(), open.len());
    Ok(())
}

/// Every end must be seen from somewhere.
async fn alive(ends: &[&End], free: &Probe) -> Result<()> {
    let of = |seen: Seen| ends.iter().filter(move |end| end.seen == seen).map(|end| end.target.as_str());
    let from_pod: Vec<&str> = of(Seen::Pod).collect();
    let found = free.try_all(&from_pod).await?;
    let dead: Vec<_> = found.iter().filter(|(_, result)| *result != "open").collect();
    ensure!(dead.is_empty(), "not alive, seen from a free pod: {dead:?}");
    let from_node = join_all(of(Seen::Node).map(|target| async move {
        let address = target.trim_start_matches("tcp:");
        let tried = tokio::time::timeout(Duration::from_secs(3), tokio::net::TcpStream::connect(address)).await;
        (!matches!(tried, Ok(Ok(_)))).then_some(target)
    }));
    let dead: Vec<&str> = from_node.await.into_iter().flatten().collect();
    ensure!(dead.is_empty(), "not alive, seen from the node: {dead:?}");
    Ok(())
}

/// A namespace without any policy.
async fn free_space(client: &Client) -> Result<String> {
    let name = format!("free-{}", lab::journey::stamp());
    let body = json!({ "metadata": { "name": name } });
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &serde_json::from_value(body)?).await?;
    Ok(name)
}

fn machines(ground: &Ground) -> Result<Machines> {
    let mut addresses = PRIVATE.to_vec();
    addresses.push(INTERNET);
    let node = ground.addresses.node_ip;
    let mut listeners: Vec<String> = ["tcp", "udp"].map(|kind| format!("{kind}:{node}:{NODE_PORT}")).into();
    listeners.extend(PRIVATE.iter().flat_map(|ip| [80, 443].map(|port| format!("tcp:{ip}:{port}"))));
    listeners.extend([22, 80, 443].map(|port| format!("tcp:{INTERNET}:{port}")));
    listeners.push(format!("udp:{INTERNET}:{NODE_PORT}"));
    listeners.push(format!("tcp::::{NODE_PORT}"));
    let listeners: Vec<&str> = listeners.iter().map(String::as_str).collect();
    Machines::start(ground, &addresses, &listeners)
}

#[test]
fn a_tenant_reaches_names_the_web_and_nothing_of_the_cell() {
    node::test(async |ground, cell| {
        let town = Town::open(ground, cell).await?;
        let machines = machines(ground)?;
        let _host = std::net::TcpListener::bind((ground.addresses.host_ip, 80)).context("port 80 at the host's end")?;
        let free = free_space(&town.client()).await?;
        let (a, b) = (format!("steppe-t-{}", town.a.name), format!("steppe-t-{}", town.b.name));
        let (free_pod, server, export, birth, account, other) = futures::try_join!(
            town.probe(&free, "probe", None),
            town.probe(&a, "probe-server", Some("server")),
            town.probe(&a, "probe-export", Some("export")),
            town.probe(&a, "probe-birth", Some("birth")),
            town.probe(&a, "probe-account", Some("account")),
            town.probe(&b, "probe", Some("server")),
        )?;

        let ends = town.closed(&other).await?;
        let ways = town.export_ways().await?;
        let seen_ways: Vec<End> = ways.iter().map(|way| end(way, Seen::Node)).collect();
        alive(&ends.iter().chain(&seen_ways).collect::<Vec<_>>(), &free_pod).await?;

        let cell: Vec<String> = ends.into_iter().map(|end| end.target).collect();
        let link = machines.link_local(server.ip)?;
        let own_link = format!("tcp:[{link}%eth0]:{NODE_PORT}");
        let join = |lists: &[&[String]]| lists.concat();
        let (names, world) = (town.names(), town.world());
        ensure!(cell.len() + ways.len() >= 25, "{} ends are too few", cell.len());
        let own = [own_link, format!("tcp:{}:{PORT}", account.ip)];
        expect(&server, "server", &join(&[&names, &world]), &join(&[&cell, &ways, &own])).await?;
        let closed = join(&[&cell, &world]);
        expect(&export, "export", &join(&[&names, &ways]), &closed).await?;
        let closed = join(&[&cell, &world, &ways, &names]);
        expect(&birth, "birth", &[], &closed).await?;
        expect(&account, "account", &[], &closed).await?;

        // The other way round: nobody but the ingress and the operator comes in.
        let inside = town.server_ip(&town.a).await?;
        let inwards: Vec<String> = [(inside, 8001), (server.ip, PORT), (export.ip, PORT), (account.ip, PORT)]
            .map(|(ip, port)| format!("tcp:{ip}:{port}"))
            .into();
        expect(&free_pod, "none, in another namespace", &[], &inwards).await?;
        expect(&other, "server, of another tenant", &[], &inwards).await?;
        try_join_all([server, export, birth, account, other].map(Probe::end)).await?;
        Api::<Namespace>::all(town.client()).delete(&free, &DeleteParams::default()).await?;
        Ok(())
    });
}

/// Each field that the restricted standard or our own policies forbid, and a word of the refusal.
fn forbidden() -> Vec<(&'static str, Value, &'static str)> {
    let container = "/spec/containers/0/securityContext";
    let inside = |rest: &str| -> &'static str { Box::leak(format!("{container}{rest}").into_boxed_str()) };
    vec![
        ("/spec/hostNetwork", json!(true), "hostNetwork"),
        ("/spec/hostPID", json!(true), "hostPID"),
        ("/spec/hostIPC", json!(true), "hostIPC"),
        ("/spec/volumes", json!([{ "name": "root", "hostPath": { "path": "/" } }]), "hostPath"),
        ("/spec/containers/0/ports", json!([{ "containerPort": 80, "hostPort": 80 }]), "hostPort"),
        ("/spec/securityContext/runAsNonRoot", json!(false), "runAsNonRoot"),
        ("/spec/securityContext/runAsUser", json!(0), "runAsUser"),
        ("/spec/securityContext/seccompProfile", json!({ "type": "Unconfined" }), "seccompProfile"),
        ("/spec/securityContext/sysctls", json!([{ "name": "kernel.msgmax", "value": "1" }]), "sysctls"),
        (container, json!({ "privileged": true, "capabilities": { "drop": ["ALL"] } }), "privileged"),
        (inside("/allowPrivilegeEscalation"), json!(true), "allowPrivilegeEscalation"),
        (inside("/capabilities"), json!({ "add": ["NET_ADMIN"], "drop": ["ALL"] }), "NET_ADMIN"),
        (inside("/capabilities"), json!({}), "capabilities"),
        (inside("/seLinuxOptions"), json!({ "type": "spc_t" }), "seLinuxOptions"),
    ]
}

#[test]
fn a_pod_in_a_tenants_namespace_is_restricted_and_has_no_token() {
    node::test(async |ground, cell| {
        let site = &cell.site;
        let order = site.order(&format!("rules-{}", lab::journey::stamp()), "cy").await?;
        site.ready(&order, READY).await?;
        let tenant = Tenant::of(ground, site, &order.name);
        let pods = tenant.api::<Pod>();
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        let plain = probe::pod("steppe.local/none", "tried", Some("server"));
        pods.create(&dry, &serde_json::from_value(plain.clone())?).await.context("a pod without anything forbidden")?;
        for (field, value, word) in forbidden() {
            let mut pod = plain.clone();
            let (parent, name) = field.rsplit_once('/').context("a field")?;
            pod.pointer_mut(parent).with_context(|| field.to_owned())?[name] = value;
            match pods.create(&dry, &serde_json::from_value(pod)?).await {
                Err(kube::Error::Api(status)) if status.code == 403 => {
                    ensure!(status.message.contains(word), "{field}: {}", status.message);
                }
                Err(error) => bail!("{field}: {error}"),
                Ok(_) => bail!("a pod with {field} was let into {}", tenant.space),
            }
        }
        without_token(&tenant).await
    });
}

/// The server's pod has no token of any kind, in its spec and in its files.
async fn without_token(tenant: &Tenant) -> Result<()> {
    let pod = tenant.server().await?;
    let spec = pod.spec.context("no spec")?;
    ensure!(spec.automount_service_account_token == Some(false), "the server's pod asks for a token");
    let kinds: BTreeMap<String, Value> = spec
        .volumes
        .iter()
        .flatten()
        .map(|volume| Ok((volume.name.clone(), serde_json::to_value(volume)?)))
        .collect::<Result<_>>()?;
    for (name, volume) in &kinds {
        ensure!(volume.get("projected").is_none(), "volume {name} projects something: {volume}");
    }
    let found = tenant
        .exec(&["sh", "-c", "ls -d /var/run/secrets /run/secrets 2>/dev/null; id -u; cat /proc/1/status"])
        .await?;
    ensure!(!found.contains("secrets"), "{found}");
    ensure!(found.lines().any(|line| line == "1000"), "it runs as {found}");
    for line in ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        ensure!(found.contains(line), "{line} is not so in {found}");
    }
    let written = tenant.exec(&["sh", "-c", "touch /x 2>&1; touch /usr/x 2>&1; true"]).await?;
    ensure!(written.matches("Read-only file system").count() == 2, "{written}");
    Ok(())
}
