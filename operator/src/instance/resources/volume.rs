//! The server's data: its claim and the volume behind it, and the identity Secret. None of them is ever deleted, and
//! none is made a second time.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Wish, disk, object};
use crate::apply::Object;
use crate::instance::observe::names;
use crate::kind::Kind;

/// What is known of the claim as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Existing {
    /// Its class, which cannot change.
    pub storage_class: Option<String>,
    /// How much it asked for.
    pub request: Option<String>,
    /// Whether its class lets it grow.
    pub grows: bool,
}

/// The claim of the server's data. With a uid only that very claim is written to: it is never made anew.
#[must_use]
pub fn claim(wish: &Wish, existing: Option<&Existing>, uid: Option<&str>) -> Object {
    let wanted = (wish.software.room)(wish.size).disk;
    let request = match existing {
        Some(Existing { request: Some(request), grows, .. }) => {
            let now = request.strip_suffix("Gi").and_then(|n| n.parse::<u32>().ok());
            match now {
                Some(now) if *grows && now < wanted => disk(wanted),
                Some(_) | None => request.clone(),
            }
        }
        Some(_) | None => disk(wanted),
    };
    let class = existing.and_then(|existing| existing.storage_class.as_ref()).unwrap_or(&wish.cell.storage_class);
    let rest = json!({ "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": class,
        "resources": { "requests": { "storage": request } },
    }});
    Object { uid: uid.map(str::to_owned), ..object(wish, Kind::PersistentVolumeClaim, names::DATA, rest) }
}

/// The volume: only that it outlives its claim, and whose it is.
#[must_use]
pub fn volume(wish: &Wish, name: &str, uid: Option<&str>) -> Object {
    let rest = json!({ "spec": { "persistentVolumeReclaimPolicy": "Retain" } });
    Object { uid: uid.map(str::to_owned), ..object(wish, Kind::PersistentVolume, name, rest) }
}

/// The identity Secret: made once, never changed. `birth_id` proves that a volume is this server's.
#[must_use]
pub fn secret(wish: &Wish, birth_id: &str) -> Object {
    let data: BTreeMap<&str, &str> = BTreeMap::from([("birth-id", birth_id)]);
    let rest = json!({ "immutable": true, "type": "Opaque", "stringData": data });
    object(wish, Kind::Secret, names::IDENTITY, rest)
}

/// Certificates that the server's programs trust.
#[must_use]
pub fn trust(wish: &Wish, bundle: &str) -> Object {
    let rest = json!({ "data": { "ca-certificates.crt": bundle } });
    object(wish, Kind::ConfigMap, names::TRUST, rest)
}
