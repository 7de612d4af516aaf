//! What can be ordered. An offer is never changed: a change is a new version of it, and who ordered an older one keeps it.

use std::str::FromStr;

use jiff::Timestamp;
use names::{Flavour, Size};
use serde::{Deserialize, Serialize};

use crate::Money;
use crate::id::OfferId;
use crate::money::{Period, Tax};

words! {
    /// Who must agree before an order is carried out.
    pub enum Approval, "kind of approval" {
        /// Nobody: at once.
        None = "none",
        /// One of us.
        Staff = "staff",
    }
}

/// The name that all versions of an offer share: `snac-small`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// Why an offer cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Not a slug.
    #[error("{0:?} must begin with a letter and have 1 to 40 lower-case letters, digits and hyphens")]
    Slug(String),
    /// A price below nothing.
    #[error("the price {0} is below nothing")]
    Price(Money),
}

impl FromStr for Slug {
    type Err = OfferError;

    fn from_str(text: &str) -> Result<Self, OfferError> {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good = (1..=40).contains(&text.len())
            && text.bytes().all(inner)
            && text.starts_with(|first: char| first.is_ascii_lowercase());
        match good {
            true => Ok(Self(text.to_owned())),
            false => Err(OfferError::Slug(text.chars().take(80).collect())),
        }
    }
}

impl Slug {
    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Slug {
    type Error = OfferError;

    fn try_from(text: String) -> Result<Self, OfferError> {
        text.parse()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

/// What is agreed on when an offer is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// Which software.
    pub flavour: Flavour,
    /// How much room.
    pub size: Size,
    /// The price for one period.
    pub price: Money,
    /// Whether tax is in it.
    pub tax: Tax,
    /// How often it is due.
    pub period: Period,
    /// Who must agree.
    pub approval: Approval,
}

/// One version of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The id of this version.
    pub id: OfferId,
    /// What all its versions are called.
    pub slug: Slug,
    /// Which version; the first is 1.
    pub version: i32,
    /// What is agreed on.
    pub conditions: Conditions,
    /// Since when it cannot be ordered any more.
    pub retired_at: Option<Timestamp>,
}

impl Conditions {
    /// Whether such an offer may be made.
    pub const fn check(&self) -> Result<(), OfferError> {
        if self.price.minor < 0 { Err(OfferError::Price(self.price)) } else { Ok(()) }
    }
}

impl Offer {
    /// The first version of an offer.
    pub fn first(id: OfferId, slug: Slug, conditions: Conditions) -> Result<Self, OfferError> {
        conditions.check()?;
        Ok(Self { id, slug, version: 1, conditions, retired_at: None })
    }

    /// Whether it can be ordered.
    #[must_use]
    pub const fn is_current(&self) -> bool {
        self.retired_at.is_none()
    }

    /// What becomes of this, the current version, when the offer should have these conditions: it is retired and a next
    /// one takes its place, so that there is one current version. `None`: it has them already.
    pub fn revise(
        self,
        id: OfferId,
        conditions: Conditions,
        now: Timestamp,
    ) -> Result<Option<(Self, Self)>, OfferError> {
        conditions.check()?;
        match self.is_current() && self.conditions == conditions {
            true => Ok(None),
            false => self.replace(id, conditions, now).map(Some),
        }
    }

    /// The same when what is agreed on stays and its description changes: what somebody ordered is described as they read
    /// it.
    pub fn replace(self, id: OfferId, conditions: Conditions, now: Timestamp) -> Result<(Self, Self), OfferError> {
        conditions.check()?;
        let next = Self { id, slug: self.slug.clone(), version: self.version + 1, conditions, retired_at: None };
        Ok((Self { retired_at: self.retired_at.or(Some(now)), ..self }, next))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn conditions(minor: i64, approval: Approval) -> Conditions {
        let price = Money::new(minor, "EUR").unwrap();
        let (tax, period) = (Tax::Inclusive, Period::Month);
        Conditions { flavour: Flavour::Snac, size: Size::Small, price, tax, period, approval }
    }

    fn first() -> Offer {
        let slug = "snac-small".parse().unwrap();
        Offer::first(Uuid::from_u128(1).into(), slug, conditions(500, Approval::None)).unwrap()
    }

    #[test]
    fn a_change_is_a_new_version_and_one_is_current() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let (old, new) =
            first().revise(Uuid::from_u128(2).into(), conditions(600, Approval::None), now).unwrap().unwrap();
        assert_eq!((old.version, old.retired_at), (1, Some(now)));
        assert_eq!((new.version, new.retired_at), (2, None));
        assert_eq!((old.slug, old.conditions.price.minor), (new.slug.clone(), 500));
        assert_eq!(new.conditions.price.minor, 600);
    }

    #[test]
    fn the_same_conditions_make_no_version() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let same = first().conditions;
        assert_eq!(first().revise(Uuid::from_u128(2).into(), same.clone(), now), Ok(None));
        let retired = Offer { retired_at: Some(now), ..first() };
        let (old, new) =
            retired.revise(Uuid::from_u128(2).into(), same, now + jiff::SignedDuration::from_secs(1)).unwrap().unwrap();
        assert_eq!((old.retired_at, new.version), (Some(now), 2), "a retired offer comes back as a next version");
    }

    #[test]
    fn refused() {
        assert!(matches!(conditions(-1, Approval::Staff).check(), Err(OfferError::Price(_))));
        assert_eq!(conditions(0, Approval::None).check(), Ok(()));
        for bad in ["", "Snac", "1snac", "-a", "a_b", "a b", &"a".repeat(41)] {
            assert!(bad.parse::<Slug>().is_err(), "{bad:?} was taken");
        }
    }
}
