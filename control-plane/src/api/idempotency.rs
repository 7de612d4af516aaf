//! `Idempotency-Key`: a POST that is sent again is answered as the first time and done once.
//!
//! The key is the caller's: two callers' equal keys are two keys, and who lost their token is not answered. Answers are kept
//! for a day. An answer that says "try again" is not kept, and one with a secret in it is not either.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Method, StatusCode, header};
use sha2::{Digest as _, Sha256};

use super::body::Secret;
use crate::actor::Actor;
use crate::auth::caller::Caller;
use crate::auth::staff::StaffSigned;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store::idempotency_key::{self, Answer, Found};

/// The header (draft-ietf-httpapi-idempotency-key-header-07).
const HEADER: &str = "idempotency-key";
/// As much of a body as is compared and kept.
const MOST: usize = 256 * 1024;
/// Headers of an answer that are kept with it.
const KEPT: [header::HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// Whose keys they are: who has proved who they are.
pub trait Holder: FromRequestParts<Arc<Platform>, Rejection = Problem> + Send {
    /// As the audit log knows them.
    fn actor(&self) -> Actor;
}

impl Holder for Caller {
    fn actor(&self) -> Actor {
        Self::actor(self)
    }
}

impl Holder for StaffSigned {
    fn actor(&self) -> Actor {
        Self::actor(self)
    }
}

/// Answers a repeated POST from what was kept for its holder.
pub async fn remember<H: Holder>(State(platform): State<Arc<Platform>>, request: Request, next: Next) -> Response {
    match attempt::<H>(&platform, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn attempt<H: Holder>(platform: &Arc<Platform>, request: Request, next: Next) -> Result<Response, Problem> {
    let given = request.headers().get(HEADER).filter(|_| request.method() == Method::POST).cloned();
    let Some(given) = given else {
        return Ok(next.run(request).await);
    };
    let (mut parts, body) = request.into_parts();
    let holder = H::from_request_parts(&mut parts, platform).await?;
    let key = key(&holder.actor(), &given)?;
    let body = axum::body::to_bytes(body, MOST).await.map_err(|_| Problem::new(Code::TooLarge))?;
    let hash = fingerprint(parts.uri.path(), &body);
    let mut connection = platform.pool.acquire().await?;
    match idempotency_key::begin(&mut connection, &key, &hash, platform.now()).await? {
        Found::New => {}
        Found::Other => return Err(Problem::new(Code::KeyReused)),
        Found::Busy => return Err(Problem::new(Code::KeyBusy).retry_after(2)),
        Found::Answered(answer) => return Ok(again(answer)),
    }
    drop(connection);
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    keep(platform, &key, response).await
}

fn key(holder: &Actor, given: &HeaderValue) -> Result<String, Problem> {
    let text = given.to_str().ok().filter(|text| (1..=200).contains(&text.len()));
    let text = text.ok_or(Problem::field("Idempotency-Key", "key-length"))?;
    Ok(format!("{}/{text}", holder.who))
}

fn fingerprint(path: &str, body: &Bytes) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(path.as_bytes());
    hash.update([0]);
    hash.update(body);
    hash.finalize().to_vec()
}

async fn keep(platform: &Platform, key: &str, response: Response) -> Result<Response, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let status = response.status();
    // Not yet rendered: a problem is kept as its status and rendered anew for its reader.
    let again = status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || response.extensions().get::<Problem>().is_some()
        || response.extensions().get::<Secret>().is_some();
    if again {
        idempotency_key::forget(&mut connection, key).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, MOST).await.map_err(Problem::internal)?;
    let headers = KEPT.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let answer = Answer { status: status.as_u16(), headers: headers.collect(), body: body.to_vec() };
    idempotency_key::answer(&mut connection, key, &answer).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn again(answer: Answer) -> Response {
    let mut response = Body::from(answer.body).into_response();
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<header::HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
