//! Ordering a server, and what becomes of an order.

pub mod accept;
pub mod cancel;
pub mod email;
pub mod live;
pub mod place;
pub mod retry;
pub mod show;

use domain::Right;
use domain::id::OrderId;

use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::order::Order;

/// Finds an order for somebody who wants to do something with it. Somebody else's does not exist for them.
async fn find(platform: &Platform, signed: &Signed, id: &str, right: Right) -> Result<Order, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id: OrderId = id.parse().map_err(|_| missing())?;
    let mut connection = platform.pool.acquire().await?;
    let order = store::order::find(&mut connection, id).await?.ok_or_else(missing)?;
    signed.demand(platform, order.organization, right)?;
    Ok(order)
}
