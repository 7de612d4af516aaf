//! What a visitor gets from a server's public address.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use lab::journey::Site;
use lab::wait;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde_json::Value;

/// What the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub code: StatusCode,
    /// Seconds after which to come again, if it says so.
    pub retry_after: Option<u32>,
    /// The body.
    pub text: String,
}

/// Opens a page of a server, without following anything.
///
/// # Errors
/// When there is no answer.
pub async fn visit(site: &Site, host: &str, path: &str) -> Result<Answer> {
    ask(site, host, path, "*/*").await
}

/// The key that other servers know an account by, PEM.
///
/// # Errors
/// When the server does not show it.
pub async fn actor_key(site: &Site, host: &str, handle: &str) -> Result<String> {
    let answer = ask(site, host, &format!("/{handle}"), "application/activity+json").await?;
    let actor: Value = serde_json::from_str(&answer.text).with_context(|| format!("{answer:?}"))?;
    let key = actor["publicKey"]["publicKeyPem"].as_str();
    Ok(key.with_context(|| format!("{handle} shows no key: {actor}"))?.to_owned())
}

async fn ask(site: &Site, host: &str, path: &str, accept: &str) -> Result<Answer> {
    let ca = reqwest::Certificate::from_pem(&std::fs::read(&site.ca)?)?;
    let client = Client::builder()
        .tls_certs_only([ca])
        .redirect(Policy::none())
        .timeout(Duration::from_secs(20))
        .resolve(host, format!("{}:443", site.address).parse()?)
        .build()?;
    let answer = client.get(format!("https://{host}{path}")).header("accept", accept).send().await?;
    let header = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
    Ok(Answer {
        code: answer.status(),
        retry_after: header.and_then(|text| text.parse().ok()),
        text: answer.text().await?,
    })
}

/// Waits until visitors get the 503 page.
///
/// # Errors
/// When they do not within half a minute.
pub async fn held(site: &Site, host: &str) -> Result<()> {
    let answer = wait::until(&format!("the 503 page of {host}"), Duration::from_secs(30), async || {
        let answer = visit(site, host, "/").await?;
        if answer.code != StatusCode::SERVICE_UNAVAILABLE {
            bail!("{answer:?}");
        }
        Ok(Some(answer))
    })
    .await?;
    ensure!(answer.retry_after.is_some(), "the 503 says not when to come back: {answer:?}");
    ensure!(answer.text.contains("<html"), "the 503 has no page of its own: {answer:?}");
    Ok(())
}
