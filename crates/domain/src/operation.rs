//! Operations: what is being done, how far it is, and what becomes of it when something goes wrong.

mod kind;
mod state;

pub use kind::{Dependency, Kind, Step, Subject};
pub use state::{Operation, OperationError, State};

use names::Revision;

/// Whether what was asked for has been seen done: the cell has reached the wish's number, or a later one that contains
/// it.
#[must_use]
pub fn is_reached(wanted: Revision, observed: Option<Revision>) -> bool {
    observed.is_some_and(|observed| observed >= wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_wish_contains_an_earlier_one() {
        assert!(!is_reached(Revision(3), None));
        assert!(!is_reached(Revision(3), Some(Revision(2))));
        assert!(is_reached(Revision(3), Some(Revision(3))));
        assert!(is_reached(Revision(3), Some(Revision(4))));
    }
}
