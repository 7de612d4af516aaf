//! Versions of things, so that nobody overwrites what they have not seen: `ETag` goes out, `If-Match` comes back. And so that
//! nobody reads again what they have: `If-None-Match` does, too.
//!
//! A tag as it is read is `"version.digest"`. A change compares the version, which goes on with what people set; a reader
//! compares all of it, because much of what is read is seen, not set.

use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use sha2::{Digest as _, Sha256};

use crate::error::{Code, Problem};

/// The tag of a version.
#[must_use]
pub fn tag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// As much of an answer is read to tell it from another.
const MOST: usize = 1024 * 1024;
/// As many bytes of the digest tell one answer from another of the same version.
const DIGEST: usize = 8;

/// Completes the tag of what is read, and answers `304` without a body to who has it already.
pub async fn conditional(request: Request, next: Next) -> Response {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let known = request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect::<Vec<_>>();
    let response = next.run(request).await;
    let version = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok()?.strip_suffix('"'));
    let Some(version) = version.map(str::to_owned).filter(|_| reads && response.status() == StatusCode::OK) else {
        return response;
    };
    let (mut parts, body) = response.into_parts();
    let body = match axum::body::to_bytes(body, MOST).await {
        Ok(body) => body,
        Err(error) => return Problem::internal(error).into_response(),
    };
    let digest = Sha256::digest(&body);
    let tag = format!("{version}.{}\"", hex::encode(digest.get(..DIGEST).unwrap_or_default()));
    let same = known.iter().filter_map(|value| value.to_str().ok()).any(|value| names(value, &tag));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, value);
    }
    // It may be kept, by whoever asks before it is used.
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if same {
        let kept = [header::ETAG, header::CACHE_CONTROL].map(|name| (parts.headers.get(&name).cloned(), name));
        let headers: HeaderMap = kept.into_iter().filter_map(|(value, name)| Some((name, value?))).collect();
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    Response::from_parts(parts, Body::from(body))
}

/// Whether a list of tags has one in it, compared weakly (RFC 9110 §13.1.2). `*` names whatever there is.
fn names(list: &str, tag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
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
        let version = text.and_then(|text| text.split('.').next()?.parse().ok());
        version.map(Self).ok_or(Problem::new(Code::Stale))
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
        assert_eq!(read(Some("\"7.0123456789abcdef\"")).await, Ok(IfMatch(7)), "as it was read");
        assert_eq!(read(None).await, Err(Code::PreconditionNeeded));
        for foreign in ["7", "\"x\"", "W/\"7\"", "*", "\"\""] {
            assert_eq!(read(Some(foreign)).await, Err(Code::Stale), "{foreign}");
        }
        assert!(IfMatch(7).demand(7).is_ok() && IfMatch(7).demand(8).is_err());
    }

    #[test]
    fn a_tag_is_found_in_a_list() {
        for list in ["\"7.a\"", "W/\"7.a\"", "\"6.b\", \"7.a\"", "*"] {
            assert!(names(list, "\"7.a\""), "{list}");
        }
        for list in ["", "\"7\"", "7.a", "\"7.b\"", "\"17.a\""] {
            assert!(!names(list, "\"7.a\""), "{list}");
        }
    }
}
