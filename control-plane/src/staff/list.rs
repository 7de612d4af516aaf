//! Lists on staff's pages: newest first, a page at a time, by what the address says.

use std::str::FromStr;

use serde::Deserialize;

/// How many rows a page has.
pub const ROWS: i64 = 50;

/// What the address says about a list. What cannot be read is as if it were not there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Only those in this state.
    pub state: String,
    /// Only those with this text in them.
    pub q: String,
    /// Only those in this cell.
    pub cell: String,
    /// Only those after this one, in the order of the list.
    pub before: String,
}

impl Wanted {
    /// The state, if one is wanted.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        Some(self.state.as_str()).filter(|state| !state.is_empty())
    }

    /// The text that is looked for, if there is one. No name of ours is longer than what is looked at.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let text = self.q.trim();
        (!text.is_empty() && text.len() <= 300 && !text.contains('\0')).then_some(text)
    }

    /// The cell, if one is wanted.
    #[must_use]
    pub fn cell(&self) -> Option<&str> {
        Some(self.cell.as_str()).filter(|cell| !cell.is_empty() && !cell.contains('\0'))
    }

    /// The place to go on from.
    #[must_use]
    pub fn place<I: FromStr>(&self) -> Option<I> {
        self.before.parse().ok()
    }
}

/// A list's other pages.
#[derive(Debug)]
pub struct Pager {
    /// The list's address with what is wanted, to which `before=` can be added.
    pub address: String,
    /// Where the next page begins, if there is one.
    pub older: Option<String>,
    /// Whether this is not the first page.
    pub later: bool,
}

/// Cuts what was read, one more than a page has, to a page.
pub fn page<T, I: ToString>(rows: &mut Vec<T>, path: &str, wanted: &Wanted, id: impl Fn(&T) -> I) -> Pager {
    let most = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let more = rows.len() > most;
    rows.truncate(most);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("state", &wanted.state), ("q", &wanted.q), ("cell", &wanted.cell)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let older = rows.last().filter(|_| more).map(|last| id(last).to_string());
    Pager { address: format!("{path}?{}", query.finish()), older, later: !wanted.before.is_empty() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_leads_to_the_next_with_what_was_wanted() {
        let wanted = Wanted { q: "a&b".to_owned(), ..Wanted::default() };
        let mut rows: Vec<i64> = (0..=ROWS).collect();
        let pager = page(&mut rows, "/orders", &wanted, |row| *row);
        assert_eq!((rows.len(), pager.address.as_str()), (50, "/orders?q=a%26b"));
        assert_eq!((pager.older.as_deref(), pager.later), (Some("49"), false));
        let pager = page(&mut rows, "/orders", &Wanted { before: "x".to_owned(), ..wanted }, |row| *row);
        assert!(pager.older.is_none() && pager.later);
    }
}
