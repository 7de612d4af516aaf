//! One of us who calls the API: always by a token, so that no page can do it with a cookie.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::actor::Actor;
use crate::auth::bearer;
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
        if bearer::token(&parts.headers).is_none() {
            return Err(Problem::new(Code::Unauthenticated));
        }
        StaffSigned::from_request_parts(parts, platform).await.map(Self)
    }
}
