//! The names of the field, parsed once and trusted by all after that.
//!
//! Each type here is a string (or a number) that has passed its rules. A function that takes a [`Hostname`] need not
//! ask what a host name is; one that takes a `String` must. The crate is pure: no clock, no network, no files.

pub mod base32;
#[macro_use]
mod text;
mod flavour;
mod handle;
mod hostname;
mod instance_id;
mod revision;
mod size;
mod version;

pub use flavour::Flavour;
pub use handle::Handle;
pub use hostname::Hostname;
pub use instance_id::InstanceId;
pub use revision::Revision;
pub use size::Size;
pub use text::NameError;
pub use version::Version;
