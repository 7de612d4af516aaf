//! Second step: from an object full of options to a wish that builders trust, or the reason why not.

use std::str::FromStr as _;

use crd::instance::{Identity, Settings};
use crd::{Mode, labels};
use kube::ResourceExt as _;
use names::{Handle, Hostname, InstanceId, Size};

use super::flavour::{Software, software};
use super::observe::{NamespaceSight, Observed};
use crate::cache::Seen;
use crate::cell::CellFacts;
use crate::seal::Recipient;

/// On a tenant's Namespace: the host name, so that whoever takes it over takes over the same server.
pub const HOSTNAME: &str = "steppe.host/hostname";
/// On a tenant's Namespace: the flavour.
pub const FLAVOUR: &str = "steppe.host/flavour";
/// On a tenant's Namespace: what the server was born with, JSON. A second witness beside the instance's status.
pub const IDENTITY: &str = "steppe.host/identity";

/// The reason for which nothing is done while a namespace goes away.
pub const NAMESPACE_TERMINATING: &str = "NamespaceTerminating";

/// A wish that can be carried out.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The instance's name.
    pub id: InstanceId,
    /// The instance's uid.
    pub uid: String,
    /// The tenant's namespace.
    pub namespace: String,
    /// The public name.
    pub hostname: Hostname,
    /// The owner's account.
    pub handle: Handle,
    /// How its flavour is run.
    pub software: &'static Software,
    /// The image of its version.
    pub image: String,
    /// The size.
    pub size: Size,
    /// The owner's settings.
    pub settings: Settings,
    /// What it should be doing.
    pub mode: Mode,
    /// The recipient of the owner's first password.
    pub owner_claim: Option<String>,
    /// What it was born with, by the status or by its namespace.
    pub identity: Option<Identity>,
    /// The cell.
    pub cell: CellFacts,
}

