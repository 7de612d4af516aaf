//! Organizations.

pub mod list;
pub mod show;
pub mod update;

use domain::id::OrganizationId;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Tagged;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::search::Organization;

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffOrganization)]
pub struct OrganizationBody {
    /// Its id.
    #[schema(value_type = String, example = "org_01kb0c9w40e8ar2xtk7c0h8v4f")]
    id: OrganizationId,
    /// What it is called.
    name: String,
    /// Whether it is an account's own.
    personal: bool,
    /// How many servers it may have.
    server_limit: i32,
    /// How many it has that are not closed.
    servers: i64,
    /// How many orders of it are open.
    open_orders: i64,
    /// Since when there is one.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was deleted.
    #[schema(value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
}

impl From<Organization> for OrganizationBody {
    fn from(one: Organization) -> Self {
        Self {
            id: one.id,
            name: one.name,
            personal: one.personal,
            server_limit: one.server_limit,
            servers: one.servers,
            open_orders: one.orders,
            created_at: one.created_at,
            deleted_at: one.deleted_at,
        }
    }
}

async fn read(platform: &Platform, id: OrganizationId) -> Result<Tagged<OrganizationBody>, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let found = store::search::organization(&mut connection, id).await?;
    found.map(|one| Tagged(one.version, one.into())).ok_or(Problem::new(Code::NotFound))
}
