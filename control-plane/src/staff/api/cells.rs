//! Cells.

pub mod add;
pub mod list;
pub mod open;
pub mod room;
pub mod show;

use domain::id::CellId;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Tagged;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::cell::{Cell, Refused, Room};

/// A cell.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffCell)]
pub struct CellBody {
    /// Its id.
    #[schema(value_type = String, example = "cel_01kb0c9w40e8ar2xtk7c0h8v4f")]
    id: CellId,
    /// Its name.
    name: String,
    /// The zone whose names servers in it get.
    zone: String,
    /// Which cluster it was at first contact.
    cluster_uid: Option<String>,
    /// Whether new servers are placed there.
    open: bool,
    /// Since when it has not been reached.
    #[schema(value_type = Option<String>, format = DateTime)]
    unreachable_since: Option<Timestamp>,
    /// Why nothing is written to it: `wrong-cluster` or `database-behind`.
    refused: Option<&'static str>,
    /// The same as a sentence.
    refused_message: Option<String>,
    /// Why nothing is destroyed in it.
    breaker: Option<String>,
    /// When it was last heard of something new.
    #[schema(value_type = Option<String>, format = DateTime)]
    seen_at: Option<Timestamp>,
    /// How much room it has for each size.
    room: Vec<RoomBody>,
}

/// Room for servers of one size.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffRoom)]
pub struct RoomBody {
    /// The size.
    size: String,
    /// How many count as fitting; none without a limit.
    places: Option<i32>,
    /// How many are taken.
    taken: i32,
    /// How many fit, as the cell says; none when it sets no limit or was not seen yet.
    said: Option<i32>,
    /// As many as staff grant, whatever the cell says.
    granted: Option<i32>,
}

impl From<&Room> for RoomBody {
    fn from(room: &Room) -> Self {
        let limited = |places: i32| (places < store::cell::UNLIMITED).then_some(places);
        Self {
            size: room.size.to_string(),
            places: limited(room.places),
            taken: room.taken,
            said: room.said.and_then(limited),
            granted: room.granted,
        }
    }
}

impl CellBody {
    fn of(cell: Cell, rooms: &[Room]) -> Self {
        let (refused, refused_message) = cell.refused.unzip();
        Self {
            room: rooms.iter().filter(|room| room.cell == cell.id).map(RoomBody::from).collect(),
            id: cell.id,
            name: cell.name,
            zone: cell.zone.to_string(),
            cluster_uid: cell.cluster_uid,
            open: cell.open,
            unreachable_since: cell.unreachable_since,
            refused: refused.map(Refused::as_str),
            refused_message,
            breaker: cell.breaker,
            seen_at: cell.seen_at,
        }
    }
}

async fn read(platform: &Platform, id: CellId) -> Result<Tagged<CellBody>, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let rooms = store::cell::rooms(&mut connection).await?;
    let cell = store::cell::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    Ok(Tagged(cell.version, CellBody::of(cell, &rooms)))
}
