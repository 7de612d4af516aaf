//! Offers: what is in a file becomes what can be ordered.

mod file;

use std::collections::BTreeMap;

use domain::audit::Action;
use domain::id::OfferId;
use domain::offer::Slug;
use serde_json::json;

pub use file::{FileError, Wanted, parse};

use crate::actor::Actor;
use crate::error::Problem;
use crate::platform::{Platform, Tx};
use crate::store::audit::Entry;
use crate::store::{self, offer::Offer};

/// What a sync did, by the offers' slugs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Synced {
    /// Offers that are new, or can be ordered again.
    pub added: Vec<String>,
    /// Offers of which there is a new version.
    pub revised: Vec<String>,
    /// Offers whose new servers get another version of the software.
    pub moved: Vec<String>,
    /// Offers that cannot be ordered any more.
    pub retired: Vec<String>,
}

impl Synced {
    /// Whether everything was as wanted already.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Makes what can be ordered what is wanted. Nothing is deleted or rewritten: who ordered a version keeps it. A repeat does
/// nothing.
///
/// # Errors
/// When the database refuses.
pub async fn sync(platform: &Platform, actor: &Actor, wanted: Vec<Wanted>) -> Result<Synced, Problem> {
    let mut tx = platform.begin().await?;
    let newest = store::offer::newest(&mut tx).await?;
    let mut there: BTreeMap<Slug, Offer> = newest.into_iter().map(|one| (one.offer.slug.clone(), one)).collect();
    let mut synced = Synced::default();
    for want in wanted {
        let found = there.remove(&want.slug);
        one(platform, &mut tx, want, found, &mut synced).await?;
    }
    for (slug, old) in there.into_iter().filter(|(_, old)| old.offer.is_current()) {
        store::offer::retire(&mut tx, old.offer.id, platform.now()).await?;
        synced.retired.push(slug.to_string());
    }
    if !synced.is_nothing() {
        let detail = json!({ "added": synced.added, "revised": synced.revised, "moved": synced.moved, "retired": synced.retired });
        let entry = Entry { detail, ..Entry::default() };
        store::audit::write(&mut tx, platform.now(), actor, Action::OfferSync, entry).await?;
    }
    tx.commit().await?;
    Ok(synced)
}

async fn one(
    platform: &Platform,
    tx: &mut Tx,
    want: Wanted,
    found: Option<Offer>,
    synced: &mut Synced,
) -> Result<(), Problem> {
    let (now, slug) = (platform.now(), want.slug.to_string());
    let Some(old) = found else {
        let offer = domain::Offer::first(platform.id(OfferId::new)?, want.slug, want.conditions);
        let offer = offer.map_err(Problem::internal)?;
        let new = Offer { offer, texts: want.texts, software_version: want.software_version };
        synced.added.push(slug);
        return Ok(store::offer::insert(tx, &new, now).await?);
    };
    let current = old.offer.is_current();
    if current && old.offer.conditions == want.conditions && old.texts == want.texts {
        if old.software_version != want.software_version {
            store::offer::set_software(tx, old.offer.id, &want.software_version).await?;
            synced.moved.push(slug);
        }
        return Ok(());
    }
    let next = old.offer.replace(platform.id(OfferId::new)?, want.conditions, now);
    let (retired, offer) = next.map_err(Problem::internal)?;
    store::offer::retire(tx, retired.id, now).await?;
    let new = Offer { offer, texts: want.texts, software_version: want.software_version };
    store::offer::insert(tx, &new, now).await?;
    if current {
        synced.revised.push(slug)
    } else {
        synced.added.push(slug)
    }
    Ok(())
}
