//! What each kind of operation does. All of them read everything anew on each run, so that a run that was cut off anywhere is
//! simply done again; what that means for each is said to staff beside it (`operation-repeat-…` in the texts).

pub mod account_change;
pub mod apply;
pub mod close;
pub mod create;
pub mod export;
mod final_export;

use domain::operation::Kind;

use super::{Done, Run, Stop};

/// Carries out the next part of an operation.
///
/// # Errors
/// Why it is not done yet, or never will be.
pub async fn run(run: &mut Run<'_>) -> Result<Done, Stop> {
    match run.operation.course.kind {
        Kind::CreateInstance => create::run(run).await,
        Kind::ApplyInstance | Kind::ReopenInstance => apply::run(run).await,
        Kind::Export => export::run(run).await,
        Kind::AccountChange => account_change::run(run).await,
        Kind::CloseInstance => close::run(run).await,
    }
}
