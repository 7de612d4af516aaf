//! Deciding about birth and about what a server was born with.

use crd::{Identity, Mode};
use jiff::{SignedDuration, Timestamp};

use crate::apply::Object;
use crate::cache::{Held, Seen};
use crate::instance::observe::{DataSight, Observed, SecretSight, names};
use crate::instance::resources::{birth as resource, volume as resources};
use crate::instance::validate::Wish;
use crate::job::birth::Born;
use crate::job::outcome::{self, Failure};
use crate::kind::Kind;
use crate::store::layout;

/// A birth that failed for good is tried again after this time: whatever was wrong may have been put right.
const RETRY: SignedDuration = SignedDuration::from_mins(5);
/// A birth whose result was lost with its pod is repeated after this time; it keeps the keys it made.
const REPEAT: SignedDuration = SignedDuration::from_secs(30);

/// What is said while the Job runs.
pub const RUNNING: &str = "the Job makes the server's keys and its owner's account";

/// What to do for a server's birth.
#[derive(Debug)]
pub enum Birth {
    /// Nothing: it is over, or not wanted.
    Over,
    /// Write into the status what it was born with; found in its namespace after the status was lost.
    Restore(Box<Record>),
    /// Make the Secret if there is none, and the Job.
    Begin(Box<Object>),
    /// Wait for the Job.
    Wait {
        /// One CamelCase word.
        reason: &'static str,
        /// What it is waiting for.
        message: String,
    },
    /// Take the Job away, so that it is made anew.
    Again {
        /// Why.
        message: String,
    },
    /// Put the identity in escrow, then write it into the status.
    Finish(Box<Record>),
}

/// What is written into the status when a birth is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What the server was born with.
    pub identity: Identity,
    /// The owner's password, sealed.
    pub owner_claim: Option<String>,
    /// What is put in escrow before.
    pub escrow: Option<Escrow>,
}

/// A sealed identity on its way to the object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escrow {
    /// The object's key.
    pub key: String,
    /// The object: age, ASCII armour.
    pub content: String,
}

impl Birth {
    /// The Job, if it is to be made.
    #[must_use]
    pub fn job(&self) -> Option<&Object> {
        match self {
            Self::Begin(job) => Some(job),
            Self::Over | Self::Restore(_) | Self::Wait { .. } | Self::Again { .. } | Self::Finish(_) => None,
        }
    }

    /// Whether a Job that is there is of no use any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Over | Self::Again { .. })
    }

    /// What is written into the status.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Restore(record) | Self::Finish(record) => Some(record),
            Self::Over | Self::Begin(_) | Self::Wait { .. } | Self::Again { .. } => None,
        }
    }
}

/// Decides about the birth.
pub(super) fn birth(seen: &Observed, wish: &Wish) -> Birth {
    let recorded = seen.instance.status.as_ref().is_some_and(|status| status.identity.is_some());
    if recorded {
        return Birth::Over;
    }
    if let Some(identity) = &wish.identity {
        return Birth::Restore(Box::new(Record { identity: identity.clone(), owner_claim: None, escrow: None }));
    }
    if wish.mode == Mode::Closing {
        return Birth::Over;
    }
    let Some(job) = seen.find(Kind::Job, names::BIRTH) else {
        return Birth::Begin(Box::new(resource::birth(wish, &seen.image)));
    };
    let Seen::Job { complete, ended_at, message } = &job.seen else {
        return running(seen);
    };
    let passed = |limit: SignedDuration| is_past(*ended_at, limit, seen.now);
    match (complete, ended_at, outcome(seen)) {
        (_, None, Some(Err(failure))) => failed(&failure.message),
        (_, None, _) => running(seen),
        (true, _, Some(Ok(born))) => finish(seen, wish, born),
        (true, _, _) if passed(REPEAT) => Birth::Again { message: "the result was lost with its pod".to_owned() },
        (true, _, _) => ending(),
        (false, _, _) if passed(RETRY) => Birth::Again { message: "it failed a while ago".to_owned() },
        (false, _, Some(Err(failure))) => failed(&failure.message),
        (false, _, _) => failed(message),
    }
}

fn failed(message: &str) -> Birth {
    Birth::Wait {
        reason: "BirthFailed",
        message: format!("{message}. It is tried again every {} minutes", RETRY.as_mins()),
    }
}

