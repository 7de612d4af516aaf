//! One observer a cell: a lock in the database that ends with the connection that holds it. What an observer writes, it writes
//! through that connection, so that one whose lock is gone can write nothing.

use domain::id::CellId;
use sqlx::PgConnection;

use crate::platform::Platform;
use crate::store;

/// The number of a cell's lock.
fn number(cell: CellId) -> i64 {
    let (high, low) = cell.uuid().as_u64_pair();
    i64::from_ne_bytes((high ^ low).to_ne_bytes())
}

/// A connection that holds the lock of a cell; none when another has it.
pub(super) async fn take(platform: &Platform, cell: CellId) -> store::Result<Option<PgConnection>> {
    let mut connection = platform.pool.acquire().await?.detach();
    let taken = sqlx::query_scalar!("SELECT pg_try_advisory_lock($1) AS \"taken!\"", number(cell))
        .fetch_one(&mut connection)
        .await?;
    Ok(taken.then_some(connection))
}
