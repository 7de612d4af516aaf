//! One leader among the operator's replicas: a `Lease`, taken and renewed with the object's version as precondition.
//!
//! Another holder's clock is never trusted: a lease has run out when it was *seen* unchanged for its duration.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::error::is_conflict;

/// The lease's name in the system namespace.
pub const NAME: &str = "steppe-operator";
/// A lease that was not renewed for so long may be taken.
pub const DURATION: Duration = Duration::from_secs(15);
/// A holder that could not renew for so long stops working, well before anybody may take over.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// How often it is renewed, and looked at by those who wait.
pub const EVERY: Duration = Duration::from_secs(2);

/// What was seen of the lease, and since when it has been like that.
#[derive(Debug, Clone, PartialEq)]
struct Sight {
    holder: String,
    renewed: Option<Timestamp>,
    since: Instant,
}

/// What to do about the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    /// It is ours: renew it.
    Renew,
    /// It is free or has run out: take it.
    Take,
    /// It is somebody else's.
    Wait,
}

fn decide(sight: &Sight, me: &str, now: Instant) -> Move {
    if sight.holder == me {
        Move::Renew
    } else if sight.holder.is_empty() || now.duration_since(sight.since) >= DURATION {
        Move::Take
    } else {
        Move::Wait
    }
}

/// Takes part in the election.
pub struct Elector {
    api: Api<Lease>,
    me: String,
    clock: Arc<dyn Clock>,
    sight: Option<Sight>,
}

impl Elector {
    /// A candidate called `me` for the lease in `namespace`.
    #[must_use]
    pub fn new(client: Client, namespace: &str, me: &str, clock: Arc<dyn Clock>) -> Self {
        Self { api: Api::namespaced(client, namespace), me: me.to_owned(), clock, sight: None }
    }

    /// Waits until the lease is ours; `false` when `stop` came first.
    pub async fn win(&mut self, stop: &CancellationToken) -> bool {
        loop {
            match self.step().await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the lease could not be read or taken"),
            }
            tokio::select! {
                () = stop.cancelled() => return false,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Renews the lease until `stop`, then gives it back. Returns `false` when it was lost: the caller must stop
    /// working at once.
    pub async fn hold(&mut self, stop: &CancellationToken) -> bool {
        let mut good = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => {
                    self.give_back().await;
                    return true;
                }
                () = tokio::time::sleep(EVERY) => {}
            }
            let left = DEADLINE.saturating_sub(good.elapsed());
            match tokio::time::timeout(left, self.step()).await {
                Ok(Ok(true)) => good = Instant::now(),
                Ok(Ok(false)) => {
                    tracing::error!("another replica holds the lease");
                    return false;
                }
                Ok(Err(error)) => tracing::warn!(%error, "the lease could not be renewed"),
                Err(_) => tracing::warn!("the lease could not be renewed in time"),
            }
            if good.elapsed() >= DEADLINE {
                return false;
            }
        }
    }

    /// Looks at the lease and renews or takes it. Whether it is ours.
    async fn step(&mut self) -> Result<bool, kube::Error> {
        let Some(lease) = self.api.get_opt(NAME).await? else {
            let lease = self.lease(None, 0);
            return won(self.api.create(&PostParams::default(), &lease).await);
        };
        let now = Instant::now();
        let sight = self.look(&lease, now);
        let turns = lease.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or(0);
        let lease = match decide(&sight, &self.me, now) {
            Move::Wait => return Ok(false),
            Move::Renew => self.lease(Some(&lease), turns),
            Move::Take => self.lease(Some(&lease), turns.saturating_add(1)),
        };
        // The version in the metadata makes this fail if anybody wrote since the look above.
        won(self.api.replace(NAME, &PostParams::default(), &lease).await)
    }

    fn look(&mut self, lease: &Lease, now: Instant) -> Sight {
        let spec = lease.spec.as_ref();
        let holder = spec.and_then(|spec| spec.holder_identity.clone()).unwrap_or_default();
        let renewed = spec.and_then(|spec| spec.renew_time.as_ref().map(|time| time.0));
        let since = match &self.sight {
            Some(before) if before.holder == holder && before.renewed == renewed => before.since,
            Some(_) | None => now,
        };
        let sight = Sight { holder, renewed, since };
        self.sight = Some(sight.clone());
        sight
    }

    fn lease(&self, old: Option<&Lease>, turns: i32) -> Lease {
        let now = MicroTime(self.clock.now());
        let ours =
            old.and_then(|lease| lease.spec.as_ref()).filter(|spec| spec.holder_identity.as_deref() == Some(&self.me));
        Lease {
            metadata: ObjectMeta {
                name: Some(NAME.to_owned()),
                resource_version: old.and_then(|lease| lease.metadata.resource_version.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.me.clone()),
                lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
                acquire_time: ours.and_then(|spec| spec.acquire_time.clone()).or(Some(now.clone())),
                renew_time: Some(now),
                lease_transitions: Some(turns),
                ..LeaseSpec::default()
            }),
        }
    }

    /// Leaves the lease free, so that the next leader need not wait for it to run out.
    async fn give_back(&mut self) {
        let result = async {
            let mut lease = self.api.get(NAME).await?;
            if let Some(spec) = &mut lease.spec
                && spec.holder_identity.as_deref() == Some(&self.me)
            {
                spec.holder_identity = Some(String::new());
                self.api.replace(NAME, &PostParams::default(), &lease).await?;
            }
            Ok::<_, kube::Error>(())
        };
        match tokio::time::timeout(EVERY, result).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the lease could not be given back"),
            Err(_) => tracing::warn!("the lease could not be given back in time"),
        }
    }
}

fn won(result: Result<Lease, kube::Error>) -> Result<bool, kube::Error> {
    match result {
        Ok(_) => Ok(true),
        Err(error) if is_conflict(&error) => Ok(false), // somebody else was faster
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_taken_only_when_seen_unchanged_for_its_duration() {
        let start = Instant::now();
        let sight = |holder: &str| Sight { holder: holder.to_owned(), renewed: None, since: start };
        for (holder, after, expected) in [
            ("me", 0, Move::Renew),
            ("me", 100, Move::Renew),
            ("", 0, Move::Take),
            ("other", 0, Move::Wait),
            ("other", 14, Move::Wait),
            ("other", 15, Move::Take),
        ] {
            let now = start + Duration::from_secs(after);
            assert_eq!(decide(&sight(holder), "me", now), expected, "{holder} {after}");
        }
    }

    #[test]
    fn the_holder_stops_before_another_may_begin() {
        assert!(DEADLINE + EVERY < DURATION);
    }
}
