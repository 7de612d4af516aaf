//! Accounts: signing up and confirming the address.

use domain::audit::Action;
use domain::id::{AccountId, OrganizationId};
use domain::limits::Bucket;
use domain::{Email, Locale, Password, PersonName};
use jiff::SignedDuration;
use serde_json::json;

use super::mail::Letter;
use super::{mail, throttle};
use crate::actor::{Actor, Who};
use crate::auth::secret::Secret;
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::request::Request;
use crate::store;
use crate::store::account::Account;
use crate::store::audit::Entry;
use crate::store::mail_link::{MailLink, Purpose};

/// How long a link to confirm an address works.
pub const CONFIRM_FOR: SignedDuration = SignedDuration::from_hours(48);
/// How many servers a new organization may have; staff raise it.
pub const SERVER_LIMIT: i32 = 3;

/// Somebody who wants an account.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// The address.
    pub email: Email,
    /// What we call them.
    pub name: PersonName,
    /// The password they chose.
    pub password: Password,
    /// Which versions of the terms they agreed to.
    pub terms: store::terms::Terms,
}

/// Makes an account and mails a link to confirm its address. Whether the address had an account before is told by mail only:
/// the answer is the same, and takes as long.
///
/// # Errors
/// `too-many`; `invalid` when the terms are not those in force.
pub async fn sign_up(platform: &Platform, request: &Request, wish: SignUp) -> Result<(), Problem> {
    throttle::take(platform, Bucket::SignUp, &request.address.to_string()).await?;
    throttle::take(platform, Bucket::Mail, &wish.email.canonical()).await?;
    let hash = platform.passwords.hash(wish.password.clone(), platform.random()?).await?;
    let mut tx = platform.begin().await?;
    if store::terms::current(&mut tx, platform.now()).await? != wish.terms {
        return Err(Problem::field("terms", "terms-changed"));
    }
    match store::account::with_email(&mut tx, &wish.email).await? {
        Some(account) => tell_owner(platform, &mut tx, &account).await?,
        None => make(platform, &mut tx, request, &wish, &hash).await?,
    }
    match tx.commit().await {
        Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Somebody tried to sign up with an address that has an account: its owner is told, and reminded of the way in.
async fn tell_owner(platform: &Platform, tx: &mut Tx, account: &Account) -> Result<(), Problem> {
    if account.email_confirmed_at.is_none() {
        return send_confirmation(platform, tx, account.id, &account.email, account.locale, account.name.as_str())
            .await;
    }
    let letter = Letter {
        template: "have-account",
        locale: account.locale,
        to: &account.email,
        account: Some(account.id),
        arguments: json!({ "name": account.name.as_str(), "link": platform.link("/log-in") }),
        secret_link: None,
    };
    mail::send(platform, tx, letter).await
}

async fn make(platform: &Platform, tx: &mut Tx, request: &Request, wish: &SignUp, hash: &str) -> Result<(), Problem> {
    let (id, now) = (platform.id(AccountId::new)?, platform.now());
    let locale = request.texts.locale();
    let new = store::account::New { id, email: &wish.email, name: &wish.name, locale, password_hash: hash, at: now };
    match store::account::insert(tx, &new).await {
        // Two at once with one address: the other one is mailing.
        Err(error) if error.constraint() == Some("accounts_email") => return Ok(()),
        other => other?,
    }
    let organization = platform.id(OrganizationId::new)?;
    store::organization::insert_personal(tx, organization, id, wish.name.as_str(), SERVER_LIMIT, now).await?;
    store::terms::accept(tx, id, &wish.terms, &request.address.to_string(), now).await?;
    let actor = Actor::of(request, Who::Account(id), wish.name.as_str());
    let entry = Entry { organization: Some(organization), subject: Some(id.to_string()), ..Entry::default() };
    store::audit::write(tx, now, &actor, Action::AccountSignUp, entry).await?;
    send_confirmation(platform, tx, id, &wish.email, locale, wish.name.as_str()).await
}

/// Mails a link that confirms the address of an account.
///
/// # Errors
/// When the database refuses.
pub async fn send_confirmation(
    platform: &Platform,
    tx: &mut Tx,
    account: AccountId,
    email: &Email,
    locale: Locale,
    name: &str,
) -> Result<(), Problem> {
    let (secret, now) = (platform.secret()?, platform.now());
    let link = MailLink { account, new_email: None };
    store::mail_link::insert(tx, &secret, Purpose::Confirm, &link, now, now + CONFIRM_FOR).await?;
    let letter = Letter {
        template: "confirm",
        locale,
        to: email,
        account: Some(account),
        arguments: json!({ "name": name, "hours": CONFIRM_FOR.as_hours() }),
        secret_link: Some(platform.link(&format!("/confirm/{}", secret.text()))),
    };
    mail::send(platform, tx, letter).await
}

/// Uses up a link that confirms an address.
///
/// # Errors
/// `link-dead` when it was used, is too old or never was.
pub async fn confirm(platform: &Platform, request: &Request, secret: &Secret) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let link = store::mail_link::consume(&mut tx, secret, Purpose::Confirm, platform.now()).await?;
    let link = link.ok_or(Problem::new(Code::LinkDead))?;
    store::account::confirm(&mut tx, link.account, platform.now()).await?;
    let account = store::account::find(&mut tx, link.account).await?.ok_or(Problem::new(Code::LinkDead))?;
    let actor = Actor::of(request, Who::Account(link.account), account.name.as_str());
    let entry = Entry { subject: Some(link.account.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, platform.now(), &actor, Action::AccountConfirm, entry).await?;
    Ok(tx.commit().await?)
}
