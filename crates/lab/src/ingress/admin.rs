//! Caddy's admin API on its unix socket: reading the routes and replacing them in one step.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::header::{ETAG, IF_MATCH};
use reqwest::{Client, StatusCode};
use serde_json::Value;

/// The list of routes that this ground's server has. The host is a formality on a unix socket.
const ROUTES: &str = "http://localhost/config/apps/http/servers/main/routes";

/// A connection to the admin API.
#[derive(Clone, Debug)]
pub struct Admin(Client);

/// The routes as they were read.
#[derive(Clone, Debug)]
pub struct Read {
    /// The list.
    pub routes: Vec<Value>,
    /// What tells this state from any other.
    etag: String,
}

impl Admin {
    /// The admin API on the socket at `path`.
    pub fn at(path: &Path) -> Result<Self> {
        let client = Client::builder().unix_socket(path.to_owned()).timeout(Duration::from_secs(20)).build();
        Ok(Self(client.context("cannot make a client for Caddy's socket")?))
    }

    /// The routes now.
    pub async fn routes(&self) -> Result<Read> {
        let response = self.0.get(ROUTES).send().await.context("Caddy's admin socket does not answer")?;
        let response = response.error_for_status().context("Caddy has no routes")?;
        let etag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        let routes = response.json().await.context("Caddy's routes are no list")?;
        Ok(Read { routes, etag })
    }

    /// Replaces the whole list, if it is still as it was read; returns whether it was.
    pub async fn replace(&self, read: &Read, routes: &[Value]) -> Result<bool> {
        let request = self.0.patch(ROUTES).header(IF_MATCH, &read.etag).json(routes);
        let response = request.send().await.context("Caddy's admin socket does not answer")?;
        let status = response.status();
        if status == StatusCode::PRECONDITION_FAILED {
            return Ok(false);
        }
        let text = response.text().await.unwrap_or_default();
        anyhow::ensure!(status.is_success(), "Caddy refused the routes ({status}): {}", text.trim());
        Ok(true)
    }
}
