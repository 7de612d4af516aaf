//! Pages about one's own account.

pub mod confirm;
pub mod sign_up;
