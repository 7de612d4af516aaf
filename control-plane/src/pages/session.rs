//! Logging in and out.

pub mod log_in;
pub mod log_out;
