//! The ways to foreign systems. Each is a trait with a fake beside it; nothing else here is.

pub mod cells;
pub mod clock;
pub mod cluster;
pub mod mail;
pub mod objects;
