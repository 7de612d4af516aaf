//! How many servers an organization may have, as we allow it.

use domain::Topic;
use domain::audit::Action;
use domain::id::OrganizationId;
use serde_json::json;

use crate::actor::Actor;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::audit::Entry;
use crate::store::outbox::About;

/// The most that can be allowed.
pub const MOST: u32 = 10_000;

/// Changes it, if nobody was faster: `version` is that of the organization as it was seen. Servers that are there stay.
///
/// # Errors
/// `not-found`; `stale`; `invalid` when it is more than can be.
pub async fn set(
    platform: &Platform,
    actor: &Actor,
    id: OrganizationId,
    version: i64,
    limit: u32,
) -> Result<(), Problem> {
    let limit = i32::try_from(limit).ok().filter(|limit| limit.unsigned_abs() <= MOST);
    let limit = limit.ok_or(Problem::field("limit", "server-limit"))?;
    let mut tx = platform.begin().await?;
    let found = store::search::organization(&mut tx, id).await?;
    let before = found.filter(|one| one.deleted_at.is_none()).ok_or(Problem::new(Code::NotFound))?;
    if !store::search::set_server_limit(&mut tx, id, version, limit).await? {
        return Err(Problem::new(Code::Stale));
    }
    let about = About { organization: Some(id), ..About::default() };
    store::outbox::write(&mut tx, platform.now(), Topic::Organization, about, json!({ "limit": limit })).await?;
    let detail = json!({ "before": before.server_limit, "after": limit });
    let entry = Entry { organization: Some(id), detail, ..Entry::default() };
    store::audit::write(&mut tx, platform.now(), actor, Action::OrganizationLimit, entry).await?;
    Ok(tx.commit().await?)
}
