//! What every page has.

use askama::Template;
use axum::response::{Html, IntoResponse, Redirect, Response};
use domain::Locale;
use fluent_templates::fluent_bundle::FluentValue;
use http::StatusCode;
use jiff::Timestamp;

use super::{assets, size};
use crate::auth::signed::Signed;
use crate::auth::staff::StaffSigned;
use crate::error::Problem;
use crate::request::Request;
use crate::text::Texts;
use crate::when;

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
}

impl Page {
    /// A page for whoever sent a request.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        Self { texts: request.texts, reader: None, unconfirmed: false, path: request.path.clone() }
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
    pub fn when(&self, time: &Timestamp) -> String {
        when::text(self.texts.locale(), *time)
    }

    /// A time, for `datetime`.
    #[must_use]
    pub fn machine(&self, time: &Timestamp) -> String {
        when::machine(*time)
    }

    /// A size, as its reader writes numbers.
    #[must_use]
    pub fn bytes(&self, bytes: &u64) -> String {
        size::text(self.texts.locale(), *bytes)
    }

    /// A text with a number that decides about its form.
    #[must_use]
    pub fn tn(&self, id: &str, count: impl Into<i64>) -> String {
        self.texts.with(id, &[("count", FluentValue::from(count.into()))])
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
