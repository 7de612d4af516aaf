//! One pass over all purges. It takes no input and leaves nothing half known: killed anywhere, the next pass goes on.

use std::collections::BTreeSet;

use bundle::format::KeyId;
use bundle::seal::Recipient;
use crd::{Export, Instance, Phase, Purge, PurgeStatus};
use jiff::Timestamp;
use kube::ResourceExt as _;

use super::decide::{self, NO_BUNDLE, Proof, Seen};
use super::destroy::{self, DELETING, InstanceSeen, Next, pause_mark};
use super::ledger::Found;
use super::observe::{Server, World};
use super::proof::{Wanted, locate, prove};
use super::refusal::Refusal;
use super::{Purger, breaker, record};
use crate::error::Error;
use crate::events::Note;

/// When to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Again {
    /// At once: something was done.
    Now,
    /// In a moment: the cluster is at work.
    Soon,
    /// At leisure: a person or time has to do something.
    Later,
}

/// What one pass goes by.
struct Round<'a> {
    world: World,
    purges: &'a [Purge],
    /// Whether a purge has begun that can still be called back: then no other one begins. So a breaker that opens because
    /// of the next one finds those before it done, or past the point of return, and not many half begun.
    taken: bool,
}

impl Purger {
    /// Takes every purge one thing further. Fails with the first error, after all had their turn.
    ///
    /// # Errors
    /// When the API server or the object store failed; the next pass goes on.
    pub async fn pass(&self) -> Result<Again, Error> {
        let mut again = Again::Later;
        let mut first = None;
        let found = self.count().await?;
        self.metrics.breaker(found.cell.as_ref().and_then(|cell| cell.status.as_ref()?.breaker.as_ref()).is_some());
        if let Some(cell) = &found.cell {
            self.reach(&cell.spec.object_store, cell.spec.trust_bundle.as_deref())?;
        }
        let purges = self.purges().await?;
        self.metrics.purges(&purges);
        let unfinished: Vec<&Purge> = purges.iter().filter(|purge| !status(purge).work.phase.is_final()).collect();
        if unfinished.is_empty() {
            return Ok(again);
        }
        let world = self.world().await?;
        // In case a count was lost with the one who began.
        for begun in unfinished.iter().filter_map(|purge| uncounted(purge)) {
            self.record_purge(begun).await?;
        }
        let taken = unfinished.iter().any(|purge| takes_hold(purge));
        let mut round = Round { world, purges: &purges, taken };
        for purge in unfinished {
            match self.one(&mut round, purge).await {
                Ok(next) => again = again.min(next),
                Err(error) => {
                    if !error.stale {
                        tracing::error!(purge = purge.name_any(), error = error.chain(), "a purge cannot go on");
                    }
                    first = first.or(Some(error));
                }
            }
        }
        first.map_or(Ok(again), Err)
    }

    async fn one(&self, round: &mut Round<'_>, purge: &Purge) -> Result<Again, Error> {
        // Again for each: the purge before this one may have opened the breaker.
        let found = self.count().await?;
        let server = self.server(purge).await?;
        if self.is_past_return(purge, &server) {
            return match decide::cell(found.cell.as_ref(), &found.cluster_uid) {
                Ok(()) => self.proceed(purge, &server).await,
                Err(refusal) => self.hold(purge, &refusal).await,
            };
        }
        let seen = Seen {
            now: self.clock.now(),
            purge,
            cell: found.cell.as_ref(),
            cluster_uid: &found.cluster_uid,
            instance: server.instance.as_ref(),
            exports: &round.world.exports,
            account_changes: &round.world.account_changes,
            namespace: server.namespace.as_ref(),
            approvals: self.config.approvals,
        };
        let proof = match decide::decide(&seen) {
            Ok(proof) => proof,
            Err(refusal) => return self.refuse(purge, &server, &refusal).await,
        };
        let status = status(purge);
        if let Proof::Bundle { .. } = proof
            && !record::is_fresh(&status, seen.now)
        {
            return match self.prove(&proof, &round.world, &server).await? {
                Ok(_) => {
                    let proven = record::proven(&status, self.clock.now());
                    let note = Note::normal("Verified", "the whole bundle was read again and is good");
                    self.save(purge, proven, Some(note)).await?;
                    Ok(Again::Now)
                }
                Err(refusal) => self.refuse(purge, &server, &refusal).await,
            };
        }
        if status.work.phase == Phase::Running {
            return self.proceed(purge, &server).await;
        }
        if round.taken {
            return Ok(Again::Soon);
        }
        self.begin(round, purge, &found, &server).await
    }

    /// The namespace is going or gone, and that was written down before.
    fn is_past_return(&self, purge: &Purge, server: &Server) -> bool {
        let status = status(purge);
        let uid = &purge.spec.instance_ref.uid;
        let standing = server
            .namespace
            .as_ref()
            .is_some_and(|namespace| namespace.instance_uid.as_ref() == Some(uid) && !namespace.terminating);
        status.work.phase == Phase::Running && status.work.percent >= Next::DELETING_PERCENT && !standing
    }

