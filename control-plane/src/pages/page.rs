//! What every page has.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::Locale;
use fluent_templates::fluent_bundle::FluentValue;
use http::StatusCode;
use jiff::Timestamp;

use super::{assets, size, told};
use crate::auth::signed::Signed;
use crate::auth::staff::StaffSigned;
use crate::error::Problem;
use crate::request::Request;
use crate::text::Texts;
use crate::when;

/// A time, however often it is borrowed: templates hand on references.
pub trait Moment {
    /// The time.
    fn moment(&self) -> Timestamp;
}

impl Moment for Timestamp {
    fn moment(&self) -> Timestamp {
        *self
    }
}

impl<T: Moment> Moment for &T {
    fn moment(&self) -> Timestamp {
        (**self).moment()
    }
}

/// What every page has: its texts, and who is reading. Templates call its methods.
#[derive(Debug, Clone)]
pub struct Page {
    texts: Texts,
    /// The name of who is logged in.
    pub reader: Option<String>,
    /// Whether the reader's address still has to be confirmed.
    pub unconfirmed: bool,
    /// Where the reader is: path and query.
    pub path: String,
    /// What was just done, for the reader to know that it was.
    told: Option<&'static str>,
}

impl Page {
    /// A page for whoever sent a request.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let told = told::read(&request.path);
        Self { texts: request.texts, reader: None, unconfirmed: false, path: request.path.clone(), told }
    }

    /// A page for somebody who is logged in.
    #[must_use]
    pub fn to(signed: &Signed) -> Self {
        Self {
            reader: Some(signed.account.name.to_string()),
            unconfirmed: signed.account.email_confirmed_at.is_none(),
            ..Self::of(&signed.request)
        }
    }

    /// A page for one of us.
    #[must_use]
    pub fn to_staff(signed: &StaffSigned) -> Self {
        Self { reader: Some(signed.staff.name.clone()), ..Self::of(&signed.request) }
    }

    /// The page as if it had been opened at a path: for a form's answer, whose own address cannot be opened.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Whether the reader is at a path or below it. The part of the navigation they are in is marked.
    #[must_use]
    pub fn is_in(&self, path: &str) -> bool {
        let here = self.path.split('?').next().unwrap_or_default();
        here == path || (path != "/" && here.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }

    /// What was just done.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        self.told.map(|code| self.t(&format!("told-{code}")))
    }

    /// Where to come back to from a change of language: here, without what was told.
    #[must_use]
    pub fn here(&self) -> &str {
        self.path.split_once("?told=").map_or(self.path.as_str(), |(path, _)| path)
    }

    /// The languages that the reader could have instead.
    #[must_use]
    pub fn other_locales(&self) -> Vec<Locale> {
        Locale::ALL.iter().copied().filter(|locale| *locale != self.texts.locale()).collect()
    }

    /// A text.
    #[must_use]
    pub fn t(&self, id: &str) -> String {
        self.texts.get(id)
    }

    /// A text with one value.
    #[must_use]
    pub fn t1(&self, id: &str, name: &'static str, value: impl ToString) -> String {
        self.texts.with(id, &[(name, FluentValue::from(value.to_string()))])
    }

    /// A text with two values.
    #[must_use]
    pub fn t2(
        &self,
        id: &str,
        a: &'static str,
        first: impl ToString,
        b: &'static str,
        second: impl ToString,
    ) -> String {
        self.texts.with(id, &[(a, FluentValue::from(first.to_string())), (b, FluentValue::from(second.to_string()))])
    }

    /// The text of a stable word of a kind: `KIND-WORD`.
    #[must_use]
    pub fn tw(&self, kind: &str, word: &str) -> String {
        self.t(&format!("{kind}-{word}"))
    }

    /// A text with a number that decides about its form.
    #[must_use]
    pub fn tc(&self, id: &str, count: &i64) -> String {
        self.texts.with(id, &[("count", FluentValue::from(*count))])
    }

    /// A text that may be missing: for words that others send.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<String> {
        self.texts.find(id)
    }

    /// A time, as its reader writes times.
    #[must_use]
    pub fn when(&self, time: impl Moment) -> String {
        when::text(self.texts.locale(), time.moment())
    }

    /// A time, for `datetime`.
    #[must_use]
    pub fn machine(&self, time: impl Moment) -> String {
        when::machine(time.moment())
    }

    /// A size, as its reader writes numbers.
    #[must_use]
    pub fn bytes(&self, bytes: &u64) -> String {
        size::text(self.texts.locale(), *bytes)
    }

    /// The text for a word of ours: `page.part("role-", role, "-help")`.
    #[must_use]
    pub fn part(&self, before: &str, word: impl ToString, after: &str) -> String {
        self.t(&format!("{before}{}{after}", word.to_string()))
    }

    /// A text with a number that decides about its form.
    #[must_use]
    pub fn tn(&self, id: &str, count: impl Into<i64>) -> String {
        self.texts.with(id, &[("count", FluentValue::from(count.into()))])
    }

    /// A day, as the reader's language writes it.
    #[must_use]
    pub fn day(&self, at: impl Moment) -> String {
        when::day(self.texts.locale(), at.moment())
    }

    /// What a language is called in itself.
    #[must_use]
    pub fn language(&self, locale: impl ToString) -> String {
        self.part("language-", locale, "")
    }

    /// Whether the reader is at this very path.
    #[must_use]
    pub fn is_exactly(&self, path: &str) -> bool {
        self.path.split('?').next().unwrap_or_default() == path
    }

    /// What a role is called.
    #[must_use]
    pub fn role(&self, role: impl ToString) -> String {
        self.part("role-", role, "")
    }

    /// The texts, for values with more than one argument.
    #[must_use]
    pub const fn texts(&self) -> &Texts {
        &self.texts
    }

    /// What a problem is called and what to do about it, in the reader's words.
    #[must_use]
    pub fn problem(&self, problem: &Problem) -> (String, String) {
        crate::api::words(problem, self.texts)
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn field(&self, code: &str) -> String {
        self.t(&format!("field-{code}"))
    }

    /// For the page's `lang`.
    #[must_use]
    pub const fn lang(&self) -> &'static str {
        match self.texts.locale() {
            Locale::En => "en",
            Locale::De => "de",
        }
    }

    /// The address of a file of ours, with its digest, so that it can be kept for ever.
    #[must_use]
    pub fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

/// A page that is shown.
///
/// # Errors
/// When its template fails, which is a defect.
pub fn html(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    let text = template.render().map_err(Problem::internal)?;
    Ok((status, Html(text)).into_response())
}

/// Sends the reader on after a form, so that reloading does not send it again.
#[must_use]
pub fn see_other(path: &str) -> Response {
    Redirect::to(path).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str) -> Page {
        let told = told::read(path);
        Page { texts: Texts::new(Locale::De), reader: None, unconfirmed: false, path: path.into(), told }
    }

    #[test]
    fn the_place_in_the_navigation() {
        assert!(page("/").is_in("/") && !page("/account").is_in("/"));
        assert!(page("/account?told=saved").is_in("/account") && page("/account/password").is_in("/account"));
        assert!(!page("/accounts").is_in("/account"));
    }

    #[test]
    fn what_was_told_is_not_told_again_in_another_language() {
        assert_eq!(page("/account?told=saved").here(), "/account");
        assert_eq!(page("/log-in?next=%2F").here(), "/log-in?next=%2F");
        assert!(page("/account?told=saved").told().is_some());
    }
}
