//! One of us who calls the API: always by a token, so that no page can do it with a cookie.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;

use crate::actor::Actor;
use crate::auth::staff::StaffSigned;
use crate::error::{Code, Problem};
use crate::platform::Platform;

/// One of us, by a token.
#[derive(Debug, Clone)]
pub struct Caller(StaffSigned);

impl Caller {
    /// For the audit log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.0.actor()
    }
}

impl FromRequestParts<Arc<Platform>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Problem> {
        let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if !bearer.is_some_and(|text| text.starts_with("Bearer ")) {
            return Err(Problem::new(Code::Unauthenticated));
        }
        StaffSigned::from_request_parts(parts, platform).await.map(Self)
    }
}
