//! The ways to foreign systems. Each is a trait with a fake beside it; nothing else here is.

pub mod clock;
pub mod objects;
