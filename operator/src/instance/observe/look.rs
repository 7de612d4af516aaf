//! Looking at the API itself, where the caches are not enough.

use std::sync::Arc;

use crd::{Identity, Mode, condition, labels};
use kube::ResourceExt as _;
use kube::api::DynamicObject;

use super::{DataSight, NamespaceSight, Observed, SecretSight, StartSight, names};
use crate::cache::{Held, Seen};
use crate::context::Context;
use crate::error::{Error, Step};
use crate::kind::Kind;
use crate::{export, work};

pub(super) async fn namespace(context: &Context, seen: &Observed) -> Result<NamespaceSight, Error> {
    let name = seen.namespace_name.as_str();
    // One without our label is in no cache; it may be somebody else's.
    let held = match seen.find(Kind::Namespace, name) {
        Some(held) => held.clone(),
        None => match live(context, Kind::Namespace, None, name).await? {
            Some(held) => held,
            None => return Ok(NamespaceSight::Absent),
        },
    };
    if held.deleting {
        return Ok(NamespaceSight::Terminating);
    }
    Ok(NamespaceSight::Present {
        owner: held.label(labels::INSTANCE_UID).map(str::to_owned),
        annotations: held.annotations.clone(),
    })
}

/// Makes sure, before anything of an identity is made, that the server has really not been born: an old view would make
/// it a second time. The write of the finalizer makes sure of the same.
pub(super) async fn unborn(context: &Context, seen: &Observed) -> Result<(), Error> {
    let instance = &seen.instance;
    let held = instance.finalizers().iter().any(|name| name == labels::KEEP_FINALIZER);
    let begun = seen.find(Kind::Job, names::BIRTH).is_some();
    if identity(seen).is_some() || begun || !held || instance.spec.mode == Mode::Closing {
        return Ok(());
    }
    let name = instance.name_any();
    let uid = instance.uid().unwrap_or_default();
    let live = work::live::instance(&context.client, &name, &uid).await?;
    if live.and_then(|live| live.resource_version()) == instance.resource_version() {
        return Ok(());
    }
    Err(Error {
        stale: true,
        ..Error::new(Step::Observe, format!("looking at Instance {name} before its birth"), "it has changed meanwhile")
    })
}

/// Claim and volume of a server that has been born. Before they are called missing, the API is asked: a label that
/// somebody took off hides them from the caches.
pub(super) async fn data(context: &Context, seen: &mut Observed) -> Result<(), Error> {
    let Some(identity) = identity(seen) else {
        return Ok(());
    };
    let claim = seen
        .find(Kind::PersistentVolumeClaim, names::DATA)
        .filter(|held| held.uid == identity.volume_claim_uid && !held.deleting)
        .cloned();
    let space = seen.namespace_name.clone();
    seen.claim = match claim {
        Some(held) => DataSight::Present(held),
        None => sight(live(context, Kind::PersistentVolumeClaim, Some(&space), names::DATA).await?),
    };
    let volume = seen.find(Kind::PersistentVolume, &identity.volume_name).filter(|held| !held.deleting).cloned();
    seen.volume = match volume {
        Some(held) => DataSight::Present(held),
        None => sight(live(context, Kind::PersistentVolume, None, &identity.volume_name).await?),
    };
    Ok(())
}

fn identity(seen: &Observed) -> Option<Identity> {
    seen.instance.status.as_ref()?.identity.clone()
}

fn sight(held: Option<Arc<Held>>) -> DataSight {
    held.map_or(DataSight::Missing, DataSight::Present)
}

