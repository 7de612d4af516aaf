//! Probing over HTTP.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::{Certificate, Client, redirect};

use super::{Prober, Target};

/// A server that needs longer than this is as good as down for whoever opens it.
const TIMEOUT: Duration = Duration::from_secs(5);
/// No answer is read further than this.
const LIMIT: usize = 64 * 1024;

/// Which certificates a client trusts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Trust {
    /// None: it speaks plain HTTP.
    Nothing,
    /// Those of the machine.
    System,
    /// Only these, PEM.
    Bundle(Arc<str>),
}

impl Trust {
    fn of(target: &Target) -> Self {
        match &target.trust {
            _ if target.url.starts_with("http://") => Self::Nothing,
            Some(bundle) => Self::Bundle(bundle.clone()),
            None => Self::System,
        }
    }

    fn client(&self) -> Result<Client, String> {
        let builder =
            Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).no_proxy().pool_max_idle_per_host(0); // a fresh connection is part of what is probed
        let builder = match self {
            Self::Nothing => builder.tls_certs_only([]),
            Self::System => builder,
            Self::Bundle(pem) => {
                let certificates = Certificate::from_pem_bundle(pem.as_bytes())
                    .map_err(|error| format!("the cell's trust bundle cannot be read: {error}"))?;
                builder.tls_certs_only(certificates)
            }
        };
        builder.build().map_err(|error| format!("no HTTP client can be made: {error}"))
    }
}

/// Probes over HTTP and HTTPS. Follows no redirect: a server answers for itself.
#[derive(Default)]
pub struct HttpProber {
    // One client per set of trusted certificates: making one means parsing them all.
    clients: Mutex<HashMap<Trust, Client>>,
}

impl HttpProber {
    /// A prober without any client yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn client(&self, trust: &Trust) -> Result<Client, String> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(trust) {
            return Ok(client.clone());
        }
        let client = trust.client()?;
        // The cell's bundle changes rarely; clients of old ones are not worth keeping.
        clients.retain(|known, _| !matches!(known, Trust::Bundle(_)));
        clients.insert(trust.clone(), client.clone());
        Ok(client)
    }

    async fn ask(&self, target: &Target) -> Result<(), String> {
        let client = self.client(&Trust::of(target))?;
        let mut request = client.get(&target.url);
        if let Some(host) = &target.host {
            request = request.header(http::header::HOST, host);
        }
        let mut response = request.send().await.map_err(|error| why(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("GET {} answered {}", target.url, status.as_u16()));
        }
        let Some(expected) = &target.expect else {
            return Ok(());
        };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| why(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > LIMIT {
                break;
            }
        }
        if String::from_utf8_lossy(&body).contains(expected.as_str()) {
            Ok(())
        } else {
            Err(format!(
                "GET {} was answered by something that is not this server: {expected:?} is not in the answer",
                target.url
            ))
        }
    }
}

impl Prober for HttpProber {
    fn probe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(self.ask(target))
    }
}

/// The innermost cause, which names what is wrong (`Connection refused`, `certificate has expired`).
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", TIMEOUT.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match error.url() {
        Some(url) if error.source().is_some() => format!("GET {url}: {cause}"),
        Some(_) | None => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::get;

    async fn server() -> String {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new()
            .route("/host", get(|headers: HeaderMap| async move { headers["host"].to_str().unwrap().to_owned() }))
            .route("/away", get(|| async { (StatusCode::FOUND, [("location", "/host")]) }))
            .route("/stopped", get(|| async { StatusCode::SERVICE_UNAVAILABLE }));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        format!("http://{address}")
    }

    fn target(url: String, expect: Option<&str>) -> Target {
        Target { url, host: Some("birds.example".to_owned()), expect: expect.map(str::to_owned), trust: None }
    }

    #[tokio::test]
    async fn what_counts_as_an_answer() {
        let base = server().await;
        let prober = HttpProber::new();
        let ask = |path: &str, expect: Option<&'static str>| {
            let target = target(format!("{base}{path}"), expect);
            let prober = &prober;
            async move { prober.probe(&target).await }
        };
        assert_eq!(ask("/host", None).await, Ok(()));
        assert_eq!(ask("/host", Some("birds.example")).await, Ok(()));
        assert!(ask("/host", Some("fish.example")).await.unwrap_err().contains("not this server"));
        assert!(ask("/away", None).await.unwrap_err().contains("answered 302"));
        assert!(ask("/stopped", None).await.unwrap_err().contains("answered 503"));
        let gone = target("http://127.0.0.1:1/".to_owned(), None);
        let message = prober.probe(&gone).await.unwrap_err();
        assert!(message.contains("refused"), "{message}");
    }

    #[tokio::test]
    async fn a_broken_trust_bundle_is_said() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let broken = Target {
            trust: Some("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n".into()),
            ..target("https://127.0.0.1:1/".to_owned(), None)
        };
        assert!(HttpProber::new().probe(&broken).await.is_err());
    }
}
