//! Paging by cursor: an id, so that a list that grows neither repeats nor loses anything.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::Deserialize;

use super::Page;
use crate::error::{Code, Problem};

/// How many things a page has unless asked otherwise.
pub const USUAL: u16 = 25;
/// How many it has at most.
pub const MOST: u16 = 100;

/// The query of a list.
#[derive(Debug, Deserialize)]
struct ListQuery {
    limit: Option<String>,
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

impl<T: PartialEq> Cursor<T> {
    /// The page of a list that is short enough to be read whole.
    pub fn page_of<V: utoipa::ToSchema>(&self, all: impl Iterator<Item = V>, id: impl Fn(&V) -> &T) -> Page<V> {
        let limit = usize::from(self.limit) + 1;
        let rest: Vec<V> = match &self.after {
            None => all.take(limit).collect(),
            Some(after) => all.skip_while(|one| id(one) != after).skip(1).take(limit).collect(),
        };
        Page::new(rest, self.limit)
    }
}

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Cursor<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<ListQuery>::from_request_parts(parts, state).await;
        let Query(query) = query.map_err(|_| Problem::new(Code::Malformed))?;
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

#[cfg(test)]
mod tests {
    use domain::id::OrderId;

    use super::*;

    async fn read(query: &str) -> Result<(u16, Option<String>), String> {
        let request = http::Request::get(format!("/v1/x{query}")).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let cursor = Cursor::<OrderId>::from_request_parts(&mut parts, &()).await;
        cursor
            .map(|cursor| (cursor.limit, cursor.after.map(|id| id.to_string())))
            .map_err(|problem| problem.to_string())
    }

    #[tokio::test]
    async fn a_page_is_asked_for() {
        let id = "ord_01kb0c9w40e8ar2xtk7c0h8v4f";
        assert_eq!(read("").await, Ok((25, None)));
        assert_eq!(read(&format!("?limit=100&starting_after={id}")).await, Ok((100, Some(id.to_owned()))));
        for limit in ["0", "101", "-1", "1.5", "", "all", "%00", "99999999999999999999"] {
            assert_eq!(read(&format!("?limit={limit}")).await, Err("invalid limit:limit-range".to_owned()), "{limit}");
        }
        for after in ["", "x", "inst_01kb0c9w40e8ar2xtk7c0h8v4f", "ord_", "%ff", "'%20OR%201=1"] {
            let told = read(&format!("?starting_after={after}")).await;
            assert_eq!(told, Err("invalid starting_after:cursor-unknown".to_owned()), "{after}");
        }
        assert_eq!(read("?limit=1&limit=2").await, Err("malformed".to_owned()));
    }

    #[test]
    fn a_short_list_is_cut() {
        let page = |limit, after| {
            let page = Cursor { limit, after }.page_of(["a", "b", "c"].map(str::to_owned).into_iter(), |one| one);
            (page.data.join(""), page.has_more)
        };
        assert_eq!(page(2, None), ("ab".to_owned(), true));
        assert_eq!(page(2, Some("b".to_owned())), ("c".to_owned(), false));
        assert_eq!(page(3, None), ("abc".to_owned(), false));
        assert_eq!(page(3, Some("x".to_owned())), (String::new(), false), "one that is gone begins nothing anew");
    }
}
