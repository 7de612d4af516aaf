//! Servers.

pub mod hold;
pub mod list;
pub mod show;

use domain::id::{CellId, InstanceId, OrderId, OrganizationId};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::app::server::standing::{Known, facts};
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::instance::Instance;

/// A server.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffInstance)]
pub struct InstanceBody {
    /// Its id.
    #[schema(value_type = String, example = "inst_01kb0c9w40e8ar2xtk7c0h8v4f")]
    id: InstanceId,
    /// Whose it is.
    #[schema(value_type = String)]
    organization: OrganizationId,
    /// Where it lives.
    #[schema(value_type = String)]
    cell: CellId,
    /// The name of its object there.
    object_name: String,
    /// The order it came from.
    #[schema(value_type = Option<String>)]
    order: Option<OrderId>,
    /// Its public name.
    #[schema(example = "birds.example")]
    hostname: String,
    /// Which software it runs.
    flavour: String,
    /// Which version of it.
    software_version: String,
    /// How much room it has.
    size: String,
    /// What money allows.
    entitlement: &'static str,
    /// How it stands.
    #[schema(example = "up")]
    standing: &'static str,
    /// What it should be doing.
    #[schema(example = "Running")]
    mode: &'static str,
    /// What it was last seen doing.
    observed_mode: Option<&'static str>,
    /// The number of the last wish.
    revision: i64,
    /// The last wish that was carried out.
    observed_revision: Option<i64>,
    /// When it was ready for the first time.
    #[schema(value_type = Option<String>, format = DateTime)]
    ready_at: Option<Timestamp>,
    /// When its data may be destroyed, once it is closed.
    #[schema(value_type = Option<String>, format = DateTime)]
    purge_after: Option<Timestamp>,
    /// When they were.
    #[schema(value_type = Option<String>, format = DateTime)]
    purged_at: Option<Timestamp>,
    /// Since when there is a row.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl InstanceBody {
    fn of(instance: &Instance, known: &Known) -> Self {
        Self {
            id: instance.id,
            organization: instance.organization,
            cell: instance.cell,
            object_name: instance.object_name.to_string(),
            order: instance.order,
            hostname: instance.hostname.to_string(),
            flavour: instance.flavour.to_string(),
            software_version: instance.software_version.to_string(),
            size: instance.size.to_string(),
            entitlement: instance.entitlement.as_str(),
            standing: known.standing().as_str(),
            mode: known.effective.mode.as_str(),
            observed_mode: instance.observed.mode.map(domain::Mode::as_str),
            revision: instance.revision.0,
            observed_revision: instance.observed.revision.map(|revision| revision.0),
            ready_at: instance.ready_at,
            purge_after: instance.closing.map(|closing| closing.purge_after),
            purged_at: instance.purged_at,
            created_at: instance.created_at,
        }
    }
}

async fn bodies(
    platform: &Platform,
    connection: &mut PgConnection,
    instances: &[Instance],
) -> Result<Vec<InstanceBody>, Problem> {
    let known = facts(connection, instances, platform.now()).await?;
    Ok(instances.iter().zip(&known).map(|(instance, known)| InstanceBody::of(instance, known)).collect())
}

async fn read(platform: &Platform, id: InstanceId) -> Result<InstanceBody, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let instance = store::instance::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let mut bodies = bodies(platform, &mut connection, std::slice::from_ref(&instance)).await?;
    bodies.pop().ok_or(Problem::new(Code::NotFound))
}
