//! Organizations: on whose behalf servers are ordered and run.

pub mod audit;
pub mod create;
pub mod hand_over;
pub mod invitation_revoke;
pub mod invitations;
pub mod invite;
pub mod list;
pub mod member_remove;
pub mod member_update;
pub mod members;
pub mod show;
pub mod update;

use domain::id::OrganizationId;
use domain::{PersonName, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{Tagged, schema};
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
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

impl OrganizationBody {
    /// As it is now, with its version, for somebody with a role in it.
    async fn read(platform: &Platform, id: OrganizationId, role: Role) -> Result<Tagged<Self>, Problem> {
        let mut connection = platform.pool.acquire().await?;
        let found = store::organization::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
        Ok(Tagged(found.version, Self { id, name: found.name, personal: found.personal, role }))
    }
}

/// What an organization is to be called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameBody {
    /// One line of at most 100 characters.
    #[schema(example = "Birds e. V.", min_length = 1, max_length = 100)]
    name: String,
}

impl NameBody {
    fn parse(&self) -> Result<PersonName, Problem> {
        self.name.parse::<PersonName>().map_err(|error| Problem::field("name", error.code()))
    }
}

/// What somebody is to be in it.
fn role(text: &str) -> Result<Role, Problem> {
    text.parse().map_err(|_| Problem::field("role", "role-unknown"))
}
