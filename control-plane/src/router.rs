//! What is served where, and what every request goes through.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use http::{HeaderName, HeaderValue, StatusCode, header};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _};
use tower_http::csrf::CsrfLayer;
use tower_http::timeout::TimeoutLayer;

use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::request::REQUEST_ID;
use crate::{api, pages, staff};

/// No form of ours is larger.
const BODY: usize = 64 * 1024;
/// The type of files that are bytes to us.
const BYTES: &str = "application/octet-stream";
/// No page takes longer; what does is an operation.
const TIME: Duration = Duration::from_secs(30);

/// Nothing is loaded from anywhere else, no script but our own runs, nobody frames us, and no form goes elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What customers see.
pub fn public(platform: Arc<Platform>) -> Router {
    // From the inside out: the last one sees a request first.
    let pages = common(pages::router())
        .layer(CsrfLayer::new())
        .layer(from_fn(cross_site))
        .layer(from_fn_with_state(platform.clone(), pages::render));
    // A browser that is logged in may call it, too: only from pages of ours.
    let api =
        common(api::router(&platform)).layer(CsrfLayer::new()).layer(from_fn_with_state(platform.clone(), api::render));
    let every = ServiceBuilder::new().layer(from_fn_with_state(platform.clone(), identify)).layer(from_fn(headers));
    let stray = stray(&["/v1/"], &platform);
    Router::new().nest(api::BASE, api).merge(stray).merge(pages).layer(every).with_state(platform)
}

/// What staff see.
pub fn staff(platform: Arc<Platform>) -> Router {
    let pages = common(staff::pages())
        .layer(CsrfLayer::new())
        .layer(from_fn(cross_site))
        .layer(from_fn_with_state(platform.clone(), staff::render));
    // Whether the process serves: asked by what keeps it running, which is let in on this side.
    let health = Router::new().route("/healthz", get(async || "ok\n"));
    // A token is asked for with the cookie, so its endpoint is as careful about where a request comes from as pages are.
    let api = common(staff::api::router(&platform))
        .layer(CsrfLayer::new())
        .layer(from_fn(cross_site))
        .layer(from_fn_with_state(platform.clone(), api::render));
    let every = ServiceBuilder::new().layer(from_fn_with_state(platform.clone(), identify)).layer(from_fn(headers));
    let stray = stray(&["/v1", "/v1/", "/v1/{*rest}", "/v1/staff/"], &platform);
    Router::new().nest("/v1/staff", api).merge(stray).merge(pages).merge(health).layer(every).with_state(platform)
}

/// What all surfaces have in common.
fn common(routes: Router<Arc<Platform>>) -> Router<Arc<Platform>> {
    routes
        .fallback(not_found)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(BODY))
        // Parts of bundles are compressed already, and their lengths must stay what they are.
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(NotForContentType::const_new(BYTES))))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIME))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Problem::internal(anyhow::anyhow!("a handler panicked")).into_response()
        }))
}

/// Paths that only a program asks for and that a nested router does not see: it is answered as programs are.
fn stray(paths: &[&str], platform: &Arc<Platform>) -> Router<Arc<Platform>> {
    let routes = paths.iter().fold(Router::new(), |routes, path| routes.route(path, any(not_found)));
    routes.layer(from_fn_with_state(platform.clone(), api::render))
}

async fn not_found() -> Problem {
    Problem::new(Code::NotFound)
}

async fn no_such_method() -> Problem {
    Problem::new(Code::MethodNotAllowed)
}

/// The layer below answers a bare 403 to forms from other sites; its reader gets a page.
async fn cross_site(request: axum::extract::Request, next: Next) -> Response {
    let unsafe_method = !request.method().is_safe();
    let response = next.run(request).await;
    let bare = response.status() == StatusCode::FORBIDDEN && response.extensions().get::<Problem>().is_none();
    if unsafe_method && bare { Problem::new(Code::CrossSite).into_response() } else { response }
}

/// Gives each request an id; one that a proxy of ours gave is kept.
async fn identify(State(platform): State<Arc<Platform>>, mut request: axum::extract::Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).filter(|id| platform.config.proxies > 0 && is_plain(id)).cloned();
    let made = || platform.random::<10>().ok().and_then(|bytes| HeaderValue::from_str(&hex::encode(bytes)).ok());
    let id = given.or_else(made).unwrap_or(HeaderValue::from_static("unknown"));
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn is_plain(id: &HeaderValue) -> bool {
    id.len() <= 64 && id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

async fn headers(request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    // A page is its reader's alone, unless it says that it is everybody's.
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
