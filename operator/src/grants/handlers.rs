//! The five requests.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use bundle::format::{Manifest, ObjectName, PartRecord, SegmentRecord};
use bytes::Bytes;
use uuid::Uuid;

use super::gate::{Visitor, admit};
use super::refusal::Refusal;
use super::wire::{Finish, Order, PartRequest, SegmentDone, Task};
use crate::context::Context;
use crate::store::{self, Grant, layout};
use crate::work::Work as _;

type Answer<T> = Result<Json<T>, Refusal>;
type Shared = State<Arc<Context>>;

/// How long a grant is good: long enough to put 8 MiB over a bad line.
const GRANT: Duration = Duration::from_secs(15 * 60);
/// The longest record of a segment: one file of 1 TiB has 131,072 parts.
pub(crate) const LONGEST_RECORD: u64 = 32 << 20;
/// A log that is longer is cut at its beginning.
const LONGEST_LOG: usize = 1 << 20;

/// What to write, and what is there already.
pub(super) async fn task(State(context): Shared, Path(uid): Path<Uuid>, headers: HeaderMap) -> Answer<Task> {
    let visitor = enter(&context, &headers, uid).await?;
    let (store, uid) = (context.store.as_ref(), uid.to_string());
    let order = store::read(store, &layout::work_order(&uid), LONGEST_RECORD).await?;
    let order = order.ok_or_else(|| Refusal::early("the export's order is not written yet"))?;
    let order: Order =
        serde_json::from_slice(&order).map_err(|e| Refusal::wrong(format!("the export's order is damaged: {e}")))?;
    // Two pods may have written parts of the same segment; then every part is read again before the bundle is signed.
    store.put(&layout::work_writer(&uid, &visitor.pod_uid), Bytes::new()).await?;
    let mut done = Vec::new();
    for found in store.list(&layout::work_segments(&uid)).await? {
        let record = store::read(store, &found.key, LONGEST_RECORD).await?.unwrap_or_default();
        // A record that cannot be read costs a segment's work, no more.
        done.extend(serde_json::from_slice::<SegmentDone>(&record).ok().map(|done| done.record));
    }
    let finished = store.head(&layout::work_finish(&uid)).await?.is_some();
    Ok(Json(Task { order, done, finished }))
}

/// A grant for one part.
pub(super) async fn part(
    State(context): Shared,
    Path(uid): Path<Uuid>,
    headers: HeaderMap,
    Json(part): Json<PartRequest>,
) -> Answer<Grant> {
    let visitor = enter(&context, &headers, uid).await?;
    check_part(&part)?;
    let prefix = layout::bundle(visitor.export.instance_uid(), &uid.to_string());
    let key = format!("{prefix}{}", part.name);
    let grant = context.store.presign_put(&key, *part.sha256.as_bytes(), GRANT).await?;
    tracing::debug!(export = %uid, pod = visitor.pod_uid, part = %part.name, "granted");
    Ok(Json(grant))
}

/// Keeps the record of a finished segment.
pub(super) async fn segment(
    State(context): Shared,
    Path(uid): Path<Uuid>,
    headers: HeaderMap,
    Json(done): Json<SegmentDone>,
) -> Answer<()> {
    enter(&context, &headers, uid).await?;
    let index = segment_index(&done.record)?;
    let text = serde_json::to_vec(&done).map_err(|e| Refusal::wrong(e.to_string()))?;
    context.store.put(&layout::work_segment(&uid.to_string(), index), text.into()).await?;
    tracing::info!(export = %uid, segment = index, done = done.done_bytes, total = done.total_bytes, "segment stored");
    Ok(Json(()))
}

/// Keeps what the job says at its end. The first that says so counts.
pub(super) async fn finish(
    State(context): Shared,
    Path(uid): Path<Uuid>,
    headers: HeaderMap,
    Json(finish): Json<Finish>,
) -> Answer<()> {
    enter(&context, &headers, uid).await?;
    check_finish(&finish)?;
    let text = serde_json::to_vec(&finish).map_err(|e| Refusal::wrong(e.to_string()))?;
    let put = context.store.put_if_absent(&layout::work_finish(&uid.to_string()), text.into()).await?;
    tracing::info!(export = %uid, segments = finish.segments.len(), ?put, "copy finished");
    Ok(Json(()))
}

