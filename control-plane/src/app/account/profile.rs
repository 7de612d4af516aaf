//! What somebody is called, what they read, and what they agreed to.

use domain::audit::Action;
use domain::{Locale, PersonName};
use serde_json::json;

use crate::actor::Actor;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;
use crate::store::account::Account;
use crate::store::audit::Entry;
use crate::store::terms::Terms;

/// Changes name and language. What stays the same is not written down.
///
/// # Errors
/// When the database refuses.
pub async fn update(
    platform: &Platform,
    actor: &Actor,
    account: &Account,
    name: &PersonName,
    locale: Locale,
) -> Result<(), Problem> {
    if account.name == *name && account.locale == locale {
        return Ok(());
    }
    let mut tx = platform.begin().await?;
    store::account::set_profile(&mut tx, account.id, name, locale).await?;
    let detail = json!({ "name": name.as_str(), "language": locale.as_str() });
    let entry = Entry { subject: Some(account.id.to_string()), detail, ..Entry::default() };
    store::audit::write(&mut tx, platform.now(), actor, Action::AccountUpdate, entry).await?;
    Ok(tx.commit().await?)
}

/// Agrees to the terms in force.
///
/// # Errors
/// `invalid` when they are not those in force any more.
pub async fn agree(platform: &Platform, actor: &Actor, account: &Account, terms: &Terms) -> Result<(), Problem> {
    let (mut tx, now) = (platform.begin().await?, platform.now());
    if store::terms::current(&mut tx, now).await? != *terms {
        return Err(Problem::field("terms", "terms-changed"));
    }
    let address = actor.address.map(|address| address.to_string()).unwrap_or_default();
    store::terms::accept(&mut tx, account.id, terms, &address, now).await?;
    let detail = json!({ "terms": terms.terms, "processing": terms.processing });
    let entry = Entry { subject: Some(account.id.to_string()), detail, ..Entry::default() };
    store::audit::write(&mut tx, now, actor, Action::AccountAgree, entry).await?;
    Ok(tx.commit().await?)
}
