//! Our few static files, compiled in, addressed by their digest.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::header;
use sha2::{Digest as _, Sha256};

use crate::error::{Code, Problem};

struct Asset {
    kind: &'static str,
    content: &'static [u8],
    address: String,
}

macro_rules! assets {
    ($($name:literal, $kind:literal;)+) => {
        [$(($name, $kind, include_bytes!(concat!("../../../web/static/", $name)).as_slice()),)+]
    };
}

static ASSETS: LazyLock<BTreeMap<&'static str, Asset>> = LazyLock::new(|| {
    let files = assets! {
        "steppe.css", "text/css; charset=utf-8";
        "live.js", "text/javascript; charset=utf-8";
        "icon.svg", "image/svg+xml";
        "horizon.svg", "image/svg+xml";
        "htmx.js", "text/javascript; charset=utf-8";
    };
    let asset = |(name, kind, content): (&'static str, &'static str, &'static [u8])| {
        let digest = hex::encode(&Sha256::digest(content)[..6]);
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        (name, Asset { kind, content, address: format!("/static/{stem}.{digest}.{ending}") })
    };
    files.into_iter().map(asset).collect()
});

/// The address of a file; unknown names give one that is not found.
#[must_use]
pub fn address(name: &str) -> String {
    ASSETS.get(name).map_or_else(|| format!("/static/{name}"), |asset| asset.address.clone())
}

/// Serves a file. What is at an address never changes.
///
/// # Errors
/// `not-found`.
pub async fn serve(Path(file): Path<String>) -> Result<Response, Problem> {
    let wanted = format!("/static/{file}");
    let asset = ASSETS.values().find(|asset| asset.address == wanted).ok_or(Problem::new(Code::NotFound))?;
    let headers = [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, asset.content).into_response())
}
