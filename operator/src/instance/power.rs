//! Whether the server should be up, and if not, why not.

use crd::{Condition, Identity, Mode, condition, labels};
use kube::ResourceExt as _;

use super::observe::{DataSight, Observed, SecretSight, StartSight, names};
use super::validate::Wish;
use crate::cache::Seen;
use crate::export;
use crate::job::outcome;

/// Something that a server was born with is missing or is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// One CamelCase word.
    pub reason: &'static str,
    /// What is missing and what to do.
    pub message: String,
}

/// Why a server is not up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// It has no identity yet.
    NotBorn,
    /// Its identity is not whole.
    IdentityMissing,
    /// It is wished frozen.
    Frozen,
    /// It is wished read-only, which its software cannot be.
    ReadOnly,
    /// It is wished closed.
    Closing,
    /// This export copies its data.
    Exporting(String),
}

impl Rest {
    /// One CamelCase word for conditions.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotBorn => "NotBorn",
            Self::IdentityMissing => "IdentityMissing",
            Self::Frozen => "Frozen",
            Self::ReadOnly => "ReadOnly",
            Self::Closing => "Closing",
            Self::Exporting(_) => "Exporting",
        }
    }

    /// The same as a sentence.
    #[must_use]
    pub fn message(&self, wish: &Wish) -> String {
        match self {
            Self::NotBorn => "its identity has not been made yet".to_owned(),
            Self::IdentityMissing => "what it was born with is missing; see the condition IdentityMissing".to_owned(),
            Self::Frozen => "spec.mode is Frozen; visitors see the 503 page".to_owned(),
            Self::ReadOnly => format!(
                "spec.mode is ReadOnly, but {} cannot refuse writes; it is frozen instead",
                wish.software.flavour
            ),
            Self::Closing => "spec.mode is Closing; visitors see the 503 page until the purge".to_owned(),
            Self::Exporting(name) => {
                format!("Export {name} copies its data; it starts again when that is done")
            }
        }
    }
}

/// What the server's processes should do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Power {
    /// Be down.
    Off(Rest),
    /// Be down still: the intent to start is made public first, so that work which needs the server stopped sees it.
    Announce,
    /// Be down still: the intent is public, and something else came first.
    Wait(String),
    /// Be up.
    On,
}

impl Power {
    /// Whether there should be a pod.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        matches!(self, Self::On)
    }
}

/// Decides whether the server should be up.
#[must_use]
pub fn power(seen: &Observed, wish: &Wish, born: bool, missing: Option<&Missing>) -> Power {
    if let Some(rest) = rest(seen, wish, born, missing) {
        return Power::Off(rest);
    }
    let up = seen.server().is_some_and(|server| matches!(server.seen, Seen::Deployment { wanted, .. } if wanted > 0));
    if up {
        return Power::On;
    }
    match &seen.start {
        StartSight::Clear => match unreadable(seen) {
            Some(unreadable) => Power::Wait(unreadable.message),
            None => Power::On,
        },
        StartSight::Held(why) => Power::Wait(why.clone()),
        StartSight::NotAsked => Power::Announce,
    }
}

fn rest(seen: &Observed, wish: &Wish, born: bool, missing: Option<&Missing>) -> Option<Rest> {
    let by_mode = match wish.mode {
        Mode::Closing => Some(Rest::Closing),
        Mode::Frozen => Some(Rest::Frozen),
        Mode::ReadOnly if !wish.software.refuses_writes => Some(Rest::ReadOnly),
        Mode::ReadOnly | Mode::Running => None,
    };
    if missing.is_some() {
        return Some(Rest::IdentityMissing);
    }
    let exporting = || {
        seen.exports
            .iter()
            .find(|export| export::holds_stopped(export))
            .map(|export| Rest::Exporting(export.name_any()))
    };
    by_mode.or_else(|| (!born).then_some(Rest::NotBorn)).or_else(exporting)
}

/// The mode in force, and why it is not the wished one.
#[must_use]
pub fn mode(wish: &Wish, power: &Power) -> (Mode, Option<String>) {
    match power {
        Power::Off(rest) => match rest {
            Rest::Frozen => (Mode::Frozen, None),
            Rest::Closing => (Mode::Closing, None),
            Rest::NotBorn => (wish.mode, None),
            Rest::ReadOnly | Rest::IdentityMissing | Rest::Exporting(_) => (Mode::Frozen, Some(rest.message(wish))),
        },
        Power::Announce | Power::Wait(_) | Power::On => (wish.mode, None),
    }
}

/// What is missing of a server that has been born.
#[must_use]
pub fn missing(seen: &Observed, identity: &Identity) -> Option<Missing> {
    missing_claim(seen, identity)
        .or_else(|| missing_volume(seen, identity))
        .or_else(|| missing_secret(seen, identity))
        .or_else(|| refused(seen))
}

/// What is not missing, but should be looked at.
#[must_use]
pub fn doubt(seen: &Observed, recorded: Option<&Identity>) -> Option<Missing> {
    terminating(seen).or_else(|| recorded.and_then(|_| unreadable(seen)))
}

/// A refusal is no proof that something is missing: a server that is up stays up, and one that is down stays down.
fn unreadable(seen: &Observed) -> Option<Missing> {
    let SecretSight::Unreadable(why) = &seen.secret else {
        return None;
    };
    Some(Missing {
        reason: "SecretUnreadable",
        message: format!(
            "the operator may not look at Secret {space}/{}, so nobody knows whether it is there: {why}. RoleBinding {space}/{role} is put back by the operator; if this stays, look at ClusterRole {role}",
            names::IDENTITY,
            space = seen.namespace_name,
            role = labels::TENANT_ROLE,
        ),
    })
}

