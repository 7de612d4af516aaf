//! In which order a source is walked, and what of it is not taken.

use crate::format::{PathError, RelPath};

/// The order of a flavour. What it does not name comes in between, sorted by the bytes of the names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    first: Vec<RelPath>,
    last: Vec<RelPath>,
    skip: Vec<RelPath>,
}

/// The order contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Not a path.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Groups are made of names at the top of the source.
    #[error("`{0}` is not at the top of the source: only names at the top can be put first or last")]
    NotTop(RelPath),
    /// Named in two places.
    #[error("`{0}` is named twice")]
    Twice(RelPath),
}

/// Where a name at the top belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    First(usize),
    Middle,
    Last(usize),
}

impl Order {
    /// An order that puts `first` at the beginning and `last` at the end, each as listed, and leaves out `skip`.
    ///
    /// `first` and `last` are names at the top of the source. `skip` may be paths at any depth: a skipped file is left out,
    /// a skipped folder stays as an empty folder, because programs expect their `tmp` to be there.
    ///
    /// # Errors
    /// When a name is no path, stands twice, or a group's name is not at the top.
    pub fn new(first: &[&str], last: &[&str], skip: &[&str]) -> Result<Self, OrderError> {
        let parse =
            |names: &[&str]| names.iter().map(|name| RelPath::parse(name.as_bytes())).collect::<Result<Vec<_>, _>>();
        let order = Self { first: parse(first)?, last: parse(last)?, skip: parse(skip)? };
        let groups = order.first.iter().chain(&order.last);
        if let Some(deep) = groups.clone().find(|path| path.depth() > 1) {
            return Err(OrderError::NotTop(deep.clone()));
        }
        let mut all: Vec<_> = groups.chain(&order.skip).collect();
        all.sort_unstable();
        if let Some(pair) = all.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(OrderError::Twice(pair[0].clone()));
        }
        Ok(order)
    }

    pub(super) fn group(&self, path: &RelPath) -> Group {
        let place = |names: &[RelPath]| names.iter().position(|name| name == path);
        match (place(&self.first), place(&self.last)) {
            (Some(place), _) => Group::First(place),
            (None, Some(place)) => Group::Last(place),
            (None, None) => Group::Middle,
        }
    }

    pub(super) fn skips(&self, path: &RelPath) -> bool {
        self.skip.contains(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_refused() {
        assert!(matches!(Order::new(&["a"], &["a"], &[]), Err(OrderError::Twice(_))));
        assert!(matches!(Order::new(&["a"], &[], &["a"]), Err(OrderError::Twice(_))));
        assert!(matches!(Order::new(&["a/b"], &[], &[]), Err(OrderError::NotTop(_))));
        assert!(matches!(Order::new(&["../a"], &[], &[]), Err(OrderError::Path(_))));
    }

    #[test]
    fn groups_keep_the_order_they_are_listed_in() {
        let order = Order::new(&["z", "b"], &["a", "y"], &[]).unwrap();
        let mut names: Vec<_> = ["a", "b", "c", "x", "y", "z"].map(|n| RelPath::parse(n.as_bytes()).unwrap()).to_vec();
        names.sort_by_key(|name| (order.group(name), name.clone()));
        assert_eq!(names.iter().map(ToString::to_string).collect::<String>(), "zbcxay");
    }
}
