//! Holds.

pub mod lift;
pub mod list;
pub mod show;
pub mod update;

use domain::HoldKind;
use domain::id::{HoldId, InstanceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Tagged;
use crate::app::server::hold::Wish;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::staff::prose::prose;
use crate::store;
use crate::store::hold::Entry;

/// A hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffHold)]
pub struct HoldBody {
    /// Its id.
    #[schema(value_type = String, example = "hld_01kb0c9w40e8ar2xtk7c0h8v4f")]
    id: HoldId,
    /// The server.
    #[schema(value_type = String)]
    instance: InstanceId,
    /// Its public name.
    hostname: String,
    /// Why, as a kind.
    #[schema(example = "staff")]
    kind: &'static str,
    /// Why, for the owner to read.
    reason: String,
    /// Who placed it.
    placed_by: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// When it ends by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Whether it is in force.
    in_force: bool,
    /// When it was lifted.
    #[schema(value_type = Option<String>, format = DateTime)]
    lifted_at: Option<Timestamp>,
    /// Who lifted it.
    lifted_by: Option<String>,
}

impl HoldBody {
    fn of(entry: Entry, now: Timestamp) -> Self {
        Self {
            id: entry.hold.id,
            instance: entry.instance,
            hostname: entry.hostname,
            kind: entry.hold.kind.as_str(),
            in_force: entry.hold.is_in_force(now),
            reason: entry.hold.reason,
            placed_by: entry.placed_by,
            since: entry.hold.since,
            until: entry.hold.until,
            lifted_at: entry.hold.lifted_at,
            lifted_by: entry.lifted_by,
        }
    }
}

/// A hold that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WishBody {
    /// Why, as a kind: `staff`, `legal` or `capacity`.
    #[schema(example = "staff")]
    kind: String,
    /// Why, for the owner to read.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
    /// When it ends by itself.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

impl WishBody {
    pub(super) fn wish(&self) -> Result<Wish, Problem> {
        let kind: HoldKind = self.kind.parse().map_err(|_| Problem::field("kind", "hold-kind"))?;
        Ok(Wish { kind, reason: prose("reason", &self.reason)?, until: self.until })
    }
}

pub(super) async fn read(platform: &Platform, id: HoldId) -> Result<Tagged<HoldBody>, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let found = store::hold::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    Ok(Tagged(found.version, HoldBody::of(found, platform.now())))
}
