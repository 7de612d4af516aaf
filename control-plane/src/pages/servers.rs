//! Servers: the list, and one of them.

pub mod list;
