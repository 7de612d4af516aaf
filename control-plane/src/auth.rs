//! Who is asking, and whether they may.

pub mod bearer;
pub mod caller;
pub mod member;
pub mod password;
pub mod secret;
pub mod signed;
pub mod staff;
pub mod staff_token;
pub mod token;
pub mod totp;
