//! snac: one C daemon, everything in one folder of files and hard links, no database. Facts are of snac2 2.75 in Debian
//! trixie.

use names::{Flavour, Size};

use super::{Room, Software};

/// How snac is run.
pub(super) const SNAC: Software = Software {
    flavour: Flavour::Snac,
    port: 8001,
    user: 1000,
    health: "/robots.txt",
    about: "/.well-known/nodeinfo",
    // It has no mode in which it refuses posts.
    refuses_writes: false,
    home: "/data/d",
    serve: &["snac", "httpd", "/data/d"],
    // It refuses to start on an older layout of its folder, and does nothing on the newest. `snac upgrade` of 2.75 ends
    // with 1 when all is well and with 0 when it failed.
    upgrade: Some(&["sh", "-c", "! snac upgrade /data/d"]),
    // Outgoing deliveries live in memory only: what is not sent before the end is lost.
    drain: Some(&["/usr/local/bin/steppe-drain", "/data/d", "60"]),
    grace: 120,
    room,
};

/// 11 MB resident with one user, 26 MB after 3,500 posts, and hardly any processor time; media decide the volume.
const fn room(size: Size) -> Room {
    match size {
        Size::Small => Room { cpu_request: 10, cpu_limit: 500, memory_request: 32, memory_limit: 128, disk: 2 },
        Size::Medium => Room { cpu_request: 25, cpu_limit: 1000, memory_request: 64, memory_limit: 256, disk: 10 },
        Size::Large => Room { cpu_request: 100, cpu_limit: 2000, memory_request: 128, memory_limit: 512, disk: 50 },
    }
}
