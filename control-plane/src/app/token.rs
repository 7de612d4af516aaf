//! Tokens for programs.

use domain::audit::Action;
use domain::id::TokenId;
use domain::scope::Scopes;
use domain::{PersonName, Right};
use jiff::SignedDuration;
use serde_json::json;

use super::mail::{self, Letter};
use crate::auth::member::Member;
use crate::auth::token;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::api_token::New;
use crate::store::audit::Entry;

/// How many days a token may live, as the form offers it. None lives longer than a year.
pub const DAYS: [i64; 4] = [7, 30, 90, 365];

/// A token that somebody wants.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Its id, made with the form: the same form sent again makes no second token.
    pub id: TokenId,
    /// What it is for.
    pub name: PersonName,
    /// Which part of its maker's rights it has.
    pub scopes: Scopes,
    /// How many days it lives; one of [`DAYS`].
    pub days: i64,
}

/// Makes a token. What is returned is shown once: we keep its hash only. Its maker is told by mail, so that a token made by
/// somebody else in their name is noticed.
///
/// # Errors
/// `shown-once` for a form that was sent before; see [`Member::enter`].
pub async fn create(platform: &Platform, member: &Member, wish: &Wish) -> Result<String, Problem> {
    let (mut tx, now, secret) = (platform.begin().await?, platform.now(), platform.secret()?);
    member.enter(&mut tx, Right::Tokens).await?;
    let new = New {
        id: wish.id,
        organization: member.organization,
        account: member.account,
        name: wish.name.as_str(),
        hint: &token::hint(&secret),
        secret: &secret,
        scopes: &wish.scopes,
        at: now,
        expires_at: now + SignedDuration::from_hours(24 * wish.days),
    };
    match store::api_token::insert(&mut tx, &new).await {
        Err(error) if error.constraint() == Some("api_tokens_pkey") => return Err(Problem::new(Code::ShownOnce)),
        other => other?,
    }
    let entry = Entry {
        organization: Some(member.organization),
        subject: Some(wish.id.to_string()),
        detail: json!({ "name": wish.name.as_str(), "scopes": wish.scopes, "days": wish.days }),
        ..Entry::default()
    };
    store::audit::write(&mut tx, now, &member.actor, Action::TokenCreate, entry).await?;
    let gone = || Problem::new(Code::NotFound);
    let account = store::account::find(&mut tx, member.account).await?.ok_or_else(gone)?;
    let organization = store::organization::find(&mut tx, member.organization).await?.ok_or_else(gone)?;
    let letter = Letter {
        template: "token-created",
        locale: account.locale,
        to: &account.email,
        account: Some(account.id),
        arguments: json!({
            "name": account.name.as_str(),
            "token": wish.name.as_str(),
            "organization": organization.name,
            "days": wish.days,
            "link": platform.link(&format!("/organizations/{}/tokens", member.organization)),
        }),
        secret_link: None,
    };
    mail::send(platform, &mut tx, letter).await?;
    tx.commit().await?;
    Ok(token::text(&secret))
}

/// Revokes a token: any of the organization by whoever may make some, else one's own. Repeats are told that there is none.
///
/// # Errors
/// `not-found`.
pub async fn revoke(platform: &Platform, member: &Member, id: TokenId) -> Result<(), Problem> {
    let (mut tx, now) = (platform.begin().await?, platform.now());
    let role = member.enter_at_all(&mut tx).await?;
    let whose = if role.may(Right::Tokens) { None } else { Some(member.account) };
    let name = store::api_token::revoke(&mut tx, member.organization, whose, id, now).await?;
    let name = name.ok_or(Problem::new(Code::NotFound))?;
    let entry = Entry {
        organization: Some(member.organization),
        subject: Some(id.to_string()),
        detail: json!({ "name": name }),
        ..Entry::default()
    };
    store::audit::write(&mut tx, now, &member.actor, Action::TokenRevoke, entry).await?;
    Ok(tx.commit().await?)
}
