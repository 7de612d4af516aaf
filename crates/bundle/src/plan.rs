//! Which files go into which segment, decided from names and metadata alone.
//!
//! The same folder gives the same plan each time: a job that was killed walks again, compares each segment's digest with
//! the record of the earlier run, and writes only what is missing or has changed.

mod links;
mod order;
mod segment;
mod walk;

pub use order::{Order, OrderError};
pub use segment::{PlannedEntry, PlannedSegment, Stamp};
pub use walk::{Sizes, Walk, WalkError};
