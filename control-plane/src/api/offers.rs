//! What can be ordered.

pub mod list;