/// Why a wish cannot be carried out. Nothing in the cluster is changed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// One CamelCase word.
    pub reason: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Refusal {
    fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// Turns what was observed into a wish.
///
/// # Errors
/// The first reason why it cannot be carried out.
pub fn validate(seen: &Observed) -> Result<Wish, Refusal> {
    let instance = &seen.instance;
    let spec = &instance.spec;
    let name = instance.name_any();
    let id = InstanceId::from_str(&name).map_err(|error| Refusal::new("BadName", error.to_string()))?;
    if seen.namespace_name.len() > 63 {
        let message =
            format!("the namespace {} would have more than 63 characters; choose a shorter name", seen.namespace_name);
        return Err(Refusal::new("BadName", message));
    }
    let cell = cell(seen)?;
    let software = software(spec.flavour).ok_or_else(|| {
        Refusal::new("FlavourNotBuilt", format!("this operator cannot run {} yet; it can run snac", spec.flavour))
    })?;
    if let Some(older) = &seen.host_taken_by {
        let message = format!(
            "{} belongs to the older Instance {older}; delete this one, or make it anew with another host name",
            spec.hostname
        );
        return Err(Refusal::new("HostTaken", message));
    }
    let identity = owned_namespace(seen)?;
    let image = image(seen, &cell)?;
    if identity.is_none() {
        unborn(seen, &cell)?;
    }
    Ok(Wish {
        uid: instance.uid().unwrap_or_default(),
        namespace: seen.namespace_name.clone(),
        hostname: spec.hostname.clone(),
        handle: spec.owner.handle.clone(),
        software,
        image,
        size: spec.size,
        settings: spec.settings.clone(),
        mode: spec.mode,
        owner_claim: spec.owner_claim.clone(),
        identity,
        cell,
        id,
    })
}

fn cell(seen: &Observed) -> Result<CellFacts, Refusal> {
    let Some(cell) = &seen.cell else {
        return Err(Refusal::new("NoCell", "there is no Cell object named `cell` yet; the chart makes it"));
    };
    let recorded = cell.status.as_ref().and_then(|status| status.cluster_uid.as_ref());
    if let (Some(recorded), Some(here)) = (recorded, &seen.cluster_uid)
        && recorded != here
    {
        let message = format!(
            "the objects were copied from cluster {recorded} to {here}: two servers with one name would harm both. See the Cell's conditions"
        );
        return Err(Refusal::new("WrongCluster", message));
    }
    CellFacts::parse(&cell.spec)
        .map_err(|error| Refusal::new("CellUnreadable", format!("the Cell cannot be used: {error}")))
}

/// What has to be right only before a server is born; afterwards it must be kept whatever changed.
fn unborn(seen: &Observed, cell: &CellFacts) -> Result<(), Refusal> {
    let spec = &seen.instance.spec;
    if spec.hostname == cell.zone || cell.zone.is_in(&spec.hostname) {
        let message =
            format!("{} is the tenants' zone itself or above it; take a name below {}", spec.hostname, cell.zone);
        return Err(Refusal::new("HostIsZone", message));
    }
    for (what, recipient) in [
        ("spec.ownerClaim", spec.owner_claim.as_deref()),
        ("the Cell's spec.escrowRecipient", cell.escrow_recipient.as_deref()),
    ] {
        if let Some(text) = recipient {
            Recipient::from_str(text)
                .map_err(|error| Refusal::new("BadRecipient", format!("{what} is no age recipient: {error}")))?;
        }
    }
    if !seen.has_room {
        let message = format!("the cell has no room for another server of size {}", spec.size);
        return Err(Refusal::new("NoRoom", message));
    }
    Ok(())
}

/// The image of the version; of one that the cell no longer lists, the image that runs: a server is not stopped and
/// not left alone because a list became shorter.
fn image(seen: &Observed, cell: &CellFacts) -> Result<String, Refusal> {
    let spec = &seen.instance.spec;
    if let Some(image) = cell.image(spec.flavour, &spec.version) {
        return Ok(image.to_owned());
    }
    let running = seen.server().and_then(|server| {
        let Seen::Deployment { image, .. } = &server.seen else {
            return None;
        };
        image.clone()
    });
    running.ok_or_else(|| {
        let message = format!("the cell offers no {} {}; choose one of its spec.versions", spec.flavour, spec.version);
        Refusal::new("VersionUnknown", message)
    })
}

/// Whether the namespace is free or ours; and what the server in it was born with.
fn owned_namespace(seen: &Observed) -> Result<Option<Identity>, Refusal> {
    let instance = &seen.instance;
    let recorded = instance.status.as_ref().and_then(|status| status.identity.clone());
    let uid = instance.uid().unwrap_or_default();
    let (owner, annotations) = match &seen.namespace {
        NamespaceSight::Absent => return Ok(recorded),
        NamespaceSight::Terminating => {
            return Err(Refusal::new(
                NAMESPACE_TERMINATING,
                format!(
                    "somebody deletes the namespace {}; its volume is retained. When it is gone, see IdentityMissing",
                    seen.namespace_name
                ),
            ));
        }
        NamespaceSight::Present { owner, annotations } => (owner, annotations),
    };
    let witness = || -> Option<Identity> { serde_json::from_str(annotations.get(IDENTITY)?).ok() };
    if owner.as_deref() == Some(uid.as_str()) {
        return Ok(recorded.or_else(witness));
    }
    let adopts = instance.annotations().get(labels::ADOPT_UID);
    let same = annotations.get(HOSTNAME).map(String::as_str) == Some(instance.spec.hostname.as_str())
        && annotations.get(FLAVOUR).map(String::as_str) == Some(instance.spec.flavour.as_str());
    match owner {
        Some(owner) if adopts == Some(owner) && same => Ok(recorded.or_else(witness)),
        Some(owner) if adopts == Some(owner) => Err(Refusal::new(
            "NamespaceHeld",
            format!(
                "the namespace {} holds a server with another host name or flavour; it can only be taken over by the same",
                seen.namespace_name
            ),
        )),
        Some(owner) => Err(Refusal::new(
            "NamespaceHeld",
            format!(
                "the namespace {} belongs to the instance with uid {owner}. To take over its server, annotate this one with {}={owner}; else choose another name",
                seen.namespace_name,
                labels::ADOPT_UID
            ),
        )),
        None => Err(Refusal::new(
            "NamespaceHeld",
            format!("the namespace {} exists and is not ours; choose another name", seen.namespace_name),
        )),
    }
}
