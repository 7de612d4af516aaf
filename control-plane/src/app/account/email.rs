//! Moving an account to another mail address: a link goes to the new one, a notice to the old one.

use domain::Email;
use domain::audit::Action;
use domain::limits::Bucket;
use serde_json::json;

use super::{CONFIRM_FOR, have_account};
use crate::app::mail::{self, Letter};
use crate::app::{pace, throttle};
use crate::auth::secret::Secret;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::audit::Entry;
use crate::store::mail_link::{MailLink, Purpose};

/// Mails a link to the new address. Whether it has an account already is told by mail only, to whoever reads it.
///
/// # Errors
/// `password-needed`; `too-many`.
pub async fn ask(platform: &Platform, signed: &Signed, email: &Email) -> Result<(), Problem> {
    signed.password_entered(platform)?;
    throttle::take(platform, Bucket::Mail, &email.canonical()).await?;
    pace::evenly(send(platform, signed, email)).await
}

async fn send(platform: &Platform, signed: &Signed, email: &Email) -> Result<(), Problem> {
    let account = &signed.account;
    let (mut tx, now, secret) = (platform.begin().await?, platform.now(), platform.secret()?);
    match store::account::with_email(&mut tx, email).await? {
        // Their own address in other capitals is a change like any other.
        Some(other) if other.id != account.id => {
            mail::send(platform, &mut tx, have_account(platform, &other)).await?;
        }
        _ => {
            let link = MailLink { account: account.id, new_email: Some(email.clone()) };
            store::mail_link::insert(&mut tx, &secret, Purpose::Change, &link, now, now + CONFIRM_FOR).await?;
            let letter = Letter {
                template: "change-email",
                locale: account.locale,
                to: email,
                account: Some(account.id),
                arguments: json!({ "name": account.name.as_str(), "hours": CONFIRM_FOR.as_hours() }),
                secret_link: Some(platform.link(&format!("/change-email/{}", secret.text()))),
            };
            mail::send(platform, &mut tx, letter).await?;
        }
    }
    let detail = json!({ "to": email.as_str() });
    let entry = Entry { subject: Some(account.id.to_string()), detail, ..Entry::default() };
    store::audit::write(&mut tx, now, &signed.actor(), Action::AccountAskEmail, entry).await?;
    Ok(tx.commit().await?)
}

/// The address that a link would give to whoever is logged in.
///
/// # Errors
/// `link-dead`, also when it is somebody else's.
pub async fn offered(platform: &Platform, signed: &Signed, secret: &Secret) -> Result<Email, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let link = store::mail_link::find(&mut connection, secret, Purpose::Change, platform.now()).await?;
    let link = link.filter(|link| link.account == signed.account.id);
    link.and_then(|link| link.new_email).ok_or(Problem::new(Code::LinkDead))
}

/// Uses a link up. Links that were mailed to the old address are dead from then on, and its reader is told.
///
/// # Errors
/// `link-dead`; `address-taken` when another account got the address meanwhile.
pub async fn change(platform: &Platform, signed: &Signed, secret: &Secret) -> Result<(), Problem> {
    let account = &signed.account;
    let (mut tx, now) = (platform.begin().await?, platform.now());
    let link = store::mail_link::consume(&mut tx, secret, Purpose::Change, now).await?;
    let link = link.filter(|link| link.account == account.id);
    let email = link.and_then(|link| link.new_email).ok_or(Problem::new(Code::LinkDead))?;
    match store::account::set_email(&mut tx, account.id, &email, now).await {
        Err(error) if error.constraint() == Some("accounts_email") => return Err(Problem::new(Code::AddressTaken)),
        other => other?,
    }
    store::mail_link::kill_all(&mut tx, account.id, now).await?;
    let detail = json!({ "from": account.email.as_str(), "to": email.as_str() });
    let entry = Entry { subject: Some(account.id.to_string()), detail, ..Entry::default() };
    store::audit::write(&mut tx, now, &signed.actor(), Action::AccountChangeEmail, entry).await?;
    let letter = Letter {
        template: "email-changed",
        locale: account.locale,
        to: &account.email,
        account: Some(account.id),
        arguments: json!({
            "name": account.name.as_str(),
            "email": email.as_str(),
            "support": platform.config.support.as_str(),
        }),
        secret_link: None,
    };
    mail::send(platform, &mut tx, letter).await?;
    Ok(tx.commit().await?)
}
