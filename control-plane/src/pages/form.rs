//! Forms as they are sent, before anything is believed.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::de::DeserializeOwned;

use crate::error::{Code, Problem};

/// A form's fields. What cannot be read is a [`Problem`] as everything else.
pub struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(form)) => Ok(Self(form)),
            Err(rejection) => Err(problem(&rejection.into_response())),
        }
    }
}

fn problem(response: &Response) -> Problem {
    Problem::new(match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedType,
        StatusCode::UNPROCESSABLE_ENTITY => Code::Invalid,
        _ => Code::Malformed,
    })
}

/// Collects what is wrong with a form, so that all of it is said at once.
#[derive(Debug, Default)]
pub struct Check {
    fields: Vec<crate::error::Field>,
}

impl Check {
    /// Keeps a value, or notes what is wrong with it.
    pub fn take<T>(&mut self, name: &'static str, value: Result<T, &'static str>) -> Option<T> {
        value.map_err(|code| self.fields.push(crate::error::Field { name, code })).ok()
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
