//! Taking a bundle away. It contains everything a server is, so its owner enters their password first, is mailed, and has a
//! day to notice when somebody else changed that password.

use domain::Role;
use domain::audit::Action;
use domain::download::{Asker, Download, decide};
use domain::id::{AccountId, OrganizationId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::export::is_there;
use super::server::{lock_any, note, told};
use super::tell;
use crate::auth::secret::Secret;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::account::Account;
use crate::store::audit::Entry;
use crate::store::download_grant as grant;
use crate::store::export::Export;
use crate::store::instance::Instance;

/// How long a permission lasts: a large bundle over a slow line takes its time, and is resumed.
pub const GRANTED_FOR: SignedDuration = SignedDuration::from_hours(24);

fn asker(account: &Account, role: Role, confirmed_until: Option<Timestamp>) -> Asker {
    Asker {
        role,
        confirmed_until,
        created_at: account.created_at,
        password_changed_at: account.password_changed_at,
        email_changed_at: account.email_changed_at,
    }
}

fn allowed(answer: Download) -> Result<(), Problem> {
    match answer {
        Download::Ok => Ok(()),
        Download::PasswordNeeded => Err(Problem::new(Code::PasswordNeeded)),
        Download::Wait { until } => Err(Problem::new(Code::DownloadPaused).with("until", until)),
        Download::Refused => Err(Problem::new(Code::Forbidden)),
    }
}

/// Whether somebody may take bundles of an organization's servers away now.
///
/// # Errors
/// `not-found`, `forbidden`, `unconfirmed`, `download-paused` or `password-needed`.
pub fn check(platform: &Platform, signed: &Signed, organization: OrganizationId) -> Result<(), Problem> {
    let role = signed.role(organization)?;
    if signed.account.email_confirmed_at.is_none() {
        return Err(Problem::new(Code::Unconfirmed));
    }
    allowed(decide(&asker(&signed.account, role, signed.session.confirmed_until), platform.now()))
}

/// Gives this browser a permission, and a script one if it is wanted: told by mail and written down once, for all files of
/// the bundle.
///
/// # Errors
/// As [`check`]; `wrong-state` when there is no bundle.
pub async fn allow(
    platform: &Platform,
    signed: &Signed,
    export: &Export,
    script: bool,
) -> Result<Option<Secret>, Problem> {
    let mut tx = platform.begin().await?;
    let instance = lock_any(&mut tx, export.instance).await?;
    check(platform, signed, instance.organization)?;
    if !is_there(export) {
        return Err(Problem::new(Code::WrongState));
    }
    let secret = script.then(|| platform.secret()).transpose()?;
    let now = platform.now();
    let new = grant::New {
        id: uuid(platform, now)?,
        export: export.id,
        session: signed.session.id,
        secret: secret.as_ref(),
        at: now,
        expires_at: now + GRANTED_FOR,
    };
    grant::insert(&mut tx, &new).await?;
    let detail = json!({ "script": script });
    let entry = Entry { subject: Some(export.id.to_string()), detail, ..Entry::default() };
    note(platform, &mut tx, &signed.actor(), &instance, Action::ExportDownload, entry).await?;
    let mut news = told(platform, &instance, "export-downloaded");
    news.arguments["who"] = Value::from(signed.account.name.as_str());
    news.arguments["address"] = Value::from(signed.request.address.to_string());
    tell::owners(platform, &mut tx, instance.organization, news).await?;
    tx.commit().await?;
    Ok(secret)
}

fn uuid(platform: &Platform, now: Timestamp) -> Result<uuid::Uuid, Problem> {
    // Any of our ids is a uuid made of the clock and chance.
    Ok(domain::id::MailId::new(now, platform.random()?).uuid())
}

/// Who asks for a file.
#[derive(Debug)]
pub enum By {
    /// A browser.
    Browser(Box<Signed>),
    /// A script, with the secret that was put into it.
    Script(Secret),
}

/// Whether a file of a bundle is given out: there is a permission, and whoever has it would still get one but for the
/// password's time. Its role, its log-in and the day's pause are looked at each time.
///
/// # Errors
/// `unauthenticated`, `not-found`, `forbidden`, `download-paused` or `password-needed`.
pub async fn may_fetch(platform: &Platform, by: &By, instance: &Instance, export: &Export) -> Result<(), Problem> {
    let (mut connection, now) = (platform.pool.acquire().await?, platform.now());
    let (account, until) = match by {
        By::Browser(signed) => {
            signed.role(instance.organization)?;
            let until = grant::of_session(&mut connection, export.id, signed.session.id, now).await?;
            (signed.account.id, until)
        }
        By::Script(secret) => {
            let found = grant::of_secret(&mut connection, export.id, secret, now).await?;
            (found.ok_or(Problem::new(Code::Unauthenticated))?, Some(Timestamp::MAX))
        }
    };
    let (account, role) = member(&mut connection, account, instance.organization).await?;
    allowed(decide(&asker(&account, role, until), now))
}

async fn member(
    connection: &mut sqlx::PgConnection,
    account: AccountId,
    organization: OrganizationId,
) -> Result<(Account, Role), Problem> {
    let missing = || Problem::new(Code::NotFound);
    let found = store::account::find(connection, account).await?.ok_or_else(missing)?;
    let memberships = store::organization::of_account(connection, account).await?;
    let role = memberships.iter().find(|one| one.organization == organization).map(|one| one.role);
    Ok((found, role.ok_or_else(missing)?))
}
