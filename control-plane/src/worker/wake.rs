//! Being woken: the database says when there is something to do. It may also be missed, so that everything has a timer too.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::timer::{chance, jittered};
use crate::platform::Platform;
use crate::store;

/// How long to wait before listening again after the connection was lost.
const AGAIN: Duration = Duration::from_secs(2);
/// The longest time between two looks, whatever is said.
const LOOK: Duration = Duration::from_secs(10);

/// Who is woken.
#[derive(Debug, Default)]
pub struct Wakes {
    /// Those who carry out operations.
    pub operations: Notify,
    /// Those who send mail.
    pub mails: Notify,
    /// Those who give freed places away.
    pub places: Notify,
}

impl Wakes {
    fn wake(&self, channel: &str) {
        match channel {
            store::operation::CHANNEL => self.operations.notify_one(),
            store::mail::CHANNEL => self.mails.notify_one(),
            store::cell::CHANNEL => self.places.notify_one(),
            _ => self.all(),
        }
    }

    fn all(&self) {
        self.operations.notify_one();
        self.mails.notify_one();
        self.places.notify_one();
    }
}

/// Listens until `stop`.
pub async fn listen(platform: Arc<Platform>, wakes: Arc<Wakes>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            heard = hear(&platform, &wakes) => if let Err(error) = heard {
                tracing::warn!(%error, "cannot listen to the database; work is looked for by the clock alone");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(jittered(AGAIN, chance(&platform))) => {}
        }
    }
}

async fn hear(platform: &Platform, wakes: &Wakes) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(&platform.pool).await?;
    listener.listen_all([store::operation::CHANNEL, store::mail::CHANNEL, store::cell::CHANNEL]).await?;
    wakes.all();
    loop {
        match listener.try_recv().await? {
            Some(heard) => wakes.wake(heard.channel()),
            // The connection was lost and made anew: something may have been said meanwhile.
            None => wakes.all(),
        }
    }
}

/// How long to sleep when the next thing is due at `next`: until then, but never longer than until the next look.
#[must_use]
pub fn pause(now: Timestamp, next: Option<Timestamp>, chance: u32) -> Duration {
    let look = jittered(LOOK, chance);
    let until = next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or(Duration::ZERO));
    // A moment more, so that it is due by then.
    until.map_or(look, |until| look.min(until + Duration::from_millis(5)))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn sleeps_until_the_next_and_never_long() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(pause(now, None, 500), LOOK);
        assert_eq!(pause(now, Some(now + SignedDuration::from_secs(3)), 500), Duration::from_millis(3005));
        assert_eq!(pause(now, Some(now + SignedDuration::from_hours(3)), 500), LOOK);
        assert_eq!(pause(now, Some(now - SignedDuration::from_secs(3)), 500), Duration::from_millis(5));
    }
}
