//! Taking operations up and letting them run, as many beside each other as each foreign system's share allows.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::claim::{Look, claim};
use super::timer::chance;
use super::wake::pause;
use super::{Wakes, run};
use crate::platform::Platform;
use crate::store;
use crate::store::operation::Lane;

/// Carries out operations until `stop`. What runs then comes to rest first.
pub(super) async fn all(platform: Arc<Platform>, wakes: Arc<Wakes>, stop: CancellationToken) {
    let mut lanes = Lanes { taken: HashMap::new(), places: usize::from(platform.config.concurrency) };
    let mut running: JoinSet<Lane> = JoinSet::new();
    let mut by_task: HashMap<tokio::task::Id, Lane> = HashMap::new();
    while !stop.is_cancelled() {
        fill(&platform, &mut lanes, &mut running, &mut by_task, &stop).await;
        let next = next_due(&platform).await;
        tokio::select! {
            () = stop.cancelled() => break,
            () = wakes.operations.notified() => {}
            () = tokio::time::sleep(pause(platform.now(), next, chance(&platform))) => {}
            Some(ended) = running.join_next_with_id() => free(&mut lanes, &mut by_task, ended),
        }
    }
    while running.join_next().await.is_some() {}
}

struct Lanes {
    taken: HashMap<Lane, usize>,
    places: usize,
}

impl Lanes {
    fn full(&self) -> Vec<Lane> {
        self.taken.iter().filter(|(_, taken)| **taken >= self.places).map(|(lane, _)| *lane).collect()
    }
}

type Ended = Result<(tokio::task::Id, Lane), tokio::task::JoinError>;

fn free(lanes: &mut Lanes, by_task: &mut HashMap<tokio::task::Id, Lane>, ended: Ended) {
    let task = match &ended {
        Ok((task, _)) => *task,
        Err(error) => {
            tracing::error!(%error, "a run died; its operation is taken up after its lease");
            error.id()
        }
    };
    if let Some(taken) = by_task.remove(&task).and_then(|lane| lanes.taken.get_mut(&lane)) {
        *taken = taken.saturating_sub(1);
    }
}

async fn fill(
    platform: &Arc<Platform>,
    lanes: &mut Lanes,
    running: &mut JoinSet<Lane>,
    by_task: &mut HashMap<tokio::task::Id, Lane>,
    stop: &CancellationToken,
) {
    while !stop.is_cancelled() {
        while let Some(ended) = running.try_join_next_with_id() {
            free(lanes, by_task, ended);
        }
        match claim(platform, &lanes.full()).await {
            Ok(Look::Nothing) => return,
            Ok(Look::Again) => {}
            Ok(Look::Claimed(claimed)) => {
                let (lane, platform) = (claimed.lane, platform.clone());
                *lanes.taken.entry(lane).or_default() += 1;
                let task = running.spawn(async move {
                    Box::pin(run::run(&platform, *claimed)).await;
                    lane
                });
                by_task.insert(task.id(), lane);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot look for operations");
                return;
            }
        }
    }
}

async fn next_due(platform: &Platform) -> Option<jiff::Timestamp> {
    let due = async {
        let mut connection = platform.pool.acquire().await?;
        store::operation::due(&mut connection, platform.now()).await
    };
    due.await.unwrap_or_default()
}
