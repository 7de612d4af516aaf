//! Pages about one's own account.

pub mod agree;
pub mod change_email;
pub mod confirm;
pub mod confirmation;
pub mod delete;
pub mod email;
pub mod forgot;
pub mod password;
pub mod reset;
pub mod show;
pub mod sign_up;
