//! What to do first with a new server, and with which apps.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use http::StatusCode;
use names::Flavour;

use super::{Frame, visit};
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Page, Path, html};
use crate::platform::Platform;
use crate::store::instance::Instance;

/// An app, and what it runs on. Names are the same in all languages.
struct App {
    name: &'static str,
    on: &'static str,
    link: &'static str,
}

/// Apps that speak the Mastodon API and are kept up, each with its own site.
const APPS: [App; 5] = [
    App { name: "Tusky", on: "Android", link: "https://tusky.app" },
    App { name: "Ivory", on: "iOS, macOS", link: "https://tapbots.com/ivory/" },
    App { name: "Ice Cubes", on: "iOS, macOS", link: "https://github.com/Dimillian/IceCubesApp" },
    App { name: "Elk", on: "Web", link: "https://elk.zone" },
    App { name: "Tuba", on: "Linux", link: "https://tuba.geopjr.dev" },
];

#[derive(Template)]
#[template(path = "servers/guide.html")]
struct GuidePage<'a> {
    page: &'a Page,
    frame: &'a Frame,
    instance: &'a Instance,
    apps: &'static [App],
    /// Where the owner logs in with a browser.
    log_in: String,
    has_sign_up: bool,
}

/// First steps and apps.
///
/// # Errors
/// `not-found`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::See, "").await?;
    let frame = visit.frame(&platform, &signed, "/guide").await?;
    let instance = &visit.instance;
    let (path, has_sign_up) = match instance.flavour {
        // snac's pages of an account are below its name; `/admin` in there asks for the password.
        Flavour::Snac => (format!("{}/admin", instance.owner_handle), false),
        Flavour::Mastodon | Flavour::GlitchSoc => ("auth/sign_in".to_owned(), true),
        Flavour::GoToSocial => ("settings".to_owned(), false),
    };
    let shown = GuidePage {
        page: &Page::to(&signed),
        frame: &frame,
        instance,
        apps: &APPS,
        log_in: format!("https://{}/{path}", instance.hostname),
        has_sign_up,
    };
    html(StatusCode::OK, &shown)
}
