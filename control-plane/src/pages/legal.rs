//! Who runs this, and what is agreed on. The texts are examples; whoever runs a host has them looked at by counsel.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Page, html};
use crate::platform::Platform;
use crate::request::Request;
use crate::store;

#[derive(Template)]
#[template(path = "legal/imprint.html")]
struct ImprintPage<'a> {
    page: &'a Page,
    operator: &'a [String],
    support: &'a str,
}

/// A text in sections.
#[derive(Template)]
#[template(path = "legal/text.html")]
struct TextPage<'a> {
    page: &'a Page,
    text: &'static str,
    /// The ids of each section's heading and of what stands below it.
    sections: Vec<[String; 2]>,
    /// Which version is in force, for texts that people agree to.
    version: Option<String>,
    support: &'a str,
}

const PRIVACY: &[&str] = &["who", "what", "why", "share", "long", "reports", "rights", "cookies"];
const TERMS: &[&str] = &["what", "yours", "conduct", "price", "stop", "leave", "change"];
const PROCESSING: &[&str] = &["subject", "roles", "instructions", "security", "helpers", "breach", "end"];

fn sections(text: &str, names: &[&str]) -> Vec<[String; 2]> {
    names.iter().map(|name| [format!("{text}-{name}"), format!("{text}-{name}-text")]).collect()
}

fn page(request: &Request, signed: Option<&Signed>) -> Page {
    signed.map_or_else(|| Page::of(request), Page::to)
}

/// Who runs this host.
///
/// # Errors
/// When its template fails.
pub async fn imprint(
    State(platform): State<Arc<Platform>>,
    request: Request,
    signed: Option<Signed>,
) -> Result<Response, Problem> {
    let page = &page(&request, signed.as_ref());
    let (operator, support) = (platform.config.operator.as_slice(), platform.config.support.as_str());
    html(StatusCode::OK, &ImprintPage { page, operator, support })
}

/// What is known about people, and why.
///
/// # Errors
/// When its template fails.
pub async fn privacy(
    State(platform): State<Arc<Platform>>,
    request: Request,
    signed: Option<Signed>,
) -> Result<Response, Problem> {
    let page = &page(&request, signed.as_ref());
    let support = platform.config.support.as_str();
    html(
        StatusCode::OK,
        &TextPage { page, text: "privacy", sections: sections("privacy", PRIVACY), version: None, support },
    )
}

/// The terms of service in force.
///
/// # Errors
/// When the database cannot be reached.
pub async fn terms(
    State(platform): State<Arc<Platform>>,
    request: Request,
    signed: Option<Signed>,
) -> Result<Response, Problem> {
    let page = &page(&request, signed.as_ref());
    let version = Some(store::terms::current(&mut *platform.pool.acquire().await?, platform.now()).await?.terms);
    let support = platform.config.support.as_str();
    html(StatusCode::OK, &TextPage { page, text: "terms", sections: sections("terms", TERMS), version, support })
}

/// The data-processing agreement in force.
///
/// # Errors
/// When the database cannot be reached.
pub async fn processing(
    State(platform): State<Arc<Platform>>,
    request: Request,
    signed: Option<Signed>,
) -> Result<Response, Problem> {
    let page = &page(&request, signed.as_ref());
    let version = Some(store::terms::current(&mut *platform.pool.acquire().await?, platform.now()).await?.processing);
    let support = platform.config.support.as_str();
    html(
        StatusCode::OK,
        &TextPage { page, text: "processing", sections: sections("processing", PROCESSING), version, support },
    )
}

#[cfg(test)]
mod tests {
    use domain::Locale;

    use super::*;
    use crate::text::Texts;

    #[test]
    fn no_section_is_missing() {
        for (text, names) in [("privacy", PRIVACY), ("terms", TERMS), ("processing", PROCESSING)] {
            for id in sections(text, names).iter().flatten() {
                assert_ne!(&Texts::new(Locale::En).get(id), id);
            }
        }
    }
}
