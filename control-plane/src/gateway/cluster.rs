//! A cell's Kubernetes API, as far as we may use it: objects of group `steppe.host`, nothing that runs, no deletion.

pub mod fake;
mod kubernetes;
mod listed;

use std::sync::Arc;

use crd::{AccountChange, Cell, Export, Instance};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

pub use kubernetes::Kubernetes;
pub use listed::instances;

/// Who writes, in the field management of the objects.
pub const FIELD_MANAGER: &str = "steppe";

/// Why a cell did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClusterError {
    /// It cannot be reached, does not answer in time, or is not well.
    #[error("the cell cannot be reached: {0}")]
    Unreachable(String),
    /// It does not let us: our credential is missing, old or has too few rights.
    #[error("the cell does not let us: {0}")]
    Forbidden(String),
    /// It knows no such object.
    #[error("the cell knows no {0}")]
    Missing(String),
    /// It takes no such object.
    #[error("the cell refuses the object: {0}")]
    Invalid(String),
    /// It has a later wish than ours: this database is older than the cell.
    #[error("the cell has later wishes than this database: {0}")]
    Behind(String),
}

/// What a call to a cell returns.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, ClusterError>>;

/// What a watch tells.
#[derive(Debug, Clone)]
pub enum News {
    /// A list of objects of a kind begins: all of them follow. It may be another cluster than before.
    Listing(Kind),
    /// An object as it is now.
    Is(Object),
    /// An object is gone.
    Gone(Kind, String),
    /// The list is complete: what was not in it is gone.
    Listed(Kind),
}

/// The kinds that are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The cell itself.
    Cell,
    /// Servers.
    Instance,
    /// Bundles.
    Export,
    /// Changes to accounts.
    AccountChange,
}

/// An object.
#[derive(Debug, Clone)]
pub enum Object {
    /// The cell itself.
    Cell(Arc<Cell>),
    /// A server.
    Instance(Arc<Instance>),
    /// A bundle.
    Export(Arc<Export>),
    /// A change to an account.
    AccountChange(Arc<AccountChange>),
}

/// The API of one cell.
pub trait Cluster: Send + Sync + 'static {
    /// The cell itself.
    fn cell(&self) -> Answer<'_, Cell>;

    /// A server, if there is one.
    fn instance<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Instance>>;

    /// Writes a wish for a server: all of it, by server-side apply. What a former wish had and this one has not is taken out.
    fn apply_instance<'a>(&'a self, wish: &'a Instance) -> Answer<'a, ()>;

    /// Asks for a bundle. One that is there under this name is found: a repeat makes no second one.
    fn create_export<'a>(&'a self, export: &'a Export) -> Answer<'a, ()>;

    /// Asks for a bundle's own key, sealed to a recipient.
    fn claim_key<'a>(&'a self, export: &'a str, recipient: &'a str) -> Answer<'a, ()>;

    /// Asks for a change to an account. One that is there under this name is found.
    fn create_account_change<'a>(&'a self, change: &'a AccountChange) -> Answer<'a, ()>;

    /// Everything that is there, and then everything that changes. An error is told and the watch goes on by itself.
    fn watch(&self) -> BoxStream<'static, Result<News, ClusterError>>;
}
