//! Taking an operation up.

use domain::operation::State;
use jiff::SignedDuration;

use super::run::ended;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;
use crate::store::operation::{self, Lane, Operation};

/// An operation that this worker has.
#[derive(Debug)]
pub struct Claimed {
    /// The operation, running.
    pub operation: Operation,
    /// Whose share of the workers it takes a place of.
    pub lane: Lane,
}

/// The lease as a span of the database's time.
#[must_use]
pub fn lease(platform: &Platform) -> SignedDuration {
    SignedDuration::try_from(platform.config.lease).unwrap_or(SignedDuration::from_secs(60))
}

/// What came of looking for something to do.
#[derive(Debug)]
pub enum Look {
    /// There is something.
    Claimed(Box<Claimed>),
    /// There may be more: look again at once.
    Again,
    /// There is nothing.
    Nothing,
}

/// Takes the next operation up that no other worker has and whose lane has a place. One that has killed its workers too often
/// is given up.
///
/// # Errors
/// When the database refuses.
pub async fn claim(platform: &Platform, full: &[Lane]) -> Result<Look, Problem> {
    let now = platform.now();
    let mut tx = platform.begin().await?;
    let Some((mut operation, lane)) = operation::candidate(&mut tx, full, now).await? else {
        return Ok(Look::Nothing);
    };
    let (fence, id) = (operation.course.fence, operation.id);
    let was_running = matches!(operation.course.state, State::Running { .. });
    let claimed = operation.course.clone().claim(now, lease(platform));
    operation.course = claimed.map_err(|error| store::Error::corrupt("operations", id, error))?;
    if was_running {
        tracing::warn!(operation = %id, attempt = operation.course.attempt, "taken over from a worker that fell silent");
        operation.note(now, "worker-lost", "");
    }
    let given_up = operation.course.state.is_final();
    match operation::save(&mut tx, &operation, fence, now).await {
        Ok(true) => {}
        Ok(false) => return Ok(Look::Again),
        // Another worker began one with the same key since we looked.
        Err(error) if error.constraint() == Some("operations_running") => return Ok(Look::Again),
        Err(error) => return Err(error.into()),
    }
    if given_up {
        ended(platform, &mut tx, &operation, now).await?;
    }
    tx.commit().await?;
    Ok(if given_up { Look::Again } else { Look::Claimed(Box::new(Claimed { operation, lane })) })
}