fn is_past(time: Option<Timestamp>, limit: SignedDuration, now: Timestamp) -> bool {
    time.is_some_and(|time| now.duration_since(time) >= limit)
}

/// What the Job's last pod said.
fn outcome(seen: &Observed) -> Option<Result<Born, Failure>> {
    seen.pods("birth").find_map(|pod| {
        let Seen::Pod { ended, phase, .. } = &pod.seen else {
            return None;
        };
        if phase != "Succeeded" && phase != "Failed" {
            return None;
        }
        let end = ended.iter().find(|end| end.container == "birth")?;
        Some(outcome::parse(&end.message))
    })
}

fn running(seen: &Observed) -> Birth {
    match seen.waiting("birth") {
        Some(why) => Birth::Wait { reason: "BirthStuck", message: format!("the Job's pod cannot start: {why}") },
        None => Birth::Wait { reason: "BirthRunning", message: RUNNING.to_owned() },
    }
}

fn ending() -> Birth {
    Birth::Wait {
        reason: "BirthEnding",
        message: "the Job has ended; its result is read, the volume set to be retained and the Secret looked at"
            .to_owned(),
    }
}

/// A birth counts when everything that it hangs on is known and safe: the claim has its volume, the volume outlives the
/// claim, and the Secret is there.
fn finish(seen: &Observed, wish: &Wish, born: Born) -> Birth {
    let Some((claim, name)) = bound_claim(seen) else {
        return ending();
    };
    let volume = seen.find(Kind::PersistentVolume, name);
    let safe = volume.is_some_and(|volume| {
        matches!(&volume.seen, Seen::Volume { claim_uid, retained: true } if claim_uid.as_deref() == Some(claim.uid.as_str()))
    });
    let SecretSight::Present(secret_uid) = &seen.secret else {
        return ending();
    };
    if !safe {
        return ending();
    }
    Birth::Finish(Box::new(Record {
        identity: Identity {
            volume_claim_uid: claim.uid.clone(),
            volume_name: name.to_owned(),
            secret_uid: secret_uid.clone(),
            fingerprint: born.fingerprint,
            born_at: seen.now,
        },
        owner_claim: born.owner_claim,
        escrow: born.escrow.map(|content| Escrow { key: layout::escrow(&wish.uid), content }),
    }))
}

fn bound_claim(seen: &Observed) -> Option<(&Held, &str)> {
    let claim = seen.find(Kind::PersistentVolumeClaim, names::DATA)?;
    let Seen::Claim { bound: true, volume: Some(volume), .. } = &claim.seen else {
        return None;
    };
    Some((claim, volume))
}

/// The claim: made before the birth, kept as it is afterwards, and never made again.
pub(super) fn claim(seen: &Observed, wish: &Wish, recorded: Option<&Identity>) -> Option<Object> {
    let held = match (recorded, &seen.claim) {
        (Some(identity), DataSight::Present(held)) if held.uid == identity.volume_claim_uid && !held.deleting => {
            Some(held)
        }
        (Some(_), _) => return None,
        // After its status was lost: what the namespace says is written down first.
        (None, _) if wish.identity.is_some() => return None,
        (None, _) => seen.find(Kind::PersistentVolumeClaim, names::DATA),
    };
    if held.is_none() && wish.mode == Mode::Closing {
        return None;
    }
    let existing = held.and_then(|held| {
        let Seen::Claim { storage_class, request, .. } = &held.seen else {
            return None;
        };
        Some(resources::Existing {
            storage_class: storage_class.clone(),
            request: request.clone(),
            grows: seen.volumes_grow,
        })
    });
    let uid = recorded.map(|identity| identity.volume_claim_uid.as_str());
    Some(resources::claim(wish, existing.as_ref(), uid))
}

/// The volume: retained as soon as it is known.
pub(super) fn volume(seen: &Observed, wish: &Wish, recorded: Option<&Identity>) -> Option<Object> {
    match (recorded, &seen.volume) {
        (Some(identity), DataSight::Present(held)) if !held.deleting => {
            Some(resources::volume(wish, &identity.volume_name, Some(&held.uid)))
        }
        (Some(_), _) => None,
        (None, _) => {
            let (_, name) = bound_claim(seen)?;
            Some(resources::volume(wish, name, None))
        }
    }
}
