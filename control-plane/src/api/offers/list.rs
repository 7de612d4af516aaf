//! What can be ordered, where, and on which terms.

use std::sync::Arc;

use axum::extract::State;
use domain::id::{OfferId, OrganizationId};
use domain::money::{Period, Tax};
use domain::offer::Approval;
use domain::scope::Scope;
use domain::{Locale, Right};
use names::{Flavour, Size};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::schema::{self, MoneyBody};
use crate::api::{Json, Path};
use crate::app::order::zones;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;
use crate::store::offer::Offer;
use crate::store::terms::Terms;

/// Something that can be ordered.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferBody {
    #[schema(value_type = schema::OfferId)]
    id: OfferId,
    /// The name that all versions of it share.
    #[schema(example = "snac-small")]
    slug: String,
    /// For people, in the caller's language.
    #[schema(example = "Small")]
    name: String,
    /// The same at more length.
    description: String,
    #[schema(value_type = schema::Flavour)]
    flavour: Flavour,
    #[schema(value_type = schema::Size)]
    size: Size,
    price: MoneyBody,
    #[schema(value_type = schema::Tax)]
    tax: Tax,
    #[schema(value_type = schema::Period)]
    period: Period,
    #[schema(value_type = schema::Approval)]
    approval: Approval,
}

/// Versions of the texts that are agreed to with an order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsBody {
    /// The terms of service.
    #[schema(example = "2026-11-01")]
    pub terms: String,
    /// The data-processing agreement.
    #[schema(example = "2026-11-01")]
    pub processing: String,
}

/// What can be ordered, where, and on which terms.
#[derive(Debug, Serialize, ToSchema)]
pub struct OffersBody {
    /// The offers, the cheapest first.
    data: Vec<OfferBody>,
    /// Always false: the list is whole.
    has_more: bool,
    /// How names of servers can end.
    #[schema(example = json!(["servers.example"]))]
    zones: Vec<String>,
    /// What is agreed to with an order now.
    terms: TermsBody,
}

impl OfferBody {
    fn of(offer: Offer, locale: Locale) -> Self {
        let conditions = offer.offer.conditions;
        Self {
            id: offer.offer.id,
            slug: offer.offer.slug.to_string(),
            name: offer.texts.name(locale).to_owned(),
            description: offer.texts.description(locale).to_owned(),
            flavour: conditions.flavour,
            size: conditions.size,
            price: conditions.price.into(),
            tax: conditions.tax,
            period: conditions.period,
            approval: conditions.approval,
        }
    }
}

/// List offers
///
/// With the zones that names can end in, and the terms that are agreed to with an order.
#[utoipa::path(
    get, path = "/organizations/{organization}/offers", tag = "Orders", operation_id = "offers_list",
    params(("organization" = schema::OrganizationId, Path)),
    responses((status = 200, description = "All of them", body = OffersBody)),
    security(("token" = ["orders:read"]), ("session" = [])),
    extensions(("x-right" = json!("see"))),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
) -> Result<Json<OffersBody>, Problem> {
    caller.demand(&platform, organization, Scope::OrdersRead, Right::See)?;
    let mut connection = platform.pool.acquire().await?;
    let offers = store::offer::current(&mut connection).await?;
    let Terms { terms, processing } = store::terms::current(&mut connection, platform.now()).await?;
    let zones = zones(&mut connection).await?;
    let locale = caller.request().texts.locale();
    Ok(Json(OffersBody {
        data: offers.into_iter().map(|offer| OfferBody::of(offer, locale)).collect(),
        has_more: false,
        zones: zones.iter().map(ToString::to_string).collect(),
        terms: TermsBody { terms, processing },
    }))
}
