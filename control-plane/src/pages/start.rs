//! The first page: what this is, for those who only look; their servers, for those who are logged in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::money::Period;
use http::StatusCode;

use super::servers;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Page, html};
use crate::platform::Platform;
use crate::request::Request;
use crate::store;

#[derive(Template)]
#[template(path = "start.html")]
struct StartPage<'a> {
    page: &'a Page,
    /// The lowest monthly price, written out; none when nothing can be ordered or it costs nothing.
    price: Option<String>,
    free: bool,
}

/// The first page.
///
/// # Errors
/// When the database cannot be reached.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    request: Request,
    signed: Option<Signed>,
) -> Result<Response, Problem> {
    if let Some(signed) = signed {
        return servers::list::show(State(platform), signed).await;
    }
    let mut connection = platform.pool.acquire().await?;
    let offers = store::offer::current(&mut connection).await?;
    let monthly = offers.iter().map(|one| &one.offer.conditions).filter(|one| one.period == Period::Month);
    let lowest = monthly.map(|one| one.price).min_by_key(|price| price.minor);
    let free = lowest.is_some_and(domain::Money::is_free);
    let price = lowest.filter(|price| !price.is_free()).map(|price| price.in_locale(request.texts.locale()));
    html(StatusCode::OK, &StartPage { page: &Page::of(&request), price, free })
}
