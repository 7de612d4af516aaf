//! Texts of ours that people will read, as forms and programs send them.

use domain::person::{Prose, TextError};

use crate::error::Problem;

/// A text that people will read.
///
/// # Errors
/// `invalid`, with the field.
pub fn prose<const MAX: usize>(name: &'static str, text: &str) -> Result<Prose<MAX>, Problem> {
    text.parse().map_err(|error: TextError| Problem::field(name, error.text_code()))
}
