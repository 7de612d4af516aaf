//! Ordering a server: one page, which works without script.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::id::{OfferId, OrganizationId};
use domain::label::ServerName;
use domain::money::{Period, Tax};
use domain::offer::{Approval, Conditions};
use domain::{Email, Money, Right};
use http::StatusCode;
use names::{Handle, Hostname};
use serde::Deserialize;

use crate::app::order::{Wish, is_free, place, zones};
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::pages::form::Check;
use crate::pages::{Form, Page, Query, html, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::offer::Offer;
use crate::store::terms::Terms;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    organization: String,
    /// The offer and the price that was shown with it: `ofr_… 500 EUR`.
    offer: String,
    label: String,
    zone: String,
    owner_handle: String,
    owner_email: String,
    agree: Option<String>,
    terms: String,
    processing: String,
    /// The button that only asks whether the name is free.
    check: Option<String>,
}

/// An offer as a card.
struct Card {
    value: String,
    name: String,
    description: String,
    price: String,
    free: bool,
    approval: bool,
    full: bool,
    chosen: bool,
}

/// An organization that may be ordered for.
struct For {
    id: String,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "orders/place.html")]
struct PlacePage<'a> {
    page: &'a Page,
    cards: Vec<Card>,
    organizations: Vec<For>,
    zones: Vec<String>,
    input: &'a Input,
    problem: Option<&'a Problem>,
    free: bool,
}

impl PlacePage<'_> {
    /// Whether something may have to be paid: the button says so then, as § 312j (3) BGB wants it. Where there are both, the style
    /// shows the words that belong to the offer that is chosen; a browser without it shows the stricter ones.
    fn costs(&self) -> bool {
        self.cards.iter().any(|card| !card.free)
    }

    /// Whether something may be had for nothing.
    fn is_free(&self) -> bool {
        self.cards.iter().any(|card| card.free)
    }
}

/// The empty form, with what is known of its reader filled in. An offer and a name can be given in the address.
///
/// # Errors
/// `forbidden` for who may order nowhere; `unconfirmed`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Query(input): Query<Input>,
    signed: Signed,
) -> Result<Response, Problem> {
    may_anywhere(&platform, &signed)?;
    let mut connection = platform.pool.acquire().await?;
    let Terms { terms, processing } = store::terms::current(&mut connection, platform.now()).await?;
    drop(connection);
    let owner_email = Some(input.owner_email).filter(|text| !text.is_empty());
    let input = Input {
        owner_email: owner_email.unwrap_or_else(|| signed.account.email.to_string()),
        terms,
        processing,
        agree: None,
        check: None,
        ..input
    };
    page(&platform, &signed, &input, None, false).await
}

/// The form that was sent: ordered, or shown again with what is wrong.
///
/// # Errors
/// What cannot be put right in the form.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    may_anywhere(&platform, &signed)?;
    if input.check.is_some() {
        return check_name(&platform, &signed, &input).await;
    }
    let done = match parse(&platform, &signed, &input) {
        Ok(wish) => place(&platform, &signed.actor(), &signed.account, wish).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(order) => Ok(see_other(&format!("/orders/{order}"))),
        Err(problem) if problem.is_about_input() => page(&platform, &signed, &input, Some(&problem), false).await,
        Err(problem) => Err(problem),
    }
}

fn may_anywhere(platform: &Platform, signed: &Signed) -> Result<(), Problem> {
    let found = signed.memberships.iter().find(|one| one.role.may(Right::Order));
    let found = found.ok_or(Problem::new(Code::Forbidden))?;
    signed.demand(platform, found.organization, Right::Order).map(drop)
}

async fn check_name(platform: &Platform, signed: &Signed, input: &Input) -> Result<Response, Problem> {
    let zone: Result<Hostname, _> = input.zone.parse();
    let name = zone
        .map_err(|_| "label-zone")
        .and_then(|zone| ServerName::parse(&input.label, &zone).map_err(domain::label::LabelError::code));
    let code = match name {
        Err(code) => Some(code),
        Ok(name) if is_free(platform, &name).await? => None,
        Ok(_) => Some("label-taken"),
    };
    let problem = code.map(|code| Problem::field("label", code));
    page(platform, signed, input, problem.as_ref(), problem.is_none()).await
}

