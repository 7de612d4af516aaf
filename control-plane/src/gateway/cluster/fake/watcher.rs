//! What a watcher of a cell in memory is told.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::FakeCluster;
use crate::gateway::cluster::{ClusterError, Kind, News, Object};

type Told = mpsc::Sender<Result<News, ClusterError>>;
type Left = mpsc::error::SendError<Result<News, ClusterError>>;

impl FakeCluster {
    /// Tells a watcher what is there and then what changes, until it goes away.
    pub(super) async fn tell(self: Arc<Self>, to: Told) -> Result<(), Left> {
        let mut changed = self.changed.subscribe();
        let mut known: HashMap<(Kind, String), String> = HashMap::new();
        let mut epoch = None;
        loop {
            let (unreachable, now, objects) = {
                let state = self.state();
                (state.unreachable, state.epoch, state.objects())
            };
            if unreachable {
                if epoch.take().is_some() {
                    to.send(Err(ClusterError::Unreachable("connection reset by peer".to_owned()))).await?;
                }
            } else if epoch == Some(now) {
                self.tell_changes(&to, &mut known, objects).await?;
            } else {
                epoch = Some(now);
                known.clear();
                self.tell_all(&to, &mut known, objects).await?;
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = to.closed() => return Ok(()),
            }
        }
    }

    async fn tell_all(
        &self,
        to: &Told,
        known: &mut HashMap<(Kind, String), String>,
        objects: Vec<(Kind, String, String, Object)>,
    ) -> Result<(), Left> {
        for kind in [Kind::Cell, Kind::Instance, Kind::Export, Kind::AccountChange] {
            to.send(Ok(News::Listing(kind))).await?;
            for (_, name, version, object) in objects.iter().filter(|one| one.0 == kind) {
                known.insert((kind, name.clone()), version.clone());
                to.send(Ok(News::Is(object.clone()))).await?;
            }
            to.send(Ok(News::Listed(kind))).await?;
        }
        Ok(())
    }

    async fn tell_changes(
        &self,
        to: &Told,
        known: &mut HashMap<(Kind, String), String>,
        objects: Vec<(Kind, String, String, Object)>,
    ) -> Result<(), Left> {
        let mut gone: Vec<(Kind, String)> = known.keys().cloned().collect();
        for (kind, name, version, object) in objects {
            gone.retain(|one| *one != (kind, name.clone()));
            if known.insert((kind, name), version.clone()).as_ref() != Some(&version) {
                to.send(Ok(News::Is(object))).await?;
            }
        }
        for (kind, name) in gone {
            known.remove(&(kind, name.clone()));
            to.send(Ok(News::Gone(kind, name))).await?;
        }
        Ok(())
    }
}