/// What of a server's data somebody has deleted though it is still held by the running pod. Nothing can be done about
/// it but to say it: the server is left running, because the claim goes with its last pod.
fn terminating(seen: &Observed) -> Option<Missing> {
    let going = |sight: &DataSight| matches!(sight, DataSight::Present(held) if held.deleting);
    let (reason, what) = if going(&seen.claim) {
        ("VolumeClaimTerminating", "PersistentVolumeClaim")
    } else if going(&seen.volume) {
        ("VolumeTerminating", "PersistentVolume")
    } else {
        return None;
    };
    Some(Missing {
        reason,
        message: format!(
            "somebody deleted the {what}; it goes when the server next stops, and the server can then not start again until it is put right. Take an export now"
        ),
    })
}

fn missing_claim(seen: &Observed, identity: &Identity) -> Option<Missing> {
    let space = &seen.namespace_name;
    let claim = match &seen.claim {
        DataSight::NotAsked => return None,
        DataSight::Missing => {
            return Some(Missing {
                reason: "VolumeClaimMissing",
                message: format!(
                    "PersistentVolumeClaim {space}/{} is gone. Its volume {} is retained: bind it to a new claim of that name and record the claim's uid in status.identity",
                    names::DATA,
                    identity.volume_name
                ),
            });
        }
        DataSight::Present(claim) => claim,
    };
    let volume = if let Seen::Claim { volume, .. } = &claim.seen { volume.as_deref() } else { None };
    if claim.uid == identity.volume_claim_uid && volume == Some(identity.volume_name.as_str()) {
        return None;
    }
    Some(Missing {
        reason: "VolumeClaimReplaced",
        message: format!(
            "PersistentVolumeClaim {space}/{} has uid {} and volume {}; the server was born on claim {} and volume {}. If this is the old data under a new claim, record its uid in status.identity",
            names::DATA,
            claim.uid,
            volume.unwrap_or("none"),
            identity.volume_claim_uid,
            identity.volume_name
        ),
    })
}

fn missing_volume(seen: &Observed, identity: &Identity) -> Option<Missing> {
    let volume = match &seen.volume {
        DataSight::NotAsked => return None,
        DataSight::Missing => {
            return Some(Missing {
                reason: "VolumeMissing",
                message: format!(
                    "PersistentVolume {} is gone. Restore it from its storage, or the server from a bundle",
                    identity.volume_name
                ),
            });
        }
        DataSight::Present(volume) => volume,
    };
    let ours = matches!(&volume.seen, Seen::Volume { claim_uid, .. } if claim_uid.as_deref() == Some(identity.volume_claim_uid.as_str()));
    (!ours).then(|| Missing {
        reason: "VolumeReplaced",
        message: format!(
            "PersistentVolume {} is not bound to the claim {} that the server was born with",
            identity.volume_name, identity.volume_claim_uid
        ),
    })
}

fn missing_secret(seen: &Observed, identity: &Identity) -> Option<Missing> {
    const MISSING: &str = "SecretMissing";
    const REPLACED: &str = "SecretReplaced";
    let space = &seen.namespace_name;
    match &seen.secret {
        SecretSight::NotAsked => None,
        SecretSight::Present(uid) if *uid == identity.secret_uid => None,
        SecretSight::Present(uid) => Some(Missing {
            reason: REPLACED,
            message: format!(
                "Secret {space}/{} has uid {uid}; the server was born with {}. Bring the old content back and record the new uid in status.identity",
                names::IDENTITY,
                identity.secret_uid
            ),
        }),
        SecretSight::Missing => Some(Missing {
            reason: MISSING,
            message: format!(
                "Secret {space}/{} is gone. Bring it back from a backup and record its uid in status.identity",
                names::IDENTITY
            ),
        }),
        // What was found when it could be read holds until it can be read again.
        SecretSight::Unreadable(_) => [MISSING, REPLACED].into_iter().find_map(|reason| {
            let found = verdict(seen, reason)?;
            Some(Missing { reason, message: found.message.clone() })
        }),
    }
}

/// The condition IdentityMissing as it was saved last, if it is true for this reason.
fn verdict<'a>(seen: &'a Observed, reason: &str) -> Option<&'a Condition> {
    let conditions = &seen.instance.status.as_ref()?.conditions;
    conditions.iter().find(|one| one.type_ == condition::IDENTITY_MISSING && one.is_true() && one.reason == reason)
}

/// The last look before the start found something else on the volume than the server was born with. That pod is gone
/// as soon as the server is stopped, so the verdict stays until somebody changes the instance.
fn refused(seen: &Observed) -> Option<Missing> {
    const REASON: &str = "ContentReplaced";
    let by_pod = seen.pods("server").find_map(|pod| {
        let Seen::Pod { ended, .. } = &pod.seen else {
            return None;
        };
        let end = ended.iter().find(|end| end.container == "prepare" && end.code == i64::from(outcome::IDENTITY))?;
        let failure = outcome::parse::<serde_json::Value>(&end.message).err();
        Some(failure.map_or_else(|| end.message.clone(), |failure| failure.message))
    });
    let before = || {
        let condition = verdict(seen, REASON)?;
        (condition.observed_generation == seen.instance.metadata.generation).then(|| condition.message.clone())
    };
    let advice = "Bring the data back, then set spec.mode to Frozen and to Running again";
    let message = by_pod.map(|found| format!("{found}. {advice}")).or_else(before)?;
    Some(Missing { reason: REASON, message })
}
