//! A file of a bundle, as bytes: whole, or from where a download broke off.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bundle::format::ObjectName;
use domain::id::{ExportId, InstanceId};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::range::{Wanted, wanted};
use crate::app::download::{By, may_fetch};
use crate::app::export::is_there;
use crate::auth::secret::Secret;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::gateway::objects::{Meta, Objects};
use crate::pages::{Path, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::export::Export;
use crate::store::instance::Instance;

/// The file. A browser shows its session, a script the secret it was given.
///
/// # Errors
/// `not-found`, `unauthenticated`, `forbidden`, `download-paused`, `unavailable`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path((id, export, name)): Path<(String, String, String)>,
    headers: HeaderMap,
    signed: Option<Signed>,
) -> Result<Response, Problem> {
    let by = by(&headers, signed)?;
    let (instance, export) = find(&platform, &id, &export).await?;
    if let Err(problem) = may_fetch(&platform, &by, &instance, &export).await {
        return refuse(problem, &by, &format!("/servers/{}/exports/{}", instance.id, export.id));
    }
    let bundle = export.bundle.as_ref().filter(|_| is_there(&export)).ok_or(Problem::new(Code::NotFound))?;
    let name = ObjectName::parse(&name).map_err(|_| Problem::new(Code::NotFound))?;
    let key = format!("{}{}", bundle.prefix, name.as_str());
    let mut connection = platform.pool.acquire().await?;
    let cell = store::cell::find(&mut connection, instance.cell).await?.ok_or(Problem::new(Code::NotFound))?;
    drop(connection);
    let store = platform.stores.of(&cell.name).await?;
    answer(store.as_ref(), &key, name.as_str(), &headers).await
}

fn by(headers: &HeaderMap, signed: Option<Signed>) -> Result<By, Problem> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match (given.and_then(|text| text.strip_prefix("Bearer ")), signed) {
        // Not `unauthenticated`: that leads to a page, which a script would take for the file.
        (Some(secret), _) => Secret::parse(secret.trim()).map(By::Script).ok_or(Problem::new(Code::Forbidden)),
        (None, Some(signed)) => Ok(By::Browser(Box::new(signed))),
        (None, None) => Err(Problem::new(Code::Unauthenticated)),
    }
}

/// A person without a permission goes where one is given; a script must not take a page for a file.
fn refuse(problem: Problem, by: &By, bundle: &str) -> Result<Response, Problem> {
    match (by, problem.code) {
        (By::Browser(_), Code::PasswordNeeded) => Ok(see_other(bundle)),
        (By::Script(_), Code::Unauthenticated) => Err(Problem::new(Code::Forbidden)),
        _ => Err(problem),
    }
}

async fn find(platform: &Platform, id: &str, export: &str) -> Result<(Instance, Export), Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id: InstanceId = id.parse().map_err(|_| missing())?;
    let export: ExportId = export.parse().map_err(|_| missing())?;
    let mut connection = platform.pool.acquire().await?;
    let instance = store::instance::find(&mut connection, id).await?.ok_or_else(missing)?;
    let export = store::export::find(&mut connection, export).await?;
    Ok((instance, export.filter(|one| one.instance == id).ok_or_else(missing)?))
}

async fn answer(store: &dyn Objects, key: &str, name: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let meta = store.head(key).await?;
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    // A download of another version of the file must not be glued to this one.
    let same = text(header::IF_RANGE).is_none_or(|tag| meta.tag.as_deref() == Some(tag));
    let (status, range) = match wanted(text(header::RANGE).filter(|_| same), meta.size) {
        Wanted::All => (StatusCode::OK, 0..meta.size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Nothing => {
            let size = [(header::CONTENT_RANGE, format!("bytes */{}", meta.size))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, size).into_response());
        }
    };
    let content = store.read(key, range.clone()).await?;
    let mut response = (status, Body::from_stream(content)).into_response();
    describe(response.headers_mut(), &meta, status, &range, name)?;
    Ok(response)
}

fn describe(
    headers: &mut HeaderMap,
    meta: &Meta,
    status: StatusCode,
    range: &Range<u64>,
    name: &str,
) -> Result<(), Problem> {
    let value = |text: String| HeaderValue::from_str(&text).map_err(Problem::internal);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    // A folder in the name becomes part of the file's own.
    let plain = name.replace('/', "-");
    headers.insert(header::CONTENT_DISPOSITION, value(format!("attachment; filename=\"{plain}\""))?);
    if status == StatusCode::PARTIAL_CONTENT {
        let told = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), meta.size);
        headers.insert(header::CONTENT_RANGE, value(told)?);
    }
    if let Some(tag) = &meta.tag {
        headers.insert(header::ETAG, value(tag.clone())?);
    }
    Ok(())
}
