//! What happens without anybody waiting for it: operations are carried out, cells are watched, mails are sent, what is over is
//! ended and what is old is removed.
//!
//! Everything starts on a signal and on a timer, by the same code. Any number of workers run beside each other; each may be
//! killed at any moment, and another takes up what it had.

pub mod alarm;
pub mod ask;
pub mod claim;
mod dispatch;
pub mod expire;
pub mod guard;
pub mod health;
pub mod kind;
pub mod lease;
pub mod mail;
pub mod observe;
pub mod prune;
pub mod run;
mod stop;
mod tell;
pub mod timer;
pub mod wake;
pub mod wish;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::Problem;
use crate::gateway::mail::Mailer;
use crate::platform::Platform;
use crate::store;

pub use run::{Done, Run};
pub use stop::Stop;
pub use wake::Wakes;

/// How often what takes long is looked for.
const ALARM: Duration = Duration::from_secs(30);
/// How often what is old is removed.
const PRUNE: Duration = Duration::from_secs(600);
/// How often a worker says that it is there.
const PRESENT: Duration = Duration::from_secs(20);

/// A worker's own facts.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Its name: the host's and a number, unique among those that run.
    pub name: String,
    /// The version of the program.
    pub version: &'static str,
}

/// Works until asked to stop. What has begun comes to its next resting place first.
pub async fn run(platform: Arc<Platform>, mailer: Option<Arc<dyn Mailer>>, worker: Worker, stop: CancellationToken) {
    let wakes = Arc::new(Wakes::default());
    let mut parts = JoinSet::new();
    parts.spawn(wake::listen(platform.clone(), wakes.clone(), stop.clone()));
    parts.spawn(dispatch::all(platform.clone(), wakes.clone(), stop.clone()));
    parts.spawn(observe::all(platform.clone(), stop.clone()));
    parts.spawn(expire::run(platform.clone(), wakes.clone(), stop.clone()));
    match mailer {
        Some(mailer) => {
            parts.spawn(mail::run(platform.clone(), mailer, wakes, stop.clone()));
        }
        None => tracing::warn!("no smtp-url is given: mails wait"),
    }
    let (one, two, three) = (platform.clone(), platform.clone(), platform.clone());
    parts.spawn(timer::every(ALARM, "alarm", platform.clone(), stop.clone(), move || alarm::once(one.clone())));
    parts.spawn(timer::every(PRUNE, "prune", platform.clone(), stop.clone(), move || prune::once(two.clone())));
    parts.spawn(timer::every(PRESENT, "present", platform, stop, move || present(three.clone(), worker.clone())));
    while let Some(ended) = parts.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a part of the worker died; what it had is taken up after its lease");
        }
    }
}

/// Says that a worker is there, so that staff see a missing one.
async fn present(platform: Arc<Platform>, worker: Worker) -> Result<(), Problem> {
    let mut connection = platform.pool.acquire().await?;
    Ok(store::worker::present(&mut connection, &worker.name, worker.version, platform.now()).await?)
}
