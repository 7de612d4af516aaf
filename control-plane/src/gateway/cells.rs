//! The ways to all cells: one client each, made when it is first needed and again when its kubeconfig changes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::cluster::{Cluster, ClusterError, Kubernetes};

/// The name of the file in a cell's folder.
const KUBECONFIG: &str = "kubeconfig";

/// The ways to all cells.
pub struct Cells {
    source: Source,
    open: Mutex<HashMap<String, Arc<Connection>>>,
}

enum Source {
    /// A folder with one folder for each cell, by its name.
    Folder(PathBuf),
    /// Clusters that are there already, by name.
    Given(HashMap<String, Arc<dyn Cluster>>),
}

/// A way to one cell.
pub struct Connection {
    /// Its API.
    pub cluster: Arc<dyn Cluster>,
    /// What it was made from.
    made_from: [u8; 32],
    /// Whether it was proven, since it was made, to lead to the cluster that it should.
    proven: AtomicBool,
}

impl Connection {
    fn new(cluster: Arc<dyn Cluster>, made_from: [u8; 32]) -> Arc<Self> {
        Arc::new(Self { cluster, made_from, proven: AtomicBool::new(false) })
    }

    /// Whether it was proven to lead to the right cluster.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.proven.load(Ordering::SeqCst)
    }

    /// Notes whether it was. What cannot be reached may be another cluster when it comes back.
    pub fn set_proven(&self, proven: bool) {
        self.proven.store(proven, Ordering::SeqCst);
    }
}

impl Cells {
    /// Cells that are described by a folder.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { source: Source::Folder(folder), open: Mutex::default() }
    }

    /// Cells that are given.
    #[must_use]
    pub fn given(clusters: HashMap<String, Arc<dyn Cluster>>) -> Self {
        Self { source: Source::Given(clusters), open: Mutex::default() }
    }

    /// The way to a cell. The kubeconfig is read each time, because credentials are rotated under running programs.
    ///
    /// # Errors
    /// When there is none, or it cannot be used.
    pub async fn to(&self, name: &str) -> Result<Arc<Connection>, ClusterError> {
        match &self.source {
            Source::Given(clusters) => {
                let cluster = clusters.get(name).ok_or_else(|| missing(name, "it was not given"))?;
                let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(open.entry(name.to_owned()).or_insert_with(|| Connection::new(cluster.clone(), [0; 32])).clone())
            }
            Source::Folder(folder) => {
                let path = folder.join(name).join(KUBECONFIG);
                let text = tokio::fs::read_to_string(&path).await;
                let text = text.map_err(|error| missing(name, &format!("{}: {error}", path.display())))?;
                let made_from: [u8; 32] = Sha256::digest(text.as_bytes()).into();
                if let Some(open) = self.find(name).filter(|open| open.made_from == made_from) {
                    return Ok(open);
                }
                let new = Connection::new(Arc::new(Kubernetes::connect(&text).await?), made_from);
                self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), new.clone());
                Ok(new)
            }
        }
    }

    fn find(&self, name: &str) -> Option<Arc<Connection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

fn missing(name: &str, why: &str) -> ClusterError {
    ClusterError::Forbidden(format!("there is no kubeconfig for cell {name}: {why}"))
}