/// Asks whether a server may be started, when it should be, its intent is public and it is not up yet. The order of the
/// two reads against the order of an export's write and read is what keeps them apart.
pub(super) async fn start(context: &Context, seen: &mut Observed) -> Result<(), Error> {
    let instance = &seen.instance;
    let Some(status) = &instance.status else {
        return Ok(());
    };
    let announced = status.conditions.iter().any(|one| one.type_ == condition::STOPPED && one.status == "False");
    let up = seen.server().is_some_and(|server| matches!(server.seen, Seen::Deployment { wanted, .. } if wanted > 0));
    if instance.spec.mode != Mode::Running || status.identity.is_none() || !announced || up {
        return Ok(());
    }
    if seen.exports.iter().any(|export| export::holds_stopped(export)) {
        return Ok(()); // known without asking
    }
    let uid = instance.uid().unwrap_or_default();
    let live = work::live::instance(&context.client, &instance.name_any(), &uid).await?;
    let still = live.and_then(|live| live.status).is_some_and(|status| {
        status.conditions.iter().any(|one| one.type_ == condition::STOPPED && one.status == "False")
    });
    if !still {
        seen.start = StartSight::Held("its status changed meanwhile".to_owned());
        return Ok(());
    }
    let exports = work::live::exports(&context.client, &uid).await?;
    let holding = exports.iter().find(|export| export::holds_stopped(export));
    seen.start = match holding {
        Some(export) => StartSight::Held(format!("Export {} copies its data", export.name_any())),
        None => StartSight::Clear,
    };
    Ok(())
}

/// The identity Secret: looked at when a birth ends, before each start, and now and then.
pub(super) async fn secret(context: &Context, seen: &mut Observed) -> Result<(), Error> {
    let delivered =
        || seen.find(Kind::Job, names::BIRTH).is_some_and(|job| matches!(job.seen, Seen::Job { complete: true, .. }));
    if identity(seen).is_none() && !delivered() {
        return Ok(());
    }
    let uid = seen.instance.uid().unwrap_or_default();
    if seen.namespace == NamespaceSight::Absent {
        // Read live. With it went the right to look at its Secrets, so that asking would prove nothing.
        context.instances.saw_secret(&uid, None);
        seen.secret = SecretSight::Missing;
        return Ok(());
    }
    let age = context.config.identity_check;
    let born_with = identity(seen).map(|identity| identity.secret_uid);
    let known = context
        .instances
        .secret(&uid, age)
        .flatten()
        .filter(|_| seen.start != StartSight::Clear)
        // Only a good sight is believed for so long: somebody may just have put it right.
        .filter(|found| born_with.as_ref().is_none_or(|born_with| found == born_with));
    seen.secret = match known {
        Some(found) => SecretSight::Present(found),
        None => secret_sight(context, &uid, &seen.namespace_name).await?,
    };
    Ok(())
}

/// The identity Secret in an instance's namespace, read live and without its content; what was seen is remembered.
///
/// # Errors
/// What the API server says, but for a refusal: that is a sight too.
pub async fn secret_sight(context: &Context, uid: &str, namespace: &str) -> Result<SecretSight, Error> {
    let api = Kind::Secret.api(context.client.clone(), Some(namespace));
    match api.get_metadata_opt(names::IDENTITY).await {
        Ok(found) => {
            let found = found.and_then(|secret| secret.metadata.uid);
            context.instances.saw_secret(uid, found.clone());
            Ok(found.map_or(SecretSight::Missing, SecretSight::Present))
        }
        Err(kube::Error::Api(status)) if status.code == 403 => Ok(SecretSight::Unreadable(status.message)),
        Err(error) => {
            let doing = format!("reading Secret {namespace}/{}", names::IDENTITY);
            Err(Error::kube(Step::Observe, doing, error))
        }
    }
}

async fn live(context: &Context, kind: Kind, namespace: Option<&str>, name: &str) -> Result<Option<Arc<Held>>, Error> {
    let api = kind.api(context.client.clone(), namespace);
    let found: Option<DynamicObject> = api.get_opt(name).await.map_err(|error| {
        let doing = match namespace {
            Some(namespace) => format!("reading {kind} {namespace}/{name}"),
            None => format!("reading {kind} {name}"),
        };
        Error::kube(Step::Observe, doing, error)
    })?;
    Ok(found.map(|object| Arc::new(Held::new(kind, object))))
}