/// Adds to the export's log.
pub(super) async fn log(
    State(context): Shared,
    Path(uid): Path<Uuid>,
    headers: HeaderMap,
    Json(text): Json<String>,
) -> Answer<()> {
    let visitor = enter(&context, &headers, uid).await?;
    let key = layout::log(&uid.to_string());
    let before = store::read(context.store.as_ref(), &key, 2 * LONGEST_LOG as u64).await?.unwrap_or_default();
    let pod: String = visitor.pod_uid.chars().take(8).collect();
    let mut all = before.to_vec();
    for line in text.lines() {
        all.extend_from_slice(format!("{pod} {line}\n").as_bytes());
    }
    let cut = all.len().saturating_sub(LONGEST_LOG);
    context.store.put(&key, Bytes::from(all).slice(cut..)).await?;
    Ok(Json(()))
}

async fn enter(context: &Context, headers: &HeaderMap, uid: Uuid) -> Result<Visitor, Refusal> {
    let visitor = admit(context, headers, uid).await.inspect_err(|refusal| {
        tracing::info!(export = %uid, status = refusal.status.as_u16(), reason = refusal.message, "refused");
    })?;
    if let Some(cell) = context.caches.cell() {
        context.store.configure(&cell.spec.object_store, cell.spec.trust_bundle.as_deref())?;
    }
    Ok(visitor)
}

fn check_part(part: &PartRequest) -> Result<(), Refusal> {
    if part.size == 0 || part.size > PartRecord::MAX {
        return Err(Refusal::wrong(format!("a part has 1 to {} bytes, not {}", PartRecord::MAX, part.size)));
    }
    let numbers = part.name.as_str().strip_prefix("segment-").and_then(|rest| rest.strip_suffix(".tar.gz.age"));
    let numbers = numbers.and_then(|rest| rest.split_once("/part-"));
    let named = numbers.and_then(|(segment, number)| Some((segment.parse().ok()?, number.parse().ok()?)));
    match named {
        // The same name again: no leading zeros or signs beyond the format's own.
        Some((segment, number))
            if ObjectName::part(segment, number) == part.name
                && segment < Manifest::MAX_SEGMENTS
                && number < Manifest::MAX_PARTS =>
        {
            Ok(())
        }
        Some(_) | None => Err(Refusal::wrong("this is not the name of a part")),
    }
}

fn segment_index(record: &SegmentRecord) -> Result<usize, Refusal> {
    let index = record.name.as_str().strip_prefix("segment-").and_then(|rest| rest.parse().ok());
    let index = index
        .filter(|index| *index < Manifest::MAX_SEGMENTS)
        .ok_or_else(|| Refusal::wrong("this is not the name of a segment"))?;
    record.check(index).map_err(|e| Refusal::wrong(e.to_string()))?;
    Ok(index)
}

fn check_finish(finish: &Finish) -> Result<(), Refusal> {
    if finish.segments.len() > Manifest::MAX_SEGMENTS || finish.warnings.len() > 10_000 {
        return Err(Refusal::wrong("too many segments or warnings"));
    }
    for (index, segment) in finish.segments.iter().enumerate() {
        segment.check(index).map_err(|e| Refusal::wrong(e.to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bundle::format::Digest;

    use super::*;

    #[test]
    fn only_names_of_parts() {
        let check = |name: &str, size| {
            check_part(&PartRequest { name: ObjectName::parse(name).unwrap(), size, sha256: Digest::of("") }).is_ok()
        };
        assert!(check("segment-0000/part-0000.tar.gz.age", 1));
        assert!(check("segment-65535/part-131000.tar.gz.age", PartRecord::MAX));
        for name in [
            "manifest.json",
            "manifest.sig",
            "restore.sh",
            "segment-0000",
            "segment-0/part-0.tar.gz.age",
            "segment-00000/part-0000.tar.gz.age",
            "segment-99999/part-0000.tar.gz.age",
            "segment-0000/part-0000.tar.gz.age/x",
            "x/segment-0000/part-0000.tar.gz.age",
        ] {
            assert!(!check(name, 1), "{name}");
        }
        assert!(!check("segment-0000/part-0000.tar.gz.age", 0));
        assert!(!check("segment-0000/part-0000.tar.gz.age", PartRecord::MAX + 1));
    }
}
