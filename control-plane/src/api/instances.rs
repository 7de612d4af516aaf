//! Servers.

pub mod close;
pub mod list;
pub mod owner_claim;
pub mod owner_reset;
pub mod pause;
pub mod reopen;
pub mod resume;
pub mod show;
pub mod update;

use domain::id::{InstanceId, OfferId, OrderId, OrganizationId};
use domain::scope::Scope;
use domain::standing::{Tone, WayOut};
use domain::{Hold, HoldKind, Mode, Right};
use jiff::Timestamp;
use names::{Flavour, Size};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::schema;
use crate::app::server::standing::Known;
use crate::auth::caller::Caller;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::instance::Instance;

/// A server.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstanceBody {
    #[schema(value_type = schema::InstanceId)]
    id: InstanceId,
    #[schema(value_type = schema::OrganizationId)]
    organization: OrganizationId,
    /// What was ordered.
    #[schema(value_type = schema::OfferId)]
    offer: OfferId,
    /// The order it came from; none for one that was here before there were orders.
    #[schema(value_type = Option<schema::OrderId>)]
    order: Option<OrderId>,
    /// Its public name.
    #[schema(example = "birds.servers.example")]
    hostname: String,
    /// Where people open it; none before it was seen.
    #[schema(example = "https://birds.servers.example")]
    address: Option<String>,
    #[schema(value_type = schema::Flavour)]
    flavour: Flavour,
    /// Which version of the software it runs.
    #[schema(example = "2.75")]
    software_version: String,
    #[schema(value_type = schema::Size)]
    size: Size,
    /// The account of its owner there.
    #[schema(value_type = schema::Handle)]
    owner_handle: String,
    /// The title that visitors read, as far as it was set from here.
    title: Option<String>,
    /// A sentence or two about it, as far as they were set from here.
    description: Option<String>,
    /// Where visitors can write to, as far as that was set from here.
    contact_email: Option<String>,
    /// The age recipient to which bundles are encrypted; without one each has a key of its own.
    export_recipient: Option<String>,
    standing: StandingBody,
    /// What it should be doing: the most restrictive of what money, holds and closing want.
    #[schema(value_type = schema::Mode)]
    mode: Mode,
    /// Why it is held.
    holds: Vec<HoldBody>,
    closing: Option<ClosingBody>,
    /// Whether it answers inside; none before it was seen.
    serving: Option<bool>,
    /// Whether it answers at its public name; none before it was seen.
    reachable: Option<bool>,
    /// When the newest complete bundle was made.
    last_bundle_at: Option<Timestamp>,
    /// When it was ready for the first time.
    ready_at: Option<Timestamp>,
    created_at: Timestamp,
    /// When its data were destroyed.
    purged_at: Option<Timestamp>,
}

/// How a server stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct StandingBody {
    /// A stable word: `up`, `paused`, `setting-up` … New ones may come; treat an unknown one by its tone.
    #[schema(example = "up")]
    word: &'static str,
    #[schema(value_type = schema::Tone)]
    tone: Tone,
    #[schema(value_type = schema::WayOut)]
    way_out: WayOut,
}

/// A reason why a server stands still.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldBody {
    #[schema(value_type = schema::HoldKind)]
    kind: HoldKind,
    /// Why, in the words of who placed it.
    reason: String,
    since: Timestamp,
    /// When it ends by itself.
    until: Option<Timestamp>,
}

/// The closing of a server.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClosingBody {
    /// Since when it is closed.
    at: Timestamp,
    /// Until then that can be taken back; afterwards its data may be destroyed.
    undo_until: Timestamp,
}

impl From<&Hold> for HoldBody {
    fn from(hold: &Hold) -> Self {
        Self { kind: hold.kind, reason: hold.reason.clone(), since: hold.since, until: hold.until }
    }
}

impl InstanceBody {
    /// A server and how it stands.
    #[must_use]
    pub fn of(instance: Instance, known: &Known) -> Self {
        let standing = known.standing();
        let (tone, way_out) = standing.meaning();
        let observed = &instance.observed;
        let is = |condition: &str| match observed.condition(condition)?.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        };
        Self {
            serving: is(crd::condition::SERVING),
            reachable: is(crd::condition::REACHABLE),
            standing: StandingBody { word: standing.as_str(), tone, way_out },
            mode: known.effective.mode,
            holds: known.holds.iter().map(HoldBody::from).collect(),
            closing: instance.closing.map(|closing| ClosingBody { at: closing.at, undo_until: closing.purge_after }),
            address: observed.address.clone(),
            last_bundle_at: observed.last_export.as_ref().map(|(_, at)| *at),
            id: instance.id,
            organization: instance.organization,
            offer: instance.offer,
            order: instance.order,
            hostname: instance.hostname.to_string(),
            flavour: instance.flavour,
            software_version: instance.software_version.to_string(),
            size: instance.size,
            owner_handle: instance.owner_handle.to_string(),
            title: instance.title,
            description: instance.description,
            contact_email: instance.contact_email.map(|email| email.to_string()),
            export_recipient: instance.export_recipient,
            ready_at: instance.ready_at,
            created_at: instance.created_at,
            purged_at: instance.purged_at,
        }
    }
}

/// Finds a server for a caller who wants to do something with it. Somebody else's does not exist for them. One whose data were
/// destroyed does: its bundle is there for a while longer.
pub(super) async fn find(
    platform: &Platform,
    caller: &Caller,
    id: InstanceId,
    scope: Scope,
    right: Right,
) -> Result<Instance, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let instance = store::instance::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    caller.demand(platform, instance.organization, scope, right)?;
    Ok(instance)
}
