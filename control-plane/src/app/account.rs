//! Accounts: signing up and confirming the address.

pub mod deletion;
pub mod email;
pub mod password;
pub mod profile;
pub mod reset;

use domain::audit::Action;
use domain::id::{AccountId, OrganizationId};
use domain::limits::Bucket;
use domain::{Email, Password, PersonName};
use jiff::SignedDuration;
use serde_json::json;

use super::mail::Letter;
use super::{mail, pace, throttle};
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
    /// The page of ours they want to go on to once the address is confirmed.
    pub next: Option<String>,
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
    pace::evenly(sign_up_with(platform, request, &wish, &hash)).await
}

async fn sign_up_with(platform: &Platform, request: &Request, wish: &SignUp, hash: &str) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    if store::terms::current(&mut tx, platform.now()).await? != wish.terms {
        return Err(Problem::field("terms", "terms-changed"));
    }
    match store::account::with_email(&mut tx, &wish.email).await? {
        Some(account) => tell_owner(platform, &mut tx, &account, wish.next.as_deref()).await?,
        None => make(platform, &mut tx, request, wish, hash).await?,
    }
    Ok(tx.commit().await?)
}

/// Somebody wants to use an address that has an account: its owner is told, and reminded of the way in.
async fn tell_owner(platform: &Platform, tx: &mut Tx, account: &Account, next: Option<&str>) -> Result<(), Problem> {
    if account.email_confirmed_at.is_none() {
        return send_confirmation(platform, tx, account, next).await;
    }
    mail::send(platform, tx, have_account(platform, account)).await
}

/// What the owner of an address is told when somebody wants to use it for another account.
fn have_account<'a>(platform: &Platform, account: &'a Account) -> Letter<'a> {
    Letter {
        template: "have-account",
        locale: account.locale,
        to: &account.email,
        account: Some(account.id),
        arguments: json!({ "name": account.name.as_str(), "link": platform.link("/log-in") }),
        secret_link: None,
    }
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
    let account = store::account::find(tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
    send_confirmation(platform, tx, &account, wish.next.as_deref()).await
}

/// Mails a link that confirms the address of an account, and leads to `next` afterwards.
async fn send_confirmation(
    platform: &Platform,
    tx: &mut Tx,
    account: &Account,
    next: Option<&str>,
) -> Result<(), Problem> {
    let (secret, now) = (platform.secret()?, platform.now());
    let link = MailLink { account: account.id, new_email: None };
    store::mail_link::insert(tx, &secret, Purpose::Confirm, &link, now, now + CONFIRM_FOR).await?;
    let next = next.map(|path| format!("?next={}", encode(path))).unwrap_or_default();
    let letter = Letter {
        template: "confirm",
        locale: account.locale,
        to: &account.email,
        account: Some(account.id),
        arguments: json!({ "name": account.name.as_str(), "hours": CONFIRM_FOR.as_hours() }),
        secret_link: Some(platform.link(&format!("/confirm/{}{next}", secret.text()))),
    };
    mail::send(platform, tx, letter).await
}

fn encode(path: &str) -> String {
    url::form_urlencoded::byte_serialize(path.as_bytes()).collect()
}

/// Mails the link once more.
///
/// # Errors
/// `too-many`.
pub async fn confirm_again(platform: &Platform, account: &Account) -> Result<(), Problem> {
    if account.email_confirmed_at.is_some() {
        return Ok(());
    }
    throttle::take(platform, Bucket::Mail, &account.email.canonical()).await?;
    let mut tx = platform.begin().await?;
    send_confirmation(platform, &mut tx, account, None).await?;
    Ok(tx.commit().await?)
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
