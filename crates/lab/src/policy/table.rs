//! The nftables text for a set of restricted pods. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::rules::{Opening, Ports, Protocol, Restricted};

/// The whole table `name` as one transaction that replaces what is there.
///
/// A packet of a new connection goes through the egress chain of its source, if that has one, and then through the
/// ingress chain of its destination: `return` means allowed by this end, and whatever reaches a chain's end is refused.
/// Both hooks run after the Service's address was rewritten to the pod's (DNAT is at priority -100) and before
/// kube-proxy's filter chains (0). Neither sees what the node itself sends; what
/// the host sends comes in by the ground's link `host0` and counts as the node's.
pub fn render(name: &str, pods: &[Restricted]) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(out, "table inet {name}\ndelete table inet {name}\ntable inet {name} {{\n");
    let mut egress = Vec::new();
    let mut ingress = Vec::new();
    for pod in pods {
        if let Some(openings) = &pod.egress {
            egress.push(format!("{} : jump {}", pod.ip, chain_name("out", pod.ip)));
            chain(&mut out, "out", "daddr", pod, openings);
        }
        if let Some(openings) = &pod.ingress {
            ingress.push(format!("{} : jump {}", pod.ip, chain_name("in", pod.ip)));
            chain(&mut out, "in", "saddr", pod, openings);
        }
    }
    map(&mut out, "egress", &egress);
    map(&mut out, "ingress", &ingress);
    out.push_str(
        "  chain decide {\n    iifname \"host0\" accept\n    ct state established,related accept\n    ip saddr vmap @egress\n    ip daddr vmap @ingress\n  }\n",
    );
    for hook in ["forward", "input"] {
        let _ = write!(
            out,
            "  chain at_{hook} {{\n    type filter hook {hook} priority -10; policy accept;\n    jump decide\n    \
             iifname \"veth*\" meta nfproto ipv6 drop\n  }}\n"
        );
    }
    out.push_str("}\n");
    out
}

/// Whether a table rendered here has rules for the pod at `ip`.
pub fn knows(text: &str, ip: Ipv4Addr) -> bool {
    ["out", "in"].iter().any(|way| text.contains(&format!(" {ip} : jump {}", chain_name(way, ip))))
}

fn chain_name(way: &str, ip: Ipv4Addr) -> String {
    format!("{way}_{}", ip.to_string().replace('.', "_"))
}

fn map(out: &mut String, name: &str, elements: &[String]) {
    let _ = write!(out, "  map {name} {{\n    type ipv4_addr : verdict;\n");
    if !elements.is_empty() {
        let _ = writeln!(out, "    elements = {{ {} }}", elements.join(", "));
    }
    out.push_str("  }\n");
}

fn chain(out: &mut String, way: &str, end: &str, pod: &Restricted, openings: &[Opening]) {
    let _ = writeln!(out, "  chain {} {{ # {}", chain_name(way, pod.ip), pod.pod);
    let _ = writeln!(out, "    ip {end} {} return", pod.ip);
    let mut said = BTreeSet::new();
    for opening in openings {
        let peers = if opening.peers.is_all() { String::new() } else { format!("ip {end} {{ {} }} ", opening.peers) };
        for ports in matches(&opening.ports) {
            let line = format!("    {peers}{ports}return\n");
            if said.insert(line.clone()) {
                out.push_str(&line);
            }
        }
    }
    // A reset, because the kernel sends a peer about one ICMP error a second and drops the rest.
    out.push_str("    meta l4proto tcp counter reject with tcp reset\n");
    out.push_str("    counter reject with icmpx type admin-prohibited\n  }\n");
}

/// One match per protocol.
fn matches(ports: &Ports) -> Vec<String> {
    let Ports::These(these) = ports else {
        return vec![String::new()];
    };
    let of = |protocol: Protocol, word: &str| {
        let numbers: Vec<String> = these.iter().filter(|port| port.0 == protocol).map(range).collect();
        (!numbers.is_empty()).then(|| format!("{word} dport {{ {} }} ", numbers.join(", ")))
    };
    [of(Protocol::Tcp, "tcp"), of(Protocol::Udp, "udp"), of(Protocol::Sctp, "sctp")].into_iter().flatten().collect()
}

fn range(&(_, first, last): &(Protocol, u16, u16)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ranges::Ranges;

    fn pod(last: u8, ingress: Option<Vec<Opening>>, egress: Option<Vec<Opening>>) -> Restricted {
        Restricted { pod: format!("t/pod-{last}"), ip: Ipv4Addr::new(10, 244, 0, last), ingress, egress }
    }

    const WHOLE: &str = r#"table inet np
delete table inet np
table inet np {
  chain out_10_244_0_5 { # t/pod-5
    ip daddr 10.244.0.5 return
    tcp dport { 80, 8000-8010 } return
    ip daddr { 10.244.0.1 } tcp dport { 53 } return
    ip daddr { 10.244.0.1 } udp dport { 53 } return
    meta l4proto tcp counter reject with tcp reset
    counter reject with icmpx type admin-prohibited
  }
  chain in_10_244_0_5 { # t/pod-5
    ip saddr 10.244.0.5 return
    ip saddr { 10.244.0.8-10.244.0.11 } return
    meta l4proto tcp counter reject with tcp reset
    counter reject with icmpx type admin-prohibited
  }
  chain in_10_244_0_6 { # t/pod-6
    ip saddr 10.244.0.6 return
    meta l4proto tcp counter reject with tcp reset
    counter reject with icmpx type admin-prohibited
  }
  map egress {
    type ipv4_addr : verdict;
    elements = { 10.244.0.5 : jump out_10_244_0_5 }
  }
  map ingress {
    type ipv4_addr : verdict;
    elements = { 10.244.0.5 : jump in_10_244_0_5, 10.244.0.6 : jump in_10_244_0_6 }
  }
  chain decide {
    iifname "host0" accept
    ct state established,related accept
    ip saddr vmap @egress
    ip daddr vmap @ingress
  }
  chain at_forward {
    type filter hook forward priority -10; policy accept;
    jump decide
    iifname "veth*" meta nfproto ipv6 drop
  }
  chain at_input {
    type filter hook input priority -10; policy accept;
    jump decide
    iifname "veth*" meta nfproto ipv6 drop
  }
}
"#;

    #[test]
    fn the_whole_table() {
        let web = Opening {
            peers: Ranges::all(),
            ports: Ports::These(BTreeSet::from([(Protocol::Tcp, 80, 80), (Protocol::Tcp, 8000, 8010)])),
        };
        let dns = Opening {
            peers: Ranges::one(Ipv4Addr::new(10, 244, 0, 1)),
            ports: Ports::These(BTreeSet::from([(Protocol::Tcp, 53, 53), (Protocol::Udp, 53, 53)])),
        };
        let near = Opening { peers: Ranges::cidr("10.244.0.8/30").unwrap(), ports: Ports::Any };
        let text =
            render("np", &[pod(5, Some(vec![near]), Some(vec![web, dns.clone(), dns])), pod(6, Some(vec![]), None)]);
        assert_eq!(text, WHOLE);
        assert!(knows(&text, Ipv4Addr::new(10, 244, 0, 6)));
        assert!(!knows(&text, Ipv4Addr::new(10, 244, 0, 60)));
    }

    #[test]
    fn without_restricted_pods_nothing_is_refused() {
        let text = render("np", &[]);
        assert!(!text.contains("reject") && !text.contains("elements"), "{text}");
    }
}
