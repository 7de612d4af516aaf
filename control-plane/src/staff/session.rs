//! Logging in and out, and tokens for programs.

pub mod log_in;
pub mod log_out;
pub mod token;
