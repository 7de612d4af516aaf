//! Who is asking, and whether they may.

pub mod password;
pub mod secret;
pub mod signed;
pub mod staff;
pub mod staff_token;
pub mod totp;
