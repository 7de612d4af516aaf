//! Placing an order.

use std::sync::Arc;

use axum::extract::State;
use domain::id::{OfferId, OrganizationId};
use domain::label::ServerName;
use domain::scope::Scope;
use domain::{Email, Money, Right};
use names::{Handle, Hostname};
use serde::Deserialize;
use utoipa::ToSchema;

use super::OrderBody;
use crate::api::offers::list::TermsBody;
use crate::api::schema::{self, MoneyBody};
use crate::api::{BASE, Created, Json, Path};
use crate::app::order::{Wish, place as carry_out};
use crate::auth::caller::Caller;
use crate::error::{Check, Problem};
use crate::platform::Platform;
use crate::store::terms::Terms;

/// A server that somebody wants.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceBody {
    /// What is ordered.
    #[schema(value_type = schema::OfferId)]
    offer: String,
    /// The price that was read with it.
    price: MoneyBody,
    /// The first part of the server's name: 3 to 40 letters a to z, digits and hyphens.
    #[schema(example = "birds", min_length = 3, max_length = 40)]
    label: String,
    /// The rest of it, one of the zones listed with the offers.
    #[schema(example = "servers.example")]
    zone: String,
    #[schema(value_type = schema::Handle)]
    owner_handle: String,
    /// Where its owner reads mail.
    #[schema(example = "ada@birds.example", format = "email")]
    owner_email: String,
    /// What is agreed to: as listed with the offers.
    accepted_terms: TermsBody,
}

/// Place an order
///
/// The name is held from then on. A server is begun at once when there is room and nobody must agree; otherwise the order
/// waits, and says for what.
#[utoipa::path(
    post, path = "/organizations/{organization}/orders", tag = "Orders", operation_id = "orders_place",
    params(("organization" = schema::OrganizationId, Path)),
    request_body = PlaceBody,
    responses((status = 201, description = "The order", body = OrderBody, headers(("Location" = String)))),
    security(("token" = ["orders:write"]), ("session" = [])),
    extensions(("x-right" = json!("order"))),
)]
pub async fn place(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
    Json(body): Json<PlaceBody>,
) -> Result<Created<OrderBody>, Problem> {
    caller.demand(&platform, organization, Scope::OrdersWrite, Right::Order)?;
    let wish = parse(organization, body)?;
    let id = carry_out(&platform, &caller.actor(), caller.account(), wish).await.map_err(in_words_of_the_body)?;
    Ok(Created(format!("{BASE}/orders/{id}"), OrderBody::read(&platform, id).await?))
}

fn parse(organization: OrganizationId, body: PlaceBody) -> Result<Wish, Problem> {
    let mut check = Check::default();
    let offer = check.take("offer", body.offer.parse::<OfferId>().map_err(|_| "offer-needed"));
    let price = check.take("price", Money::new(body.price.minor, &body.price.currency).map_err(|_| "currency-unknown"));
    let zone = check.take("zone", body.zone.parse::<Hostname>().map_err(|_| "zone-unknown"));
    if let Some(zone) = &zone {
        check.take("label", ServerName::parse(&body.label, zone).map_err(domain::label::LabelError::code));
    }
    let handle = check.take("owner_handle", body.owner_handle.parse::<Handle>().map_err(|_| "handle-form"));
    let email = check.take("owner_email", body.owner_email.parse::<Email>().map_err(|error| error.code()));
    match (offer, price, zone, handle, email) {
        (Some(offer), Some(price), Some(zone), Some(owner_handle), Some(owner_email)) if check.is_good() => Ok(Wish {
            organization,
            offer,
            price,
            label: body.label,
            zone,
            owner_handle,
            owner_email,
            terms: Terms { terms: body.accepted_terms.terms, processing: body.accepted_terms.processing },
        }),
        _ => Err(check.problem()),
    }
}

/// The page's form has another name for the agreement.
fn in_words_of_the_body(mut problem: Problem) -> Problem {
    for field in problem.fields.iter_mut().filter(|field| field.name == "agree") {
        field.name = "accepted_terms".into();
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_told_at_once() {
        let body: PlaceBody = serde_json::from_value(serde_json::json!({
            "offer": "inst_1", "price": { "minor": 0, "currency": "XXX" }, "label": "a--b", "zone": "servers.example",
            "owner_handle": "Ada!", "owner_email": "nobody", "accepted_terms": { "terms": "1", "processing": "1" },
        }))
        .unwrap();
        let organization = OrganizationId::from(uuid::Uuid::nil());
        let problem = parse(organization, body.clone()).unwrap_err();
        let fields: Vec<_> = problem.fields.iter().map(|field| field.name.as_ref()).collect();
        assert_eq!(fields, ["offer", "price", "owner_handle", "owner_email"], "{problem}");
        let body = PlaceBody { zone: "no zone".to_owned(), ..body };
        assert_eq!(parse(organization, body).unwrap_err().of("zone"), Some("zone-unknown"));
    }
}
