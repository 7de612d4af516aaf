//! The real cluster: Kubernetes 1.35 on this very machine, from Debian packages and programs of our own build.
//!
//! A ground lives in a network namespace of its own, joined to the host by one pair of interfaces. The node's address,
//! the Services' and the pods' ranges are routed into it from the host, so host and pods use the same addresses and
//! ports; kube-proxy, policies and network settings touch nothing of the host, and two grounds cannot meet.
//! For whoever starts programs for a ground:
//! - start them by [`Ground::processes`]: they then run inside;
//! - bind to `node_ip` what the host or a pod must reach; `127.0.0.1` is the namespace's own loopback, out of the
//!   host's reach; unix sockets work everywhere;
//! - packets from the host come from `host_ip` through the interface `host0`: policies treat them as the node's own.

pub mod cidr;
pub mod command;
pub mod ground;
pub mod mounts;
pub mod namespace;
pub mod sysctl;

pub use ground::{Addresses, Config, Ground, Ports};
