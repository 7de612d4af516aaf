//! The job's side of the grants endpoint.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::ExportArgs;
use crate::grants::wire::{Finish, PartRequest, SegmentDone, Task};
use crate::job::outcome::Failure;
use crate::store::Grant;

/// How often a request is tried, waiting 1, 2, 4, … seconds between: about a minute, longer than the operator needs to
/// come back. After that the pod fails and the next one goes on.
const TRIES: u32 = 7;

/// Talks to the grants endpoint and, with its grants, to the object store.
#[derive(Clone)]
pub(super) struct Api {
    inner: Arc<Inner>,
}

struct Inner {
    base: String,
    token: PathBuf,
    grants: Client,
    store: Client,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Api({})", self.inner.base)
    }
}

/// Whether trying again can help.
enum Problem {
    Passing(String),
    Lasting(Failure),
}

impl Api {
    pub(super) fn new(args: &ExportArgs) -> Result<Self, Failure> {
        let wrong =
            |e| Failure::refused("BadCertificate", format!("the grants endpoint's certificate cannot be used: {e}"));
        let certificates = Certificate::from_pem_bundle(args.grants_ca.as_bytes()).map_err(wrong)?;
        let build = |builder: reqwest::ClientBuilder| {
            builder.connect_timeout(Duration::from_secs(10)).timeout(Duration::from_secs(120)).build()
        };
        // This endpoint is known by its own certificate and by nothing else.
        let grants = build(Client::builder().tls_certs_only(certificates)).map_err(wrong)?;
        let store = build(Client::builder()).map_err(|e| Failure::again("making an HTTP client", e))?;
        let base = format!("{}/v1/exports/{}", args.grants.as_str().trim_end_matches('/'), args.export_uid);
        Ok(Self { inner: Arc::new(Inner { base, token: args.token.clone(), grants, store }) })
    }

    /// What to write, and what is there already.
    pub(super) async fn task(&self) -> Result<Task, Failure> {
        self.ask(Method::GET, "", &()).await
    }

    /// Stores one part.
    pub(super) async fn put_part(&self, part: &PartRequest, content: Bytes) -> Result<(), Failure> {
        // A grant may expire while the store is away: each try asks for a new one.
        let what = format!("storing {}", part.name);
        retry(&what, || async {
            let grant: Grant = self.ask(Method::POST, "/parts", part).await.map_err(Problem::Lasting)?;
            let mut request = self.inner.store.put(grant.url).body(content.clone());
            for (name, value) in &grant.headers {
                request = request.header(name, value);
            }
            let answer = request.send().await.map_err(passing)?;
            match answer.status() {
                status if status.is_success() => Ok(()),
                status => Err(Problem::Passing(format!("the object store answers {status}"))),
            }
        })
        .await
    }

    /// Leaves the record of a finished segment.
    pub(super) async fn segment(&self, done: &SegmentDone) -> Result<(), Failure> {
        self.tell("/segments", done).await
    }

    /// Says that all is copied.
    pub(super) async fn finish(&self, finish: &Finish) -> Result<(), Failure> {
        self.tell("/finish", finish).await
    }

    /// Hands over the log.
    pub(super) async fn put_log(&self, text: String) -> Result<(), Failure> {
        self.tell("/log", &text).await
    }

    async fn tell(&self, path: &str, body: &impl Serialize) -> Result<(), Failure> {
        self.ask(Method::POST, path, body).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let what = format!("asking the operator ({method} {})", if path.is_empty() { "/" } else { path });
        let url: Url = format!("{}{path}", self.inner.base).parse().map_err(|e| Failure::again(&what, e))?;
        retry(&what, || async {
            let request = self.inner.grants.request(method.clone(), url.clone());
            let request = if method == Method::GET { request } else { request.json(body) };
            let answer = self.authorized(request)?.send().await.map_err(passing)?;
            read(answer).await
        })
        .await
    }

    /// Reads the token anew each time: the kubelet replaces it before it expires.
    fn authorized(&self, request: RequestBuilder) -> Result<RequestBuilder, Problem> {
        let token = std::fs::read_to_string(&self.inner.token)
            .map_err(|e| Problem::Passing(format!("reading {}: {e}", self.inner.token.display())))?;
        Ok(request.bearer_auth(token.trim()))
    }
}

fn passing(error: reqwest::Error) -> Problem {
    // Without the URL: a grant's URL is a secret while it lasts.
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    Problem::Passing(text)
}

async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, Problem> {
    let status = answer.status();
    if status.is_success() {
        return answer.json().await.map_err(passing);
    }
    let said: String = answer.text().await.unwrap_or_default().chars().take(300).collect();
    Err(match status {
        StatusCode::CONFLICT | StatusCode::GONE | StatusCode::NOT_FOUND => Problem::Lasting(Failure::refused(
            "ExportOver",
            format!("the operator does not expect this copy any more: {said}"),
        )),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::Lasting(Failure::refused("Misunderstood", format!("the operator answers {status}: {said}")))
        }
        // 401 and 403 too: a token may just be being replaced, or the operator's view be a moment old.
        _ => Problem::Passing(format!("the operator answers {status}: {said}")),
    })
}

async fn retry<T, F: Future<Output = Result<T, Problem>>>(
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> Result<T, Failure> {
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(Problem::Lasting(failure)) => return Err(failure),
            Err(Problem::Passing(error)) if tries >= TRIES => return Err(Failure::again(what, error)),
            Err(Problem::Passing(error)) => {
                tracing::warn!(tries, error, "{what} failed; trying again");
                tokio::time::sleep(Duration::from_secs(1 << (tries - 1))).await;
            }
        }
    }
}
