//! Versions of things, so that nobody overwrites what they have not seen: `ETag` goes out, `If-Match` comes back.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderValue, header};

use crate::error::{Code, Problem};

/// The tag of a version.
#[must_use]
pub fn tag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// The version that an update is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IfMatch(pub i64);

impl IfMatch {
    /// Whether the thing still is as the caller saw it.
    ///
    /// # Errors
    /// `stale`.
    pub const fn demand(self, version: i64) -> Result<(), Problem> {
        if self.0 == version { Ok(()) } else { Err(Problem::new(Code::Stale)) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let given = parts.headers.get(header::IF_MATCH).ok_or(Problem::new(Code::PreconditionNeeded))?;
        let text = given.to_str().ok().and_then(|text| text.strip_prefix('"')?.strip_suffix('"'));
        // A tag that is none of ours cannot be that of any version.
        text.and_then(|text| text.parse().ok()).map(Self).ok_or(Problem::new(Code::Stale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(value: Option<&str>) -> Result<IfMatch, Code> {
        let mut request = http::Request::new(());
        if let Some(value) = value {
            request.headers_mut().insert(header::IF_MATCH, value.parse().unwrap());
        }
        let (mut parts, ()) = request.into_parts();
        IfMatch::from_request_parts(&mut parts, &()).await.map_err(|problem| problem.code)
    }

    #[tokio::test]
    async fn an_update_says_which_version_it_is_meant_for() {
        assert_eq!(read(Some(tag(7).to_str().unwrap())).await, Ok(IfMatch(7)));
        assert_eq!(read(None).await, Err(Code::PreconditionNeeded));
        for foreign in ["7", "\"x\"", "W/\"7\"", "*", "\"\""] {
            assert_eq!(read(Some(foreign)).await, Err(Code::Stale), "{foreign}");
        }
        assert!(IfMatch(7).demand(7).is_ok() && IfMatch(7).demand(8).is_err());
    }
}
