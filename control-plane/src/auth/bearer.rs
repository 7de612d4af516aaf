//! The token that a program proves itself with, a customer's or one of staff's.

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The token in the `Authorization` header (RFC 6750 §2.1; the scheme's name is in any case, RFC 9110 §11.1).
#[must_use]
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_as_programs_write_it() {
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, text.parse().unwrap())]);
            token(&headers).map(str::to_owned)
        };
        for good in ["Bearer stp_1", "bearer  stp_1 ", "BEARER stp_1"] {
            assert_eq!(read(good).as_deref(), Some("stp_1"), "{good}");
        }
        for other in ["", "Bearer", "stp_1", "Basic c3RwXzE=", "Bearerstp_1"] {
            assert_eq!(read(other), None, "{other}");
        }
        assert_eq!(token(&HeaderMap::new()), None);
    }
}
