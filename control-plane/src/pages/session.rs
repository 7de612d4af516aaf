//! Logging in and out, and the browsers one is logged in with.

pub mod end;
pub mod end_others;
pub mod log_in;
pub mod log_out;
pub mod password_again;
