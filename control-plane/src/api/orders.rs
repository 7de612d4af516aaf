//! Orders: from the wish to the server.

pub mod accept;
pub mod cancel;
pub mod list;
pub mod place;
pub mod retry;
pub mod show;
pub mod update;

use domain::Right;
use domain::id::{InstanceId, OfferId, OrderId, OrganizationId};
use domain::order::Order as State;
use domain::scope::Scope;
use jiff::Timestamp;
use names::Size;
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::api::Tagged;
use crate::api::schema::{self, MoneyBody};
use crate::app::order::{may_accept, may_cancel, may_retry};
use crate::auth::caller::Caller;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::order::Order;

/// The wish for a server.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderBody {
    #[schema(value_type = schema::OrderId)]
    id: OrderId,
    #[schema(value_type = schema::OrganizationId)]
    organization: OrganizationId,
    #[schema(value_type = schema::OfferId)]
    offer: OfferId,
    #[schema(value_type = schema::Size)]
    size: Size,
    /// The server's public name.
    #[schema(example = "birds.servers.example")]
    hostname: String,
    #[schema(value_type = schema::Handle)]
    owner_handle: String,
    /// Where its owner reads mail.
    #[schema(example = "ada@birds.example")]
    owner_email: String,
    price: MoneyBody,
    /// Where it stands: `waitlisted`, `offered`, `approval`, `provisioning`, `done`, `declined`, `cancelled`, `expired`, `failed`.
    #[schema(example = "provisioning")]
    state: &'static str,
    /// Why it was declined, in our words, or a stable word for why it failed.
    reason: Option<String>,
    /// Until when it stays in this state, if nobody acts.
    until: Option<Timestamp>,
    /// Its place in the waitlist; 1 is next.
    #[schema(minimum = 1)]
    position: Option<i64>,
    /// The server it became.
    #[schema(value_type = Option<schema::InstanceId>)]
    instance: Option<InstanceId>,
    /// Whether a place is kept for it that can be taken.
    may_accept: bool,
    may_cancel: bool,
    may_retry: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl OrderBody {
    /// How it stands.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn of(platform: &Platform, connection: &mut PgConnection, order: Order) -> Result<Self, Problem> {
        let now = platform.now();
        // None when it does not wait.
        let position = store::order::position(connection, order.id).await?;
        let (may_accept, may_cancel, may_retry) = (may_accept(&order, now), may_cancel(&order), may_retry(&order, now));
        let (reason, until) = match &order.state {
            State::Offered { until, .. } | State::Approval { until } => (None, Some(*until)),
            State::Failed { reason, until } => (Some(reason.clone()), Some(*until)),
            State::Declined { reason } => (Some(reason.clone()), None),
            State::Waitlisted { .. } | State::Provisioning | State::Done | State::Cancelled | State::Expired => {
                (None, None)
            }
        };
        Ok(Self {
            id: order.id,
            organization: order.organization,
            offer: order.offer,
            size: order.size,
            hostname: order.hostname.to_string(),
            owner_handle: order.owner_handle.to_string(),
            owner_email: order.owner_email.to_string(),
            price: order.price.into(),
            state: order.state.as_str(),
            reason,
            until,
            position,
            instance: order.instance,
            may_accept,
            may_cancel,
            may_retry,
            created_at: order.created_at,
            updated_at: order.updated_at,
        })
    }

    /// How it stands now.
    async fn read(platform: &Platform, id: OrderId) -> Result<Self, Problem> {
        Self::tagged(platform, id).await.map(|Tagged(_, body)| body)
    }

    /// How it stands now, with its version.
    async fn tagged(platform: &Platform, id: OrderId) -> Result<Tagged<Self>, Problem> {
        let mut connection = platform.pool.acquire().await?;
        let order = store::order::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
        Ok(Tagged(order.version, Self::of(platform, &mut connection, order).await?))
    }
}

/// Finds an order for a caller who wants to do something with it. Somebody else's does not exist for them.
async fn find(platform: &Platform, caller: &Caller, id: OrderId, scope: Scope, right: Right) -> Result<(), Problem> {
    let mut connection = platform.pool.acquire().await?;
    let order = store::order::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    caller.demand(platform, order.organization, scope, right).map(drop)
}
