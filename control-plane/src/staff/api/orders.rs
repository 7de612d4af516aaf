//! Orders.

pub mod approve;
pub mod decline;
pub mod list;
pub mod show;

use domain::id::{AccountId, CellId, InstanceId, OfferId, OrderId, OrganizationId};
use domain::order::Order as Stands;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::order::Order;

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffOrder)]
pub struct OrderBody {
    /// Its id.
    #[schema(value_type = String, example = "ord_01kb0c9w40e8ar2xtk7c0h8v4f")]
    id: OrderId,
    /// For whom.
    #[schema(value_type = String)]
    organization: OrganizationId,
    /// Who placed it.
    #[schema(value_type = String)]
    account: AccountId,
    /// What was ordered.
    #[schema(value_type = String)]
    offer: OfferId,
    /// How large the server will be.
    size: String,
    /// Its public name.
    #[schema(example = "birds.example")]
    hostname: String,
    /// Where its owner reads mail.
    owner_email: String,
    /// The price that was confirmed.
    price: String,
    /// Where it stands.
    #[schema(example = "approval")]
    state: &'static str,
    /// Why, when it was declined or failed.
    reason: Option<String>,
    /// When it ends if nobody acts.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// The cell in which it has a place.
    #[schema(value_type = Option<String>)]
    cell: Option<CellId>,
    /// The server it became.
    #[schema(value_type = Option<String>)]
    instance: Option<InstanceId>,
    /// When it was placed.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Order> for OrderBody {
    fn from(order: Order) -> Self {
        let reason = match &order.state {
            Stands::Declined { reason } | Stands::Failed { reason, .. } => Some(reason.clone()),
            Stands::Waitlisted { .. }
            | Stands::Offered { .. }
            | Stands::Approval { .. }
            | Stands::Provisioning
            | Stands::Done
            | Stands::Cancelled
            | Stands::Expired => None,
        };
        Self {
            id: order.id,
            organization: order.organization,
            account: order.account,
            offer: order.offer,
            size: order.size.to_string(),
            hostname: order.hostname.to_string(),
            owner_email: order.owner_email.to_string(),
            price: order.price.to_string(),
            state: order.state.as_str(),
            reason,
            expires_at: order.state.expires_at(),
            cell: order.cell,
            instance: order.instance,
            created_at: order.created_at,
            updated_at: order.updated_at,
        }
    }
}

async fn read(platform: &Platform, id: OrderId) -> Result<OrderBody, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let found = store::order::find(&mut connection, id).await?;
    found.map(OrderBody::from).ok_or(Problem::new(Code::NotFound))
}
