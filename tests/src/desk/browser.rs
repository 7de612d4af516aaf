//! A browser without script: it keeps cookies, sends forms, and follows nothing by itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, REFERER, SET_COOKIE};
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// A browser.
pub struct Browser {
    router: Router,
    address: String,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Where it leads.
    pub location: Option<String>,
    /// All headers.
    pub headers: HeaderMap,
    /// The page.
    pub body: String,
}

impl Browser {
    pub(super) const fn new(router: Router, address: String) -> Self {
        Self { router, address, cookies: Mutex::new(BTreeMap::new()) }
    }

    /// Opens a page.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(Request::get(path), Body::empty()).await
    }

    /// Sends a form.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded"), body.into()).await
    }

    /// Sends a form from a page of ours, as its browser says.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub async fn post_from(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.header(REFERER, format!("{}{page}", super::URL)), body.into()).await
    }

    /// Sends any request, with this browser's cookies.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub async fn send(&self, request: http::request::Builder, body: Body) -> Result<Answer> {
        let mut request = request.header(HOST, "steppe.example").header("x-forwarded-for", &self.address);
        let cookies = self.cookies();
        if !cookies.is_empty() {
            let all: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, all.join("; "));
        }
        let response = self.router.clone().oneshot(request.body(body)?).await?;
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(SET_COOKIE) {
            self.keep(cookie.to_str()?)?;
        }
        let location = parts.headers.get(LOCATION).map(|value| value.to_str().map(str::to_owned)).transpose()?;
        let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
        Ok(Answer { status: parts.status.as_u16(), location, headers: parts.headers, body })
    }

    /// The cookies it keeps.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, cookie: &str) -> Result<()> {
        let (pair, attributes) = cookie.split_once(';').context("a cookie without attributes")?;
        let (name, value) = pair.split_once('=').context("a cookie without a value")?;
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        match attributes.contains("Max-Age=0") {
            true => cookies.remove(name),
            false => cookies.insert(name.to_owned(), value.to_owned()),
        };
        Ok(())
    }
}

impl Answer {
    /// The value of a field of the form on the page.
    ///
    /// # Errors
    /// When there is no such field.
    pub fn value(&self, name: &str) -> Result<String> {
        let field = self.body.split("<input ").find(|field| field.contains(&format!("name=\"{name}\"")));
        let value = field.and_then(|field| field.split("value=\"").nth(1)).and_then(|rest| rest.split('"').next());
        value.map(str::to_owned).with_context(|| format!("no field {name}: {}", self.body))
    }

    /// The addresses on the page that begin so, and end there or at a quote.
    pub fn links(&self, beginning: &str) -> Vec<String> {
        let quoted = format!("\"{beginning}");
        let rest = self.body.split(&quoted).skip(1);
        rest.filter_map(|rest| rest.split('"').next()).map(|end| format!("{beginning}{end}")).collect()
    }

    /// What a reader sees: without tags and what stands in them.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for part in self.body.split('<') {
            let (tag, after) = part.split_once('>').unwrap_or(("", part));
            let hidden = tag.starts_with("script") || tag.starts_with("style");
            text += if hidden { " " } else { after };
            text.push(' ');
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}
