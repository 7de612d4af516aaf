//! What differs from flavour to flavour: data and pure functions, one file each.

mod snac;

use names::{Flavour, Size};

/// How a flavour's server is run. Everything is decided here; builders only write it down.
#[derive(Debug, Clone)]
pub struct Software {
    /// Which flavour.
    pub flavour: Flavour,
    /// The port it listens on.
    pub port: u16,
    /// The user and group that it runs as and that own its files.
    pub user: i64,
    /// A path that answers 200 when the server works, asked with its own host name.
    pub health: &'static str,
    /// A public path whose answer names the server.
    pub about: &'static str,
    /// Whether it can run and refuse writes.
    pub refuses_writes: bool,
    /// The server's folder on its volume.
    pub home: &'static str,
    /// The program that serves, with its arguments.
    pub serve: &'static [&'static str],
    /// What must run before it after a change of version; harmless when there was none.
    pub upgrade: Option<&'static [&'static str]>,
    /// What finishes its outgoing deliveries before it is stopped.
    pub drain: Option<&'static [&'static str]>,
    /// Seconds it gets to stop, the draining included.
    pub grace: u32,
    /// What a size means.
    pub room: fn(Size) -> Room,
}

/// What a server of some size gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Thousandths of a core that are kept free for it.
    pub cpu_request: u32,
    /// Thousandths of a core that it may use.
    pub cpu_limit: u32,
    /// Mebibytes of memory that are kept free for it.
    pub memory_request: u32,
    /// Mebibytes of memory that it may use.
    pub memory_limit: u32,
    /// Gibibytes of volume.
    pub disk: u32,
}

/// How this flavour is run; `None` for those that are named but not built.
#[must_use]
pub fn software(flavour: Flavour) -> Option<&'static Software> {
    match flavour {
        Flavour::Snac => Some(&snac::SNAC),
        Flavour::Mastodon | Flavour::GlitchSoc | Flavour::GoToSocial => None,
    }
}
