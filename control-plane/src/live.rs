//! Waking pages when something happened. One connection of each process listens to the outbox's channel, however many pages
//! are open; each page then reads what is new for it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{OnceCell, watch};
use tokio_util::sync::CancellationToken;

use crate::store::outbox::CHANNEL;

/// Facts that are written together wake once.
const TOGETHER: Duration = Duration::from_millis(200);
/// A fact is read only when every older transaction has ended, which may be after it was announced: pages look again this
/// often after an announcement, ...
const AGAIN: u8 = 3;
/// ... this long after each other.
const LATER: Duration = Duration::from_secs(2);
/// How long nothing is heard before the connection is tried.
const SILENCE: Duration = Duration::from_secs(60);

/// Wakes pages.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    beats: watch::Sender<u64>,
    begun: OnceCell<()>,
    closed: CancellationToken,
}

impl Default for Live {
    fn default() -> Self {
        let closed = CancellationToken::new();
        Self(Arc::new(Inner { beats: watch::Sender::new(0), begun: OnceCell::new(), closed }))
    }
}

impl Live {
    /// Changes whenever there may be something new. The first one to ask makes the process listen.
    pub async fn listen(&self, pool: &PgPool) -> watch::Receiver<u64> {
        let (inner, pool) = (self.0.clone(), pool.clone());
        let begin = async || {
            tokio::spawn(run(inner, pool));
        };
        self.0.begun.get_or_init(begin).await;
        self.0.beats.subscribe()
    }

    /// Ends all pages' streams: the process stops.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    /// Is done when the streams should end.
    #[must_use]
    pub fn closed(&self) -> CancellationToken {
        self.0.closed.clone()
    }
}

async fn run(inner: Arc<Inner>, pool: PgPool) {
    while !inner.closed.is_cancelled() {
        let done = tokio::select! {
            () = inner.closed.cancelled() => Ok(()),
            done = follow(&inner, &pool) => done,
        };
        if let Err(error) = done {
            tracing::warn!(error = format!("{error:#}"), "pages are not told what is new until the database answers");
            tokio::time::sleep(LATER).await;
        }
    }
}

/// Listens until the connection breaks. What was announced meanwhile is found by looking once at the beginning.
async fn follow(inner: &Inner, pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    let mut again = AGAIN;
    loop {
        inner.beats.send_modify(|beat| *beat += 1);
        let wait = if again > 0 { LATER } else { SILENCE };
        match tokio::time::timeout(wait, listener.recv()).await {
            Ok(heard) => {
                heard?;
                again = AGAIN;
                tokio::time::sleep(TOGETHER).await;
                while listener.next_buffered().is_some() {}
            }
            Err(_) => again = again.saturating_sub(1),
        }
    }
}
