//! Organizations: making one, renaming, handing over, deleting.

pub mod invitation;
pub mod limit;
pub mod people;

use domain::audit::Action;
use domain::id::{AccountId, OrganizationId};
use domain::{PersonName, Right, Role, Topic};
use serde_json::json;

use super::account::SERVER_LIMIT;
use super::mail::{self, Letter};
use crate::auth::member::Member;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::audit::Entry;
use crate::store::outbox::About;

/// How many organizations somebody may own, their own among them.
pub const OWNED: usize = 10;

/// Makes an organization, owned by whoever asks. With the id of one that is there it is the same form sent again.
///
/// # Errors
/// `unconfirmed`; `invalid` when they own as many as they may; `wrong-state` for a form that was sent before.
pub async fn create(
    platform: &Platform,
    signed: &Signed,
    id: OrganizationId,
    name: &PersonName,
) -> Result<(), Problem> {
    signed.confirmed()?;
    let (mut tx, now) = (platform.begin().await?, platform.now());
    // Locked, so that two at once are counted.
    if !store::account::lock(&mut tx, signed.account.id).await? {
        return Err(Problem::new(Code::Unauthenticated));
    }
    let memberships = store::organization::of_account(&mut tx, signed.account.id).await?;
    if memberships.iter().filter(|one| one.role == Role::Owner).count() >= OWNED {
        return Err(Problem::field("name", "organizations-many"));
    }
    match store::organization::insert(&mut tx, id, signed.account.id, name, SERVER_LIMIT, now).await {
        Err(error) if error.constraint() == Some("organizations_pkey") => return Err(Problem::new(Code::WrongState)),
        other => other?,
    }
    let detail = json!({ "name": name.as_str() });
    let entry = Entry { organization: Some(id), detail, ..Entry::default() };
    store::audit::write(&mut tx, now, &signed.actor(), Action::OrganizationCreate, entry).await?;
    Ok(tx.commit().await?)
}

/// Changes what an organization is called. `seen` is the version for which it is meant, if it is for one.
///
/// # Errors
/// `stale` when it is another version; see [`Member::enter`].
pub async fn rename(platform: &Platform, member: &Member, seen: Option<i64>, name: &PersonName) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    member.enter(&mut tx, Right::Rename).await?;
    let now = store::organization::find(&mut tx, member.organization).await?.ok_or(Problem::new(Code::NotFound))?;
    if seen.is_some_and(|seen| seen != now.version) {
        return Err(Problem::new(Code::Stale));
    }
    store::organization::rename(&mut tx, member.organization, name).await?;
    note(platform, &mut tx, member, Action::OrganizationRename, None, json!({ "name": name.as_str() })).await?;
    Ok(tx.commit().await?)
}

/// Gives an organization to another member, and makes whoever gave it an admin.
///
/// # Errors
/// `wrong-state` for somebody's own organization; `not-found` when the other one is no member; see [`Member::enter`].
pub async fn hand_over(platform: &Platform, member: &Member, to: AccountId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    member.enter(&mut tx, Right::HandOver).await?;
    let organization = shared(&mut tx, member.organization).await?;
    let people = store::membership::of_organization(&mut tx, member.organization).await?;
    let new = people.iter().find(|person| person.account == to && to != member.account);
    let new = new.ok_or(Problem::new(Code::NotFound))?;
    store::membership::set_role(&mut tx, member.organization, member.account, Role::Admin).await?;
    store::membership::set_role(&mut tx, member.organization, to, Role::Owner).await?;
    let detail = json!({ "name": new.name.as_str(), "from": member.actor.name });
    note(platform, &mut tx, member, Action::OrganizationHandOver, Some(to), detail).await?;
    let account = store::account::find(&mut tx, to).await?.ok_or(Problem::new(Code::NotFound))?;
    let letter = Letter {
        template: "ownership",
        locale: account.locale,
        to: &account.email,
        account: Some(to),
        arguments: json!({
            "name": account.name.as_str(),
            "from": member.actor.name,
            "organization": organization.name,
            "link": platform.link(&format!("/organizations/{}", member.organization)),
        }),
        secret_link: None,
    };
    mail::send(platform, &mut tx, letter).await?;
    Ok(tx.commit().await?)
}

/// Deletes an organization. Its row stays, because past servers and the audit log name it.
///
/// # Errors
/// `wrong-state` for somebody's own organization; `servers-left`; see [`Member::enter`].
pub async fn delete(platform: &Platform, member: &Member) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    member.enter(&mut tx, Right::DeleteOrganization).await?;
    let organization = shared(&mut tx, member.organization).await?;
    if store::organization::servers(&mut tx, member.organization).await? > 0 {
        return Err(Problem::new(Code::ServersLeft));
    }
    store::organization::delete(&mut tx, member.organization, platform.now()).await?;
    note(platform, &mut tx, member, Action::OrganizationDelete, None, json!({ "name": organization.name })).await?;
    Ok(tx.commit().await?)
}

/// An organization that is nobody's own.
async fn shared(tx: &mut Tx, id: OrganizationId) -> Result<store::organization::Organization, Problem> {
    let organization = store::organization::find(tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
    if organization.personal { Err(Problem::new(Code::WrongState)) } else { Ok(organization) }
}

/// Writes down what was done in an organization, and wakes the pages that show it.
async fn note(
    platform: &Platform,
    tx: &mut Tx,
    member: &Member,
    action: Action,
    to: Option<AccountId>,
    detail: serde_json::Value,
) -> Result<(), Problem> {
    let now = platform.now();
    let organization = Some(member.organization);
    let entry = Entry { organization, subject: to.map(|id| id.to_string()), detail, ..Entry::default() };
    store::audit::write(tx, now, &member.actor, action, entry).await?;
    let about = About { organization, ..About::default() };
    Ok(store::outbox::write(tx, now, Topic::Organization, about, json!({ "action": action })).await?)
}
