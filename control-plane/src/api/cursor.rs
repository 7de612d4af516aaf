//! Paging by cursor: an id, so that a list that grows neither repeats nor loses anything.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::Problem;

/// How many things a page has unless asked otherwise.
const USUAL: u16 = 25;
/// How many it has at most.
const MOST: u16 = 100;

/// The query of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// How many things the page has, 1 to 100; 25 without it
    #[param(minimum = 1, maximum = 100, required = false)]
    limit: Option<String>,
    /// The id of the last thing of the page before
    #[param(required = false)]
    starting_after: Option<String>,
}

/// Where a page begins, and how long it is.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<T> {
    /// How many things are wanted.
    pub limit: u16,
    /// The last one of the page before.
    pub after: Option<T>,
}

impl<T> Cursor<T> {
    /// One more than is wanted, to see whether there are more.
    #[must_use]
    pub fn read(&self) -> i64 {
        i64::from(self.limit) + 1
    }
}

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Cursor<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<ListQuery>::from_request_parts(parts, state).await;
        let Query(query) = query.map_err(|_| Problem::new(crate::error::Code::Malformed))?;
        let limit = match query.limit {
            None => USUAL,
            Some(text) => match text.parse() {
                Ok(limit @ 1..=MOST) => limit,
                _ => return Err(Problem::field("limit", "limit-range")),
            },
        };
        let after = query.starting_after.map(|text| text.parse::<T>());
        let after = after.transpose().map_err(|_| Problem::field("starting_after", "cursor-unknown"))?;
        Ok(Self { limit, after })
    }
}
