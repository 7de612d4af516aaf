//! Which servers are probed, when, and what was found.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Prober, Streak, Target, Verdict};
use crate::backoff::spread;
use crate::clock::Clock;

/// The first wait between probes of a server that is not up yet; it doubles up to the wait for servers that are down.
const EAGER: Duration = Duration::from_millis(200);

/// A server to probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// The instance's name.
    pub name: String,
    /// Its Service.
    pub service: Target,
    /// Its public address.
    pub public: Target,
}

/// What is believed of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Through its Service.
    pub serving: Verdict,
    /// Through its public address.
    pub reachable: Verdict,
}

impl Health {
    fn is_up(&self) -> bool {
        self.serving == Verdict::Up && self.reachable == Verdict::Up
    }
}

struct Entry {
    probed: Probed,
    serving: Streak,
    reachable: Streak,
    tries: u32,
    due: Instant,
    busy: bool,
}

/// All servers that are probed. Keeps no more than the last verdicts and what the next ones need.
pub struct Probes {
    prober: Arc<dyn Prober>,
    clock: Arc<dyn Clock>,
    every: Duration,
    limit: Arc<Semaphore>,
    entries: Mutex<HashMap<String, Entry>>,
    changed: Notify,
}

impl Probes {
    /// Nothing to probe yet. A server that is up is probed `every` so often; at most `at_once` probes run.
    #[must_use]
    pub fn new(prober: Arc<dyn Prober>, clock: Arc<dyn Clock>, every: Duration, at_once: usize) -> Self {
        Self {
            prober,
            clock,
            every,
            limit: Arc::new(Semaphore::new(at_once)),
            entries: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Probes the instance with this uid from now on; at once if it was not probed before.
    pub fn watch(&self, uid: &str, probed: Probed) {
        let mut entries = self.entries();
        match entries.get_mut(uid) {
            Some(entry) if entry.probed == probed => return,
            Some(entry) => {
                entry.probed = probed;
                entry.due = Instant::now();
            }
            None => {
                let entry = Entry {
                    probed,
                    serving: Streak::default(),
                    reachable: Streak::default(),
                    tries: 0,
                    due: Instant::now(),
                    busy: false,
                };
                entries.insert(uid.to_owned(), entry);
            }
        }
        drop(entries);
        self.changed.notify_one();
    }

    /// Stops probing an instance and forgets what was found.
    pub fn forget(&self, uid: &str) {
        self.entries().remove(uid);
    }

    /// Stops probing instances that are gone.
    pub fn retain(&self, exists: impl Fn(&str) -> bool) {
        self.entries().retain(|uid, _| exists(uid));
    }

    /// What is believed of an instance.
    #[must_use]
    pub fn health(&self, uid: &str) -> Health {
        self.entries().get(uid).map(health).unwrap_or_default()
    }

    /// Probes until `stop`; calls `changed` with an instance's name whenever a verdict about it changed.
    pub async fn run(self: Arc<Self>, changed: impl Fn(&str) + Send + Sync + 'static, stop: CancellationToken) {
        let changed = Arc::new(changed);
        loop {
            let (due, next) = self.due();
            for (uid, probed) in due {
                let probes = self.clone();
                let changed = changed.clone();
                tokio::spawn(async move {
                    if probes.probe(&uid, &probed).await {
                        changed(&probed.name);
                    }
                });
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }

    /// Takes out what has to be probed now, and when to look again.
    fn due(&self) -> (Vec<(String, Probed)>, Instant) {
        let now = Instant::now();
        let mut next = now + self.every;
        let mut due = Vec::new();
        for (uid, entry) in self.entries().iter_mut().filter(|(_, entry)| !entry.busy) {
            if entry.due <= now {
                entry.busy = true;
                due.push((uid.clone(), entry.probed.clone()));
            } else {
                next = next.min(entry.due);
            }
        }
        (due, next)
    }

    async fn probe(&self, uid: &str, probed: &Probed) -> bool {
        let Ok(_permit) = self.limit.acquire().await else {
            return false; // never closed
        };
        let (serving, reachable) = tokio::join!(self.prober.probe(&probed.service), self.prober.probe(&probed.public),);
        let now = self.clock.now();
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(uid) else {
            return false; // forgotten meanwhile
        };
        let before = health(entry);
        entry.serving = std::mem::take(&mut entry.serving).after(serving, now);
        entry.reachable = std::mem::take(&mut entry.reachable).after(reachable, now);
        let after = health(entry);
        entry.tries = if after.is_up() { 0 } else { entry.tries.saturating_add(1) };
        entry.due = Instant::now() + self.wait(uid, after.is_up(), entry.tries);
        entry.busy = false;
        drop(entries);
        self.changed.notify_one();
        before != after
    }

    fn wait(&self, uid: &str, up: bool, tries: u32) -> Duration {
        if up {
            self.every.mul_f64(0.75 + 0.5 * spread(uid))
        } else {
            let slow = self.every / 10;
            EAGER.saturating_mul(1 << tries.min(16)).min(slow)
        }
    }
}

fn health(entry: &Entry) -> Health {
    Health { serving: entry.serving.verdict().clone(), reachable: entry.reachable.verdict().clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::fake::FixedClock;
    use crate::probe::fake::FakeProber;

    fn probed() -> Probed {
        let target = |url: &str| Target { url: url.to_owned(), host: None, expect: None, trust: None };
        Probed { name: "birds".to_owned(), service: target("http://inside"), public: target("https://outside") }
    }

    #[tokio::test(start_paused = true)]
    async fn verdicts_change_with_answers_and_are_told_once() {
        let prober = Arc::new(FakeProber::default());
        let clock = Arc::new(FixedClock::at(1_000));
        let probes = Arc::new(Probes::new(prober.clone(), clock.clone(), Duration::from_secs(30), 4));
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let task = tokio::spawn(probes.clone().run(move |name| told.send(name.to_owned()).unwrap(), stop.clone()));
        prober.set("outside", Some("no such name"));
        probes.watch("uid", probed());
        assert_eq!(heard.recv().await.unwrap(), "birds");
        assert_eq!(probes.health("uid").serving, Verdict::Up);
        assert_eq!(probes.health("uid").reachable, Verdict::Unknown);

        // Time passes: the public address has failed long enough.
        clock.advance(60);
        assert_eq!(heard.recv().await.unwrap(), "birds");
        assert_eq!(probes.health("uid").reachable, Verdict::Down("no such name".to_owned()));

        prober.set("outside", None);
        assert_eq!(heard.recv().await.unwrap(), "birds");
        assert!(probes.health("uid").is_up());

        // An hour of good answers is no news.
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert!(heard.try_recv().is_err());
        assert!(prober.asked().len() > 200);

        probes.forget("uid");
        assert_eq!(probes.health("uid"), Health::default());
        stop.cancel();
        task.await.unwrap();
    }
}
