//! What goes in and out as JSON.

use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::error::{Code, Problem};

/// A JSON body. What cannot be read is a [`Problem`] as everything else.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(Problem::new(match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
                StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedType,
                StatusCode::UNPROCESSABLE_ENTITY => Code::Invalid,
                _ => Code::Malformed,
            })),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T: ToSchema> {
    /// The things, newest first.
    pub data: Vec<T>,
    /// Whether there are more; ask for them with `starting_after` and the id of the last one.
    pub has_more: bool,
}

impl<T: ToSchema> Page<T> {
    /// The first `limit` of what was read, which is one more than that when there are more.
    pub fn new(mut data: Vec<T>, limit: u16) -> Self {
        let has_more = data.len() > usize::from(limit);
        data.truncate(usize::from(limit));
        Self { data, has_more }
    }
}
