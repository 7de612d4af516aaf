//! Offers: what can be ordered, in all its versions.

use std::collections::BTreeMap;

use domain::id::OfferId;
use domain::offer::{Conditions, Slug};
use domain::{Locale, Money};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Stored, ToSqlx as _};
use names::Version;
use sqlx::PgConnection;

use super::{Error, Result, word};

const TABLE: &str = "offers";

/// One version of an offer, with what customers read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What is agreed on.
    pub offer: domain::Offer,
    /// What customers read.
    pub texts: Texts,
    /// The version of the software that new servers get.
    pub software_version: Version,
}

/// What customers read of an offer, by the tag of the language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    /// What it is called.
    pub names: BTreeMap<String, String>,
    /// What it is.
    pub descriptions: BTreeMap<String, String>,
}

impl Texts {
    /// Its name in a language.
    #[must_use]
    pub fn name(&self, locale: Locale) -> &str {
        in_locale(&self.names, locale)
    }

    /// Its description in a language.
    #[must_use]
    pub fn description(&self, locale: Locale) -> &str {
        in_locale(&self.descriptions, locale)
    }
}

fn in_locale(texts: &BTreeMap<String, String>, locale: Locale) -> &str {
    let found = texts.get(locale.as_str()).or_else(|| texts.get(Locale::En.as_str()));
    found.map_or("", String::as_str)
}

struct Row {
    id: uuid::Uuid,
    slug: String,
    version: i32,
    flavour: String,
    size: String,
    names: serde_json::Value,
    descriptions: serde_json::Value,
    software_version: String,
    price_minor: i64,
    currency: String,
    tax: String,
    period: String,
    approval: String,
    #[expect(dead_code, reason = "all columns are read; nobody asks for this one yet")]
    created_at: Stored,
    retired_at: Option<Stored>,
}

impl TryFrom<Row> for Offer {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = OfferId::from(row.id);
        let texts =
            |value: serde_json::Value| serde_json::from_value(value).map_err(|error| Error::corrupt(TABLE, id, error));
        let conditions = Conditions {
            flavour: word(TABLE, id, &row.flavour)?,
            size: word(TABLE, id, &row.size)?,
            price: Money::new(row.price_minor, &row.currency).map_err(|error| Error::corrupt(TABLE, id, error))?,
            tax: word(TABLE, id, &row.tax)?,
            period: word(TABLE, id, &row.period)?,
            approval: word(TABLE, id, &row.approval)?,
        };
        let slug: Slug = word(TABLE, id, &row.slug)?;
        let retired_at = row.retired_at.map(Stored::to_jiff);
        Ok(Self {
            offer: domain::Offer { id, slug, version: row.version, conditions, retired_at },
            texts: Texts { names: texts(row.names)?, descriptions: texts(row.descriptions)? },
            software_version: word(TABLE, id, &row.software_version)?,
        })
    }
}

/// Adds a version of an offer.
///
/// # Errors
/// With constraint `offers_current` when another version of it can be ordered.
pub async fn insert(connection: &mut PgConnection, new: &Offer, at: Timestamp) -> Result<()> {
    let conditions = &new.offer.conditions;
    let json = |texts: &BTreeMap<String, String>| serde_json::to_value(texts).unwrap_or_default();
    sqlx::query!(
        "INSERT INTO offers (id, slug, version, flavour, size, names, descriptions, software_version, price_minor, currency, tax,
                             period, approval, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        new.offer.id.uuid(),
        new.offer.slug.as_str(),
        new.offer.version,
        conditions.flavour.as_str(),
        conditions.size.as_str(),
        json(&new.texts.names),
        json(&new.texts.descriptions),
        new.software_version.as_str(),
        conditions.price.minor,
        conditions.price.code(),
        conditions.tax.as_str(),
        conditions.period.as_str(),
        conditions.approval.as_str(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down that a version cannot be ordered any more.
///
/// # Errors
/// When the database refuses.
pub async fn retire(connection: &mut PgConnection, id: OfferId, at: Timestamp) -> Result<()> {
    sqlx::query!("UPDATE offers SET retired_at = $2 WHERE id = $1 AND retired_at IS NULL", id.uuid(), at.to_sqlx(),)
        .execute(connection)
        .await?;
    Ok(())
}

/// Changes which version of the software new servers get.
///
/// # Errors
/// When the database refuses.
pub async fn set_software(connection: &mut PgConnection, id: OfferId, version: &Version) -> Result<()> {
    sqlx::query!("UPDATE offers SET software_version = $2 WHERE id = $1", id.uuid(), version.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// What can be ordered, the cheapest first.
///
/// # Errors
/// When the database refuses.
pub async fn current(connection: &mut PgConnection) -> Result<Vec<Offer>> {
    let rows = sqlx::query_as!(Row, "SELECT * FROM offers WHERE retired_at IS NULL ORDER BY price_minor, slug")
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Offer::try_from).collect()
}

/// The newest version of each offer, those that cannot be ordered any more included. Locked until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn newest(connection: &mut PgConnection) -> Result<Vec<Offer>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM offers o WHERE version = (SELECT max(version) FROM offers WHERE slug = o.slug) ORDER BY slug FOR UPDATE"
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Offer::try_from).collect()
}

/// One version of an offer.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, id: OfferId) -> Result<Option<Offer>> {
    let row = sqlx::query_as!(Row, "SELECT * FROM offers WHERE id = $1", id.uuid()).fetch_optional(connection).await?;
    row.map(Offer::try_from).transpose()
}
