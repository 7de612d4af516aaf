//! Which object is where.
//!
//! ```text
//! bundles/INSTANCE/EXPORT/   exactly what the bundle format names: manifest, signature, kit, parts
//! keys/INSTANCE/EXPORT.age   a bundle's own key, sealed to the platform's wrapping recipient
//! work/EXPORT/               the records by which an interrupted export goes on
//! logs/EXPORT.log            an export job's whole log
//! escrow/INSTANCE/identity.age
//! ```
//! Keys are by uid, so that a name that comes back never meets an older object. A bundle's folder holds nothing of ours, so
//! that a listing of it can be verified as it is.

/// The folder of all bundles of an instance, ending in `/`.
#[must_use]
pub fn bundles(instance_uid: &str) -> String {
    format!("bundles/{instance_uid}/")
}

/// The folder of one bundle, ending in `/`.
#[must_use]
pub fn bundle(instance_uid: &str, export_uid: &str) -> String {
    format!("bundles/{instance_uid}/{export_uid}/")
}

/// A bundle's own key, sealed. Whoever destroys it destroys the bundle.
#[must_use]
pub fn bundle_key(instance_uid: &str, export_uid: &str) -> String {
    format!("keys/{instance_uid}/{export_uid}.age")
}

/// The folder of an export's records, ending in `/`.
#[must_use]
pub fn work(export_uid: &str) -> String {
    format!("work/{export_uid}/")
}

/// What an export is to write; fixed by its first try.
#[must_use]
pub fn work_order(export_uid: &str) -> String {
    format!("work/{export_uid}/order.json")
}

/// The record of one finished segment.
#[must_use]
pub fn work_segment(export_uid: &str, index: usize) -> String {
    format!("work/{export_uid}/segments/{index:06}.json")
}

/// The folder of the records of finished segments, ending in `/`.
#[must_use]
pub fn work_segments(export_uid: &str) -> String {
    format!("work/{export_uid}/segments/")
}

/// That a pod has begun to write. More than one means that parts may come from different pods.
#[must_use]
pub fn work_writer(export_uid: &str, pod_uid: &str) -> String {
    format!("work/{export_uid}/writers/{pod_uid}")
}

/// The folder of [`work_writer`], ending in `/`.
#[must_use]
pub fn work_writers(export_uid: &str) -> String {
    format!("work/{export_uid}/writers/")
}

/// What the job says at its end.
#[must_use]
pub fn work_finish(export_uid: &str) -> String {
    format!("work/{export_uid}/finish.json")
}

/// The job's whole log.
#[must_use]
pub fn log(export_uid: &str) -> String {
    format!("logs/{export_uid}.log")
}

/// What was put in escrow at an instance's birth.
#[must_use]
pub fn escrow(instance_uid: &str) -> String {
    format!("escrow/{instance_uid}/identity.age")
}
