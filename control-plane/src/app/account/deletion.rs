//! Deleting an account.

use domain::Role;
use domain::audit::Action;
use serde_json::json;

use crate::app::mail::{self, Letter};
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::audit::Entry;

/// Why an account cannot be deleted just now, if it cannot.
///
/// # Errors
/// `servers-left`, `organizations-left`.
pub async fn check(platform: &Platform, signed: &Signed) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    may_go(&mut tx, signed).await
}

async fn may_go(tx: &mut Tx, signed: &Signed) -> Result<(), Problem> {
    let memberships = store::organization::of_account(tx, signed.account.id).await?;
    for membership in memberships.iter().filter(|one| one.role == Role::Owner) {
        // Locked, so that nobody orders a server meanwhile.
        store::organization::lock(tx, membership.organization).await?;
        if store::organization::servers(tx, membership.organization).await? > 0 {
            return Err(Problem::new(Code::ServersLeft));
        }
        if !membership.personal {
            return Err(Problem::new(Code::OrganizationsLeft).with("organization", &membership.name));
        }
    }
    Ok(())
}

/// Deletes the account: its row stays without anything that says whose it was, because the audit log and past servers name
/// it. Everything is told to the address once more.
///
/// # Errors
/// `password-needed`, `servers-left`, `organizations-left`; `not-found` when it was deleted meanwhile.
pub async fn delete(platform: &Platform, signed: &Signed) -> Result<(), Problem> {
    signed.password_entered(platform)?;
    let account = &signed.account;
    let (mut tx, now, actor) = (platform.begin().await?, platform.now(), signed.actor());
    if !store::account::lock(&mut tx, account.id).await? {
        return Err(Problem::new(Code::NotFound));
    }
    may_go(&mut tx, signed).await?;
    for membership in store::organization::of_account(&mut tx, account.id).await? {
        let entry = Entry {
            organization: Some(membership.organization),
            subject: Some(account.id.to_string()),
            detail: json!({ "name": account.name.as_str(), "role": membership.role }),
            ..Entry::default()
        };
        if membership.role == Role::Owner {
            store::organization::delete(&mut tx, membership.organization, now).await?;
            store::audit::write(&mut tx, now, &actor, Action::OrganizationDelete, entry).await?;
        } else {
            store::membership::remove(&mut tx, membership.organization, account.id, now).await?;
            store::audit::write(&mut tx, now, &actor, Action::MemberLeave, entry).await?;
        }
    }
    store::api_token::revoke_all(&mut tx, account.id, now).await?;
    let letter = Letter {
        template: "account-deleted",
        locale: account.locale,
        to: &account.email,
        account: Some(account.id),
        arguments: json!({ "name": account.name.as_str(), "support": platform.config.support.as_str() }),
        secret_link: None,
    };
    mail::send(platform, &mut tx, letter).await?;
    store::account::anonymise(&mut tx, account.id, now).await?;
    let entry = Entry { subject: Some(account.id.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, now, &actor, Action::AccountDelete, entry).await?;
    Ok(tx.commit().await?)
}
