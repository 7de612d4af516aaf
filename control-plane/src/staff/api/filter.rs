//! What a list is narrowed down by.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{Code, Problem};

/// How lists are paged.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paged {
    /// How many things the page has; 25 without it
    #[param(minimum = 1, maximum = 100, required = false)]
    #[expect(dead_code, reason = "described here, read by `Cursor`")]
    limit: u16,
    /// The id of the last thing of the page before
    #[param(required = false)]
    #[expect(dead_code, reason = "described here, read by `Cursor`")]
    starting_after: String,
}

/// What a list is narrowed down by.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    state: Option<String>,
    q: Option<String>,
    cell: Option<String>,
}

impl Filter {
    /// The state that is wanted.
    ///
    /// # Errors
    /// `invalid` when there is no such state.
    pub fn state(&self, states: &[&str]) -> Result<Option<&str>, Problem> {
        match self.state.as_deref() {
            Some(state) if !states.contains(&state) => Err(Problem::field("state", "state-unknown")),
            other => Ok(other),
        }
    }

    /// The text that is looked for.
    ///
    /// # Errors
    /// `invalid` when it cannot be in anything of ours.
    pub fn text(&self) -> Result<Option<&str>, Problem> {
        plain("q", self.q.as_deref())
    }

    /// The cell that is wanted.
    ///
    /// # Errors
    /// `invalid` when no cell can be called so.
    pub fn cell(&self) -> Result<Option<&str>, Problem> {
        plain("cell", self.cell.as_deref())
    }
}

/// A text of the query as the database takes it.
///
/// # Errors
/// `invalid` when it is too long or has characters that cannot be stored.
pub fn plain<'a>(name: &'static str, text: Option<&'a str>) -> Result<Option<&'a str>, Problem> {
    match text {
        Some(text) if text.len() > 300 => Err(Problem::field(name, "text-too-long")),
        Some(text) if text.contains('\0') => Err(Problem::field(name, "text-characters")),
        other => Ok(other),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Filter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<Self>::from_request_parts(parts, state).await;
        query.map(|Query(filter)| filter).map_err(|_| Problem::new(Code::Malformed))
    }
}
