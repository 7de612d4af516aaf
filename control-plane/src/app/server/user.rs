//! Accounts on a server whose software has no sign-up, and new passwords for them.

use domain::Right;
use domain::audit::Action;
use domain::id::{AccountChangeId, InstanceId, OperationId};
use domain::operation::{Kind, Subject};
use names::{Flavour, Handle};
use secrecy::SecretString;
use serde_json::json;

use super::{claim, lock, note};
use crate::actor::Actor;
use crate::app::operation::begin;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::seal::Seal;
use crate::store::account_change::{self, AccountChange};
use crate::store::audit::Entry;
use crate::store::instance::Instance;

/// Whether accounts of a flavour are made from here. Others have pages for that.
#[must_use]
pub const fn has_users(flavour: Flavour) -> bool {
    match flavour {
        Flavour::Snac => true,
        Flavour::Mastodon | Flavour::GlitchSoc | Flavour::GoToSocial => false,
    }
}

/// The right that a change to an account needs. The owner's password opens the whole server, and what is removed does not
/// come back.
#[must_use]
pub fn right(instance: &Instance, action: account_change::Action, handle: &Handle) -> Right {
    match action {
        _ if *handle == instance.owner_handle => Right::ResetOwnerLogin,
        account_change::Action::Add | account_change::Action::Reset => Right::AddUsers,
        account_change::Action::Remove => Right::Settings,
    }
}

/// Asks for a change to an account. The caller has the [`right`] for it.
///
/// # Errors
/// `wrong-state` when the server is not there or the change is none for it: the owner is not removed and not added again.
pub async fn change(
    platform: &Platform,
    actor: &Actor,
    id: InstanceId,
    action: account_change::Action,
    handle: &Handle,
) -> Result<AccountChangeId, Problem> {
    let mut tx = platform.begin().await?;
    let instance = lock(&mut tx, id).await?;
    let owner = *handle == instance.owner_handle;
    let possible = if owner { action == account_change::Action::Reset } else { has_users(instance.flavour) };
    if !possible || instance.closing.is_some() || instance.ready_at.is_none() {
        return Err(Problem::new(Code::WrongState));
    }
    let key = match action.makes_password() {
        true => Some(Seal::generate().seal_to(&platform.seal)?),
        false => None,
    };
    let change = platform.id(AccountChangeId::new)?;
    let subject = Subject::AccountChange(id, change);
    let operation: OperationId = begin(platform, &mut tx, actor, &instance, Kind::AccountChange, subject).await?;
    let new = account_change::New {
        id: change,
        instance: id,
        operation,
        action,
        handle,
        claim_key_sealed: key.as_deref(),
        at: platform.now(),
    };
    account_change::insert(&mut tx, &new).await?;
    let done = match action {
        account_change::Action::Add => Action::InstanceAddUser,
        account_change::Action::Reset if owner => Action::InstanceResetOwner,
        account_change::Action::Reset => Action::InstanceResetUser,
        account_change::Action::Remove => Action::InstanceRemoveUser,
    };
    let entry = Entry { subject: Some(handle.to_string()), detail: json!({ "change": change }), ..Entry::default() };
    note(platform, &mut tx, actor, &instance, done, entry).await?;
    tx.commit().await?;
    Ok(change)
}

/// The new password of an account, for the one time that it is shown.
///
/// # Errors
/// `shown-once` when it was, `wrong-state` when it is not there yet.
pub async fn show(platform: &Platform, actor: &Actor, change: &AccountChange) -> Result<SecretString, Problem> {
    let mut tx = platform.begin().await?;
    let instance = lock(&mut tx, change.instance).await?;
    let Some((key, answer)) = account_change::take_claim(&mut tx, change.id).await? else {
        let waits = change.claim_key_sealed.is_some() && change.claim_answer.is_none();
        return Err(Problem::new(if waits { Code::WrongState } else { Code::ShownOnce }));
    };
    let password = claim::open(platform, &key, &answer)?;
    let entry = Entry { subject: Some(change.handle.to_string()), ..Entry::default() };
    note(platform, &mut tx, actor, &instance, Action::InstanceShowClaim, entry).await?;
    tx.commit().await?;
    Ok(password)
}
