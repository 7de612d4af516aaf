//! What was observed, as something that builders can trust. Pure.

use crd::condition::{self, IDENTITY_MISSING};
use crd::{Instance, labels};
use kube::ResourceExt as _;
use names::{Hostname, Version};

use super::observe::Observed;
use crate::instance::flavour::{Software, software};
use crate::seal::Recipient;

/// An export that can be carried out.
#[derive(Debug, Clone)]
pub(super) struct Valid {
    pub(super) software: &'static Software,
    pub(super) version: Version,
    pub(super) hostname: Hostname,
    /// Who can open the bundle; `None`: it gets a key of its own.
    pub(super) recipient: Option<Recipient>,
    /// Whether export pods trust more than the system's certificates.
    pub(super) trust_bundle: bool,
}

/// Why an export cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invalid {
    /// Whether it never will.
    pub(super) lasting: bool,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Invalid {
    fn for_now(reason: &'static str, message: impl Into<String>) -> Self {
        Self { lasting: false, reason, message: message.into() }
    }

    fn for_good(reason: &'static str, message: impl Into<String>) -> Self {
        Self { lasting: true, reason, message: message.into() }
    }
}

/// Whether somebody told the operator to look on only.
pub(super) fn is_paused(observed: &Observed) -> bool {
    let cell = observed.cell.as_ref().is_some_and(|cell| cell.annotations().contains_key(labels::PAUSED));
    cell || observed.instance.as_ref().is_some_and(|instance| instance.annotations().contains_key(labels::PAUSED))
}

pub(super) fn validate(observed: &Observed) -> Result<Valid, Invalid> {
    let wanted = &observed.export.spec.instance_ref;
    let instance = observed.instance.as_ref().ok_or_else(|| {
        Invalid::for_good("InstanceMissing", format!("there is no Instance {} with uid {}", wanted.name, wanted.uid))
    })?;
    let flavour = instance.spec.flavour;
    let software = software(flavour).ok_or_else(|| {
        Invalid::for_good("FlavourUnknown", format!("this version of the operator cannot export {flavour}"))
    })?;
    let recipient = observed.export.spec.recipient.as_deref().or(instance.spec.exports.recipient.as_deref());
    let recipient = recipient
        .map(str::parse)
        .transpose()
        .map_err(|e| Invalid::for_good("BadRecipient", format!("the bundle's recipient cannot be used: {e}")))?;
    let cell = observed.cell.as_ref().ok_or_else(|| Invalid::for_now("NoCell", "there is no Cell object yet"))?;
    if let Some(missing) = &observed.no_keys {
        return Err(Invalid::for_now("NoKeys", missing.to_string()));
    }
    let version = check_instance(instance)?;
    Ok(Valid {
        software,
        version,
        hostname: instance.spec.hostname.clone(),
        recipient,
        trust_bundle: cell.spec.trust_bundle.is_some(),
    })
}

/// The version that the data is of.
fn check_instance(instance: &Instance) -> Result<Version, Invalid> {
    let name = instance.name_any();
    let status = instance.status.as_ref().filter(|status| status.identity.is_some());
    let status = status.ok_or_else(|| Invalid::for_now("NotBorn", format!("waits until {name} has been born")))?;
    if condition::is_true(&status.conditions, IDENTITY_MISSING) {
        return Err(Invalid::for_now(
            "IdentityMissing",
            format!("the volume of {name} is not the one it was born with; it is not exported until that is mended"),
        ));
    }
    let running = status.version.as_deref().and_then(|version| version.parse().ok());
    Ok(running.unwrap_or_else(|| instance.spec.version.clone()))
}
