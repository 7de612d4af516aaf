//! Forms as they are sent, before anything is believed.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

pub use crate::error::Check;
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

/// What stands in the page's address. What cannot be read is nothing that there is.
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Problem::new(Code::NotFound)),
        }
    }
}

/// What stands behind the address's question mark. Without it, and when it cannot be read, it is as if nothing stood there:
/// people come with addresses that others have added to.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequestParts<S> for Query<T> {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(_) => Ok(Self(T::default())),
        }
    }
}

/// Only a path of ours: a link must not send people who just logged in to somebody else's page.
#[must_use]
pub fn within(next: &str) -> &str {
    let ours =
        next.starts_with('/') && !next.starts_with("//") && next.bytes().all(|byte| byte > b' ' && byte != b'\\');
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn nobody_is_sent_away_after_a_log_in() {
        assert_eq!(within("/servers?page=2"), "/servers?page=2");
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "javascript:x",
            "/\r\nX: y",
        ] {
            assert_eq!(within(bad), "/", "{bad:?}");
        }
    }
}
