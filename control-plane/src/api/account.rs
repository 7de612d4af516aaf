//! Who calls.

pub mod show;
