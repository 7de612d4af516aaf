//! Servers: the list, and one of them.

pub mod close;
pub mod course;
pub mod exports;
pub mod guide;
pub mod history;
pub mod list;
pub mod live;
pub mod login;
pub mod pause;
pub mod settings;
pub mod show;
mod standing;
pub mod users;
mod visit;
mod work;

pub use standing::{Known, Told, facts};
pub use visit::{Frame, Visit, visit};
pub use work::View as WorkView;
