//! All servers that are in a cell now.

use crd::Instance;
use futures::StreamExt as _;

use super::{Cluster, ClusterError, Kind, News, Object};

/// All servers that are in a cell now. Reads the beginning of a watch: whoever lists and whoever watches see the same.
///
/// # Errors
/// When the cell cannot be reached.
pub async fn instances(cluster: &dyn Cluster) -> Result<Vec<Instance>, ClusterError> {
    let mut news = cluster.watch();
    let mut found = Vec::new();
    while let Some(one) = news.next().await {
        match one? {
            News::Listing(Kind::Instance) => found.clear(),
            News::Is(Object::Instance(instance)) => found.push((*instance).clone()),
            News::Listed(Kind::Instance) => return Ok(found),
            News::Listing(Kind::Cell | Kind::Export | Kind::AccountChange)
            | News::Is(Object::Cell(_) | Object::Export(_) | Object::AccountChange(_))
            | News::Gone(..)
            | News::Listed(Kind::Cell | Kind::Export | Kind::AccountChange) => {}
        }
    }
    Err(ClusterError::Unreachable("the list of its servers ended before it was complete".to_owned()))
}
