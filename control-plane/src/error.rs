//! What goes wrong for whoever asked: one type, two renderers. What happened is a stable code; its words come from the texts
//! of the reader's language; what only we should read is logged once, where it is rendered.

mod check;
mod code;

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

pub use check::Check;
pub use code::Code;

use crate::store;

/// Why a request was not carried out.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What it is.
    pub code: Code,
    /// What is wrong with which field of what was sent.
    pub fields: Vec<Field>,
    /// Values for its text.
    pub arguments: Vec<(&'static str, String)>,
    /// After how many seconds it may be tried again.
    pub retry_after: Option<u32>,
    /// What we read in the log. Never shown.
    pub cause: Option<std::sync::Arc<anyhow::Error>>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The field's name in the form or in the JSON document.
    pub name: Cow<'static, str>,
    /// A stable word; `field-…` in the texts.
    pub code: &'static str,
}

impl Problem {
    /// A problem that its code says all about.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self { code, fields: Vec::new(), arguments: Vec::new(), retry_after: None, cause: None }
    }

    /// A defect of ours, or a system of ours that does not answer.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self { cause: Some(std::sync::Arc::new(cause.into())), ..Self::new(Code::Internal) }
    }

    /// One field is wrong.
    #[must_use]
    pub fn field(name: impl Into<Cow<'static, str>>, code: &'static str) -> Self {
        Self { fields: vec![Field { name: name.into(), code }], ..Self::new(Code::Invalid) }
    }

    /// A value for its text.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.arguments.push((name, value.to_string()));
        self
    }

    /// After how many seconds it may be tried again.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// What is wrong with a field, if anything.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&'static str> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.code)
    }

    /// Whether the person who sent a form can put it right there.
    #[must_use]
    pub const fn is_about_input(&self) -> bool {
        matches!(self.status(), StatusCode::UNPROCESSABLE_ENTITY | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS)
    }

    /// The status it is answered with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.code.status()
    }

    /// Logs what only we should read, once.
    pub fn log(&self, request: &str) {
        if let Some(cause) = &self.cause {
            tracing::error!(request, code = self.code.as_str(), error = format!("{cause:#}"), "a request failed");
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code.as_str())?;
        self.fields.iter().try_for_each(|field| write!(f, " {}:{}", field.name, field.code))?;
        self.cause.iter().try_for_each(|cause| write!(f, ": {cause:#}"))
    }
}

impl std::error::Error for Problem {}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        Self::internal(error)
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(store::Error::from(error))
    }
}

impl From<crate::seal::SealError> for Problem {
    fn from(error: crate::seal::SealError) -> Self {
        Self::internal(error)
    }
}

/// Carries the problem to the surface's renderer ([`crate::pages::render`] or [`crate::api::render`]), which knows the reader.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
