//! Organizations: on whose behalf servers are ordered and run.

pub mod audit;
pub mod list;
pub mod members;
pub mod show;

use domain::Role;
use domain::id::OrganizationId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::schema;
use crate::store::organization::Membership;

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationBody {
    #[schema(value_type = schema::OrganizationId)]
    id: OrganizationId,
    /// What it is called.
    #[schema(example = "Birds e. V.")]
    name: String,
    /// Whether it is somebody's own and nobody else can be in it.
    personal: bool,
    /// What the caller is in it.
    #[schema(value_type = schema::Role)]
    role: Role,
}

impl From<&Membership> for OrganizationBody {
    fn from(membership: &Membership) -> Self {
        let Membership { organization, name, personal, role } = membership;
        Self { id: *organization, name: name.clone(), personal: *personal, role: *role }
    }
}
