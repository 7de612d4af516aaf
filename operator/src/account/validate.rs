//! What was observed, as something that builders can trust. Pure.

use crd::condition::{self, IDENTITY_MISSING};
use crd::{AccountAction, AccountChangeSpec, labels};
use kube::ResourceExt as _;

use super::observe::Observed;
use crate::instance::flavour::software;
use crate::job::account::Action;
use crate::seal::Recipient;

/// A change that can be carried out.
#[derive(Debug, Clone)]
pub(super) struct Valid {
    pub(super) flavour: &'static str,
    /// The image with the flavour's program.
    pub(super) image: String,
    pub(super) action: Action,
    pub(super) handle: String,
    pub(super) claim: Option<String>,
}

/// Why a change cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invalid {
    /// Whether it never will.
    pub(super) lasting: bool,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

fn for_now(reason: &'static str, message: impl Into<String>) -> Invalid {
    Invalid { lasting: false, reason, message: message.into() }
}

fn for_good(reason: &'static str, message: impl Into<String>) -> Invalid {
    Invalid { lasting: true, reason, message: message.into() }
}

/// Whether somebody told the operator to look on only.
pub(super) fn is_paused(observed: &Observed) -> bool {
    let cell = observed.cell.as_ref().is_some_and(|cell| cell.annotations().contains_key(labels::PAUSED));
    cell || observed.instance.as_ref().is_some_and(|instance| instance.annotations().contains_key(labels::PAUSED))
}

fn check_claim(spec: &AccountChangeSpec) -> Result<(), Invalid> {
    match &spec.claim {
        Some(claim) => {
            let parsed = claim.parse::<Recipient>();
            parsed.map(drop).map_err(|e| for_good("BadClaim", format!("the claim cannot be used: {e}")))
        }
        None if spec.action == AccountAction::Remove => Ok(()),
        None => Err(for_good("BadClaim", "the new password needs a one-time recipient in spec.claim to come back to")),
    }
}

pub(super) fn validate(observed: &Observed) -> Result<Valid, Invalid> {
    let spec = &observed.change.spec;
    let wanted = &spec.instance_ref;
    let instance = observed.instance.as_ref().ok_or_else(|| {
        for_good("InstanceMissing", format!("there is no Instance {} with uid {}", wanted.name, wanted.uid))
    })?;
    let flavour = instance.spec.flavour;
    if software(flavour).is_none() {
        return Err(for_good(
            "FlavourUnknown",
            format!("this version of the operator cannot change accounts of {flavour}"),
        ));
    }
    if spec.action == AccountAction::Remove && spec.handle == instance.spec.owner.handle {
        return Err(for_good(
            "OwnerRefused",
            format!("{} owns the server; this account cannot be removed", spec.handle),
        ));
    }
    check_claim(spec)?;
    let cell = observed.cell.as_ref().ok_or_else(|| for_now("NoCell", "there is no Cell object yet"))?;
    let status = instance.status.as_ref().filter(|status| status.identity.is_some());
    let status = status.ok_or_else(|| for_now("NotBorn", format!("waits until {} has been born", wanted.name)))?;
    if condition::is_true(&status.conditions, IDENTITY_MISSING) {
        return Err(for_now(
            "IdentityMissing",
            format!("the volume of {} is not the one it was born with", wanted.name),
        ));
    }
    let version = status.version.clone().unwrap_or_else(|| instance.spec.version.to_string());
    let release =
        cell.spec.versions.iter().find(|release| release.flavour == flavour && release.version.as_str() == version);
    let image = release.map(|release| release.image.clone());
    Ok(Valid {
        flavour: flavour.as_str(),
        image: image.ok_or_else(|| for_now("VersionUnknown", format!("the cell lists no {flavour} {version}")))?,
        action: match spec.action {
            AccountAction::Add => Action::Add,
            AccountAction::ResetLogin => Action::ResetLogin,
            AccountAction::Remove => Action::Remove,
        },
        handle: spec.handle.to_string(),
        claim: spec.claim.clone(),
    })
}