    /// Admits the purge to this hour's, writes down that it begins, and counts it.
    async fn begin(
        &self,
        round: &mut Round<'_>,
        purge: &Purge,
        found: &Found,
        server: &Server,
    ) -> Result<Again, Error> {
        let now = self.clock.now();
        let Some(cell) = &found.cell else {
            return self.refuse(purge, server, &Refusal::CellMissing).await;
        };
        let recorded = cell.status.as_ref().map(|status| status.recent_purges.clone()).unwrap_or_default();
        if let Err(trip) = breaker::admit(now, &recorded, found.instances) {
            let cell = self.open(cell, &trip).await?;
            return match decide::cell(Some(&cell), &found.cluster_uid) {
                Err(refusal) => self.refuse(purge, server, &refusal).await,
                Ok(()) => Ok(Again::Soon),
            };
        }
        let mut taken = recorded;
        taken.extend(round.purges.iter().filter_map(|purge| purge.status.as_ref()?.work.started_at));
        let own = breaker::own_time(now, &taken);
        round.taken = true;
        let note = Note::warning("PurgeBegun", "all conditions are met: the server's data is being destroyed");
        self.save(purge, record::begun(&status(purge), own), Some(note)).await?;
        self.record_purge(own).await?;
        Ok(Again::Now)
    }

    /// Does the next thing of a purge that has begun.
    async fn proceed(&self, purge: &Purge, server: &Server) -> Result<Again, Error> {
        let status = status(purge);
        let (uid, digest) = (&purge.spec.instance_ref.uid, &purge.spec.manifest_digest);
        let export = if digest == NO_BUNDLE { None } else { Some(locate(self.store.as_ref(), uid, digest).await?) };
        let export = match export.transpose() {
            Ok(export) => export,
            Err(refusal) => return self.hold(purge, &refusal).await,
        };
        let scene = self.scene(purge, server, export.as_deref()).await?;
        let next = destroy::next(&scene);
        if next == Next::Finish {
            let done = record::done(&status, self.clock.now());
            let note = Note::normal("Purged", &done.work.message);
            self.save(purge, done, Some(note)).await?;
            return Ok(Again::Now);
        }
        self.save(purge, record::at(&status, &next), None).await?;
        if next.step() == DELETING && status.work.step != DELETING {
            // The way back ends here: it is written down, then everything is looked at once more.
            return Ok(Again::Now);
        }
        let acted = self.act(uid, &scene, &next).await?;
        Ok(if acted { Again::Now } else { Again::Soon })
    }

    async fn prove(&self, proof: &Proof, world: &World, server: &Server) -> Result<Result<String, Refusal>, Error> {
        let Proof::Bundle { digest, uid, hostname, stopped } = proof else {
            return Ok(Ok(String::new()));
        };
        let recipients = recipients(uid, &world.exports, server.instance.as_ref());
        let wanted = Wanted { digest, uid, hostname, stopped: *stopped, recipients: &recipients };
        prove(self.store.as_ref(), &self.keys, &wanted).await
    }

    /// Says why not, and gives back what was taken hold of.
    async fn refuse(&self, purge: &Purge, server: &Server, refusal: &Refusal) -> Result<Again, Error> {
        let mark = pause_mark(&purge.uid().unwrap_or_default());
        if let Some(instance) =
            server.instance.as_ref().filter(|instance| instance.annotations().get(crd::labels::PAUSED) == Some(&mark))
        {
            let seen = InstanceSeen {
                name: instance.name_any(),
                version: instance.resource_version().unwrap_or_default(),
                paused_by: Some(mark),
                paused: true,
                deleted: false,
            };
            self.pause(&instance.uid().unwrap_or_default(), &seen, None).await?;
        }
        self.save(purge, record::refused(&status(purge), refusal), Some(note(refusal))).await?;
        Ok(Again::Later)
    }

    /// Stops a purge that is past the point of return where it is.
    async fn hold(&self, purge: &Purge, refusal: &Refusal) -> Result<Again, Error> {
        let mut held = status(purge);
        held.work.reason = refusal.reason().to_owned();
        held.work.message = refusal.to_string();
        self.save(purge, held, Some(note(refusal))).await?;
        Ok(Again::Later)
    }
}

fn note(refusal: &Refusal) -> Note {
    if refusal.is_alarming() {
        Note::warning(refusal.reason(), refusal.to_string())
    } else {
        Note::normal(refusal.reason(), refusal.to_string())
    }
}

/// When a purge began that may not be counted yet.
fn uncounted(purge: &Purge) -> Option<Timestamp> {
    let work = &purge.status.as_ref()?.work;
    work.started_at.filter(|_| work.phase == Phase::Running && work.step == record::COUNTING)
}

/// Whether a purge has begun and can still be called back.
fn takes_hold(purge: &Purge) -> bool {
    let work = purge.status.as_ref().map(|status| &status.work);
    work.is_some_and(|work| work.phase == Phase::Running && work.percent <= Next::DELETING_PERCENT)
}

pub(super) fn status(purge: &Purge) -> PurgeStatus {
    purge.status.clone().unwrap_or_default()
}

/// Ids of the recipients that customers gave us, for this server.
fn recipients(uid: &str, exports: &[Export], instance: Option<&Instance>) -> BTreeSet<KeyId> {
    let of_exports = exports
        .iter()
        .filter(|export| export.spec.instance_ref.uid == uid)
        .filter_map(|export| export.spec.recipient.as_deref());
    let of_instance = instance.and_then(|instance| instance.spec.exports.recipient.as_deref());
    of_exports
        .chain(of_instance)
        .filter_map(|text| text.parse::<Recipient>().ok())
        .map(|recipient| recipient.id())
        .collect()
}