fn parse(platform: &Platform, signed: &Signed, input: &Input) -> Result<Wish, Problem> {
    let organization: Option<OrganizationId> = input.organization.parse().ok();
    let organization = organization.ok_or(Problem::new(Code::NotFound))?;
    signed.demand(platform, organization, Right::Order)?;
    let mut check = Check::default();
    let offer = check.take("offer", offer(&input.offer).ok_or("offer-needed"));
    let zone: Option<Hostname> = check.take("label", input.zone.parse().map_err(|_| "label-zone"));
    if let Some(zone) = &zone {
        check.take("label", ServerName::parse(&input.label, zone).map_err(domain::label::LabelError::code));
    }
    let handle = input.owner_handle.trim().trim_start_matches('@').to_ascii_lowercase();
    let handle = check.take("owner_handle", handle.parse::<Handle>().map_err(|_| "handle-form"));
    let email = check.take("owner_email", input.owner_email.parse::<Email>().map_err(|error| error.code()));
    let agreed = check.take("agree", input.agree.as_ref().map(drop).ok_or("agree-needed"));
    if !check.is_good() {
        return Err(check.problem());
    }
    match (offer, zone, handle, email, agreed) {
        (Some((offer, price)), Some(zone), Some(owner_handle), Some(owner_email), Some(())) => Ok(Wish {
            organization,
            offer,
            price,
            label: input.label.clone(),
            zone,
            owner_handle,
            owner_email,
            terms: Terms { terms: input.terms.clone(), processing: input.processing.clone() },
        }),
        _ => Err(check.problem()),
    }
}

/// What is ordered, and what it was said to cost.
fn offer(text: &str) -> Option<(OfferId, Money)> {
    let mut parts = text.split(' ');
    let (id, minor, code) = (parts.next()?, parts.next()?, parts.next()?);
    Some((id.parse().ok()?, Money::new(minor.parse().ok()?, code).ok()?))
}

async fn page(
    platform: &Platform,
    signed: &Signed,
    input: &Input,
    problem: Option<&Problem>,
    free: bool,
) -> Result<Response, Problem> {
    let page = Page::to(signed);
    let mut connection = platform.pool.acquire().await?;
    let offers = store::offer::current(&mut connection).await?;
    let rooms = store::cell::rooms(&mut connection).await?;
    let zones = zones(&mut connection).await?;
    let mut cards = Vec::new();
    for offer in &offers {
        let size = offer.offer.conditions.size;
        let room = rooms.iter().any(|room| room.size == size && room.taken < room.places);
        let full = !room || store::order::is_waited_for(&mut connection, size).await?;
        let chosen = offers.len() == 1 || input.offer.starts_with(&offer.offer.id.to_string());
        cards.push(card(&page, offer, full, chosen));
    }
    // What was chosen is not offered any more: the first one is as good as any.
    if !cards.iter().any(|card| card.chosen)
        && let Some(first) = cards.first_mut()
    {
        first.chosen = true;
    }
    let may = signed.memberships.iter().filter(|one| one.role.may(Right::Order));
    let organizations = may.map(|one| {
        let id = one.organization.to_string();
        For { chosen: id == input.organization, name: one.name.clone(), id }
    });
    let shown = PlacePage {
        organizations: organizations.collect(),
        zones: zones.iter().map(ToString::to_string).collect(),
        page: &page,
        cards,
        input,
        problem,
        free,
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &shown)
}

fn card(page: &Page, offer: &Offer, full: bool, chosen: bool) -> Card {
    let conditions = &offer.offer.conditions;
    let locale = page.texts().locale();
    Card {
        value: format!("{} {} {}", offer.offer.id, conditions.price.minor, conditions.price.code()),
        name: offer.texts.name(locale).to_owned(),
        description: offer.texts.description(locale).to_owned(),
        price: price(page, conditions),
        free: conditions.price.is_free(),
        approval: conditions.approval == Approval::Staff || !conditions.price.is_free(),
        full,
        chosen,
    }
}

/// A price in words: how much, how often, with or without tax.
pub(super) fn price(page: &Page, conditions: &Conditions) -> String {
    if conditions.price.is_free() {
        return page.t("price-free");
    }
    let amount = conditions.price.in_locale(page.texts().locale());
    let id = match (conditions.period, conditions.tax) {
        (Period::Month, Tax::Inclusive) => "price-month-inclusive",
        (Period::Month, Tax::Exclusive) => "price-month-exclusive",
        (Period::Year, Tax::Inclusive) => "price-year-inclusive",
        (Period::Year, Tax::Exclusive) => "price-year-exclusive",
    };
    page.t1(id, "price", amount)
}
