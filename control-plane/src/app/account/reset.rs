//! A new password for whoever forgot the old one, through a link that is mailed.

use domain::audit::Action;
use domain::limits::Bucket;
use domain::{Email, Password};
use jiff::SignedDuration;
use serde_json::json;

use super::password;
use crate::actor::{Actor, Who};
use crate::app::mail::{self, Letter};
use crate::app::{pace, throttle};
use crate::auth::secret::Secret;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::request::Request;
use crate::store;
use crate::store::account::Account;
use crate::store::audit::Entry;
use crate::store::mail_link::{MailLink, Purpose};

/// How long the link works.
pub const RESET_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Mails a link to choose a new password. The answer is the same for an address without an account, and takes as long.
///
/// # Errors
/// `too-many`, by the address that was given, whether it has an account or not.
pub async fn ask(platform: &Platform, request: &Request, email: &Email) -> Result<(), Problem> {
    throttle::take(platform, Bucket::LogInFrom, &request.address.to_string()).await?;
    throttle::take(platform, Bucket::Mail, &email.canonical()).await?;
    pace::evenly(send(platform, request, email)).await
}

async fn send(platform: &Platform, request: &Request, email: &Email) -> Result<(), Problem> {
    let (mut tx, now, secret) = (platform.begin().await?, platform.now(), platform.secret()?);
    // Nothing is sent to an address without an account: we write to nobody who has not asked us to, and a form that does
    // would be a way to bother strangers in our name.
    let Some(account) = store::account::with_email(&mut tx, email).await? else {
        return Ok(());
    };
    let link = MailLink { account: account.id, new_email: None };
    store::mail_link::insert(&mut tx, &secret, Purpose::Reset, &link, now, now + RESET_FOR).await?;
    let actor = Actor::of(request, Who::Visitor, "");
    let entry = Entry { subject: Some(account.id.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, now, &actor, Action::AccountAskReset, entry).await?;
    let letter = Letter {
        template: "reset",
        locale: account.locale,
        to: &account.email,
        account: Some(account.id),
        arguments: json!({ "name": account.name.as_str(), "minutes": RESET_FOR.as_mins() }),
        secret_link: Some(platform.link(&format!("/reset/{}", secret.text()))),
    };
    mail::send(platform, &mut tx, letter).await?;
    Ok(tx.commit().await?)
}

/// Whose password a link may replace.
///
/// # Errors
/// `link-dead`.
pub async fn whose(platform: &Platform, secret: &Secret) -> Result<Account, Problem> {
    let dead = || Problem::new(Code::LinkDead);
    let mut connection = platform.pool.acquire().await?;
    let link = store::mail_link::find(&mut connection, secret, Purpose::Reset, platform.now()).await?;
    let link = link.ok_or_else(dead)?;
    store::account::find(&mut connection, link.account).await?.ok_or_else(dead)
}

/// Uses a link up to replace the password. Every browser is logged out. Who has read the mail has shown that the address is
/// theirs.
///
/// # Errors
/// `link-dead`.
pub async fn finish(platform: &Platform, request: &Request, secret: &Secret, new: Password) -> Result<(), Problem> {
    let dead = || Problem::new(Code::LinkDead);
    let hash = platform.passwords.hash(new, platform.random()?).await?;
    let (mut tx, now) = (platform.begin().await?, platform.now());
    let link = store::mail_link::consume(&mut tx, secret, Purpose::Reset, now).await?.ok_or_else(dead)?;
    let account = store::account::find(&mut tx, link.account).await?.ok_or_else(dead)?;
    store::account::set_password(&mut tx, account.id, None, &hash, now).await?;
    store::account::confirm(&mut tx, account.id, now).await?;
    store::session::revoke_others(&mut tx, account.id, None, now).await?;
    store::mail_link::kill_all(&mut tx, account.id, now).await?;
    let actor = Actor::of(request, Who::Account(account.id), account.name.as_str());
    let entry = Entry { subject: Some(account.id.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, now, &actor, Action::AccountReset, entry).await?;
    password::tell(platform, &mut tx, &account).await?;
    Ok(tx.commit().await?)
}
