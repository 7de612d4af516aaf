//! What goes in and out as JSON.

mod object;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::etag::tag;
use crate::error::{Code, Problem};
use object::Strict;

/// A JSON body. What cannot be read is a [`Problem`] as everything else, which names the field.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(Code::UnsupportedType));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(Code::TooLarge),
            _ => Problem::new(Code::Malformed),
        })?;
        read(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Strict(&mut source)).map_err(|error| {
        let path = error.path().to_string();
        refusal(path, error.inner())
    })?;
    source.end().map_err(|_| Problem::new(Code::Malformed))?;
    Ok(value)
}

/// What is wrong, and with which field. serde says that in words only.
fn refusal(path: String, error: &serde_json::Error) -> Problem {
    if !error.is_data() {
        return Problem::new(Code::Malformed);
    }
    let text = error.to_string();
    let named = |beginning: &str| {
        let name = text.strip_prefix(beginning)?.split('`').next()?;
        Some(name.chars().take(80).collect::<String>())
    };
    let within = |name: String| match path.as_str() {
        "." => name,
        // serde_path_to_error counts the field that is wrong as part of the way in some cases.
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    for (beginning, code) in
        [("unknown field `", "unknown"), ("missing field `", "missing"), ("duplicate field `", "twice")]
    {
        if let Some(name) = named(beginning) {
            return Problem::field(within(name), code);
        }
    }
    match path.as_str() {
        "." => Problem::new(Code::Invalid),
        path => Problem::field(path.to_owned(), "type"),
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Tells `null` (`Some(None)`: clear it) from what is not there (`None`: leave it).
///
/// # Errors
/// When it is neither null nor a `T`.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(source: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(source).map(Some)
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

/// A thing and its version.
#[derive(Debug)]
pub struct Tagged<T>(pub i64, pub T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        ([(header::ETAG, tag(self.0))], axum::Json(self.1)).into_response()
    }
}

/// Something new, and where it is.
#[derive(Debug)]
pub struct Created<T>(pub String, pub T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, axum::Json(self.1)).into_response();
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(header::LOCATION, value);
        }
        response
    }
}

/// Marks an answer with a secret in it: it is given once, and nothing keeps it.
#[derive(Debug, Clone, Copy)]
pub struct Secret;

/// An answer with a secret in it.
#[derive(Debug)]
pub struct Once<T>(pub StatusCode, pub T);

impl<T: Serialize> IntoResponse for Once<T> {
    fn into_response(self) -> Response {
        let mut response = (self.0, axum::Json(self.1)).into_response();
        response.extensions_mut().insert(Secret);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only read")]
        amount: i64,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only read")]
        label: String,
        #[serde(default, deserialize_with = "given")]
        title: Option<Option<String>>,
        #[expect(dead_code, reason = "only read")]
        price: Option<Inner>,
    }

    fn told(text: &str) -> String {
        read::<Outer>(text.as_bytes()).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_told_with_its_field() {
        for (text, problem) in [
            (r#"{"label": 1}"#, "invalid label:type"),
            (r#"{"title": null}"#, "invalid label:missing"),
            (r#"{"label": "a", "lable": "b"}"#, "invalid lable:unknown"),
            (r#"{"label": "a", "label": "b"}"#, "invalid label:twice"),
            (r#"{"label": "a", "price": {"amount": "much"}}"#, "invalid price.amount:type"),
            (r#"{"label": "a", "price": {}}"#, "invalid price.amount:missing"),
            (r#"{"label": "a", "price": {"amount": 1, "tip": 2}}"#, "invalid price.tip:unknown"),
            (r#"{"label": "a", "title": ["b"]}"#, "invalid title:type"),
            (r#"{"label": "a", "price": [1]}"#, "invalid price:type"),
            (r#"{"label": "a", "price": []}"#, "invalid price:type"),
            ("[]", "invalid"),
            (r#" ["birds", null, null]"#, "invalid"),
            ("7", "invalid"),
            ("{", "malformed"),
            ("", "malformed"),
            (r#"{"label": "a"} x"#, "malformed"),
            ("{\"label\": \"\u{0}\"}", "malformed"),
        ] {
            assert_eq!(told(text), problem, "{text}");
        }
        assert_eq!(read::<Outer>(b"{\"label\": \"\xff\"}").unwrap_err().to_string(), "malformed", "not UTF-8");
        let deep = "[".repeat(100_000);
        assert_eq!(told(&format!(r#"{{"label": {deep}"#)), "invalid label:type");
    }

    #[test]
    fn null_is_told_from_nothing() {
        let title = |text: &str| read::<Outer>(text.as_bytes()).unwrap().title;
        assert_eq!(title(r#"{"label": ""}"#), None);
        assert_eq!(title(r#"{"label": "", "title": null}"#), Some(None));
        assert_eq!(title(r#"{"label": "", "title": "x"}"#), Some(Some("x".to_owned())));
    }

    #[test]
    fn only_json_is_json() {
        let is = |kind: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            is_json(&headers)
        };
        assert!(is("application/json") && is("Application/JSON; charset=utf-8") && is("application/merge-patch+json"));
        assert!(!is("text/plain") && !is("application/x-www-form-urlencoded") && !is("text/json") && !is(""));
        assert!(!is_json(&HeaderMap::new()));
    }
}
