//! What is wrong with what was sent, collected so that all of it is said at once.

use super::{Code, Field, Problem};

/// Collects what is wrong with what was sent.
#[derive(Debug, Default)]
pub struct Check {
    fields: Vec<Field>,
}

impl Check {
    /// Keeps a value, or notes what is wrong with it.
    pub fn take<T>(&mut self, name: &'static str, value: Result<T, &'static str>) -> Option<T> {
        value.map_err(|code| self.fields.push(Field { name: name.into(), code })).ok()
    }

    /// Whether nothing was wrong so far.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.fields.is_empty()
    }

    /// Everything that was wrong, as one problem.
    #[must_use]
    pub fn problem(self) -> Problem {
        Problem { fields: self.fields, ..Problem::new(Code::Invalid) }
    }
}
