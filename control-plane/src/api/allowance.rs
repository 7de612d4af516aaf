//! How many requests a caller has left, told in each answer (draft-ietf-httpapi-ratelimit-headers-11).

use std::sync::{Arc, OnceLock};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use domain::limits::{Bucket, Taken};
use http::{HeaderName, HeaderValue};

const LEFT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Where whoever finds out who calls leaves what it took from their bucket, for the answer.
#[derive(Debug, Clone, Default)]
pub struct Allowance(Arc<OnceLock<f64>>);

impl Allowance {
    /// Notes how many are left.
    pub fn note(&self, taken: &Taken) {
        let _ = self.0.set(taken.tokens);
    }
}

/// Tells what is left, if anybody found out.
pub async fn tell(mut request: Request, next: Next) -> Response {
    let allowance = Allowance::default();
    request.extensions_mut().insert(allowance.clone());
    let mut response = next.run(request).await;
    if let Some(tokens) = allowance.0.get() {
        let (left, policy) = headers(Bucket::Api, *tokens);
        for (name, text) in [(LEFT, left), (POLICY, policy)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    response
}

/// How many are left and after how many seconds all are there again; how many there can be, and in how many seconds.
fn headers(bucket: Bucket, tokens: f64) -> (String, String) {
    let full = f64::from(bucket.capacity());
    let until_full = ((full - tokens) * bucket.refill_seconds()).ceil().max(0.0);
    let window = (full * bucket.refill_seconds()).ceil();
    let name = bucket.as_str();
    (format!("\"{name}\";r={:.0};t={until_full:.0}", tokens.floor()), format!("\"{name}\";q={full:.0};w={window:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_as_the_draft_says() {
        let (left, policy) = headers(Bucket::Api, 298.7);
        assert_eq!((left.as_str(), policy.as_str()), ("\"api\";r=298;t=1", "\"api\";q=300;w=60"));
        assert_eq!(headers(Bucket::Api, 0.0).0, "\"api\";r=0;t=60");
    }
}
