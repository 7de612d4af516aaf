//! The control plane: people, orders, operations, dashboard and staff.
//!
//! A request becomes one transaction; a worker carries out what that wrote down; observers bring back what became of it. What
//! is decided is decided in `domain`; here is what reads, writes and shows.

pub mod actor;
pub mod api;
pub mod app;
pub mod auth;
pub mod command;
pub mod config;
pub mod contents;
pub mod error;
pub mod gateway;
pub mod live;
pub mod migrate;
pub mod pages;
pub mod platform;
pub mod request;
pub mod router;
pub mod seal;
pub mod staff;
pub mod store;
pub mod text;
pub mod when;
pub mod worker;

pub use config::{Config, Given};
pub use error::Problem;
pub use platform::Platform;
