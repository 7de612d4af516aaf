//! What is known of a request before anybody asks who sent it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use domain::Locale;
use http::HeaderMap;
use http::request::Parts;

use crate::platform::Platform;
use crate::text::Texts;

/// The header that carries a request's id, both ways.
pub const REQUEST_ID: &str = "x-request-id";
/// The cookie that remembers a language that was chosen by hand.
pub const LOCALE_COOKIE: &str = "locale";

/// What is known of a request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which texts its reader gets.
    pub texts: Texts,
    /// Where it came from.
    pub address: IpAddr,
    /// Its id, the same in the answer, the logs and the audit log.
    pub id: String,
    /// The browser, as it says itself, cut.
    pub user_agent: String,
    /// Path and query, for coming back to it after a log-in.
    pub path: String,
}

impl FromRequestParts<Arc<Platform>> for Request {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Self::Rejection> {
        Ok(Self::read(parts, platform.config.proxies))
    }
}

impl Request {
    /// Reads the facts off a request.
    #[must_use]
    pub fn read(parts: &Parts, proxies: u8) -> Self {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self {
            texts: parts.extensions.get::<Texts>().copied().unwrap_or_else(|| texts(&parts.headers)),
            address: address(&parts.headers, peer.unwrap_or_else(|| [0, 0, 0, 0].into()), proxies),
            id: text(REQUEST_ID).to_owned(),
            user_agent: text("user-agent").chars().take(300).collect(),
            path: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        }
    }
}

/// Each proxy of ours appends the address it saw: the entry that the outermost of them wrote is the first one nobody can make
/// up.
fn address(headers: &HeaderMap, peer: IpAddr, proxies: u8) -> IpAddr {
    let Some(back) = usize::from(proxies).checked_sub(1) else {
        return peer;
    };
    let all = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let entries: Vec<&str> = all.flat_map(|value| value.split(',')).map(str::trim).collect();
    let entry = entries.len().checked_sub(back + 1).and_then(|at| entries.get(at));
    entry.and_then(|text| text.parse().ok()).unwrap_or(peer)
}

/// The language: chosen by hand, or the first that the browser asks for and we have.
fn texts(headers: &HeaderMap) -> Texts {
    let cookies = axum_extra::extract::CookieJar::from_headers(headers);
    let chosen = cookies.get(LOCALE_COOKIE).map(|cookie| cookie.value().to_owned());
    let asked = headers.get("accept-language").and_then(|value| value.to_str().ok());
    Texts::new(Locale::negotiate(None, chosen.as_deref(), asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_proxies_are_believed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "1.1.1.1, 2.2.2.2".parse().unwrap());
        headers.append("x-forwarded-for", "3.3.3.3".parse().unwrap());
        let peer: IpAddr = [9, 9, 9, 9].into();
        let seen = |proxies| address(&headers, peer, proxies).to_string();
        assert_eq!([seen(0), seen(1), seen(2), seen(3)], ["9.9.9.9", "3.3.3.3", "2.2.2.2", "1.1.1.1"]);
        // A list that is shorter than our chain was not written by it.
        assert_eq!(seen(4), "9.9.9.9");
    }
}
