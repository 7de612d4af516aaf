//! The ground's own network namespace and its one link to the host.
//!
//! Everything of the ground runs inside: kube-proxy's iptables chains, policies, routes and network settings touch
//! nothing of the host, two grounds cannot meet, and all of it is gone with the namespace. The namespace is a mounted
//! file of the ground's own: `ip netns` would mount `/run/netns` over itself below the pods of other clusters.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::command::{run, text};
use super::ground::Ground;
use super::mounts;

/// A network namespace held by a mounted file.
#[derive(Clone, Debug)]
pub struct Namespace(PathBuf);

impl Namespace {
    /// The namespace held by `file`, whether it is there yet or not.
    pub fn at(file: &Path) -> Self {
        Self(file.to_owned())
    }

    /// Whether the namespace is there.
    pub fn exists(&self) -> Result<bool> {
        Ok(mounts::below(&self.0)?.contains(&self.0))
    }

    /// A command that runs inside.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.0.display())).arg(program);
        command
    }

    fn create(&self) -> Result<()> {
        fs::write(&self.0, "").with_context(|| format!("cannot create {}", self.0.display()))?;
        run(Command::new("unshare").arg(format!("--net={}", self.0.display())).arg("true"))
    }
}

/// The pods' addresses begin here, above the node's and the host's.
pub const FIRST_POD: u32 = 10;

/// Makes the namespace with the node's address in it, and the link. Does nothing where it finds its work done.
pub fn join(ground: &Ground) -> Result<()> {
    let namespace = Namespace::at(&ground.netns);
    if !namespace.exists()? {
        namespace.create()?;
    }
    let addresses = &ground.addresses;
    let (node, host) = (addresses.node_ip, addresses.host_ip);
    let (outer, inner) = (ground.interface.as_str(), "host0");
    if !Path::new("/sys/class/net").join(outer).exists() {
        run(Command::new("ip")
            .args(["link", "add", outer, "type", "veth", "peer", "name", inner, "netns"])
            .arg(&ground.netns))?;
    }
    let inside = format!(
        "set -e
ip link set lo up
ip addr replace {node}/32 dev lo
ip link set {inner} up
ip route replace {host}/32 dev {inner} src {node}
ip route replace {services} dev lo src {node}
echo 1 > /proc/sys/net/ipv4/ip_forward
",
        services = addresses.service_cidr
    );
    run(namespace.command("sh").args(["-c", &inside]))?;
    let outside = format!(
        "set -e
ip link set {outer} up
ip addr replace {host}/32 dev {outer}
ip route replace {node}/32 dev {outer} src {host}
ip route replace {pods} via {node} dev {outer} onlink src {host}
ip route replace {services} via {node} dev {outer} onlink src {host}
",
        pods = addresses.pod_cidr,
        services = addresses.service_cidr
    );
    run(Command::new("sh").args(["-c", &outside]))
}

/// Takes the link and the namespace away. The namespace itself ends with its last process.
pub fn part(ground: &Ground) -> Result<()> {
    if Path::new("/sys/class/net").join(&ground.interface).exists() {
        run(Command::new("ip").args(["link", "del", &ground.interface]))?;
    }
    mounts::release(&ground.netns)
}

/// All ranges the host routes or owns, but for the default route.
pub fn taken() -> Result<Vec<super::cidr::Cidr>> {
    let routes = text(Command::new("ip").args(["-4", "route", "show", "table", "all"]))?;
    Ok(ranges(&routes))
}

/// The ranges in the output of `ip route show table all`.
fn ranges(routes: &str) -> Vec<super::cidr::Cidr> {
    let kinds = ["local", "broadcast", "unreachable", "blackhole", "prohibit", "throw", "anycast", "multicast"];
    let range = |line: &str| {
        let mut words = line.split_whitespace();
        let first = words.next()?;
        let word = if kinds.contains(&first) { words.next()? } else { first };
        word.parse().ok()
    };
    routes.lines().filter_map(range).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn routes_are_read_without_the_default() {
        let text = "default via 192.0.2.1 dev eth0 \n192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.2 \n\
                    local 127.0.0.0/8 dev lo table local proto kernel\nbroadcast 192.0.2.255 dev eth0 table local\n";
        let ranges: Vec<String> = super::ranges(text).iter().map(ToString::to_string).collect();
        assert_eq!(ranges, ["192.0.2.0/24", "127.0.0.0/8", "192.0.2.255/32"]);
    }
}
