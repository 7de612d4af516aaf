//! Asking for a mail to be sent.

use domain::id::{AccountId, MailId};
use domain::{Email, Locale};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::Problem;
use crate::platform::Platform;
use crate::store;

/// A mail to somebody.
#[derive(Debug)]
pub struct Letter<'a> {
    /// Which mail.
    pub template: &'static str,
    /// The language.
    pub locale: Locale,
    /// To whom.
    pub to: &'a Email,
    /// The account it is for, if it is for one.
    pub account: Option<AccountId>,
    /// What its text needs.
    pub arguments: Value,
    /// The link in it, when it holds a secret.
    pub secret_link: Option<String>,
}

/// Puts a mail into the outbox, in the transaction of what it tells.
///
/// # Errors
/// When the database refuses.
pub async fn send(platform: &Platform, connection: &mut PgConnection, letter: Letter<'_>) -> Result<(), Problem> {
    let sealed = letter.secret_link.map(|link| platform.seal.seal(link.as_bytes())).transpose()?;
    let mail = store::mail::New {
        id: platform.id(MailId::new)?,
        host: platform.config.host(),
        template: letter.template,
        locale: letter.locale,
        recipient: letter.to,
        account: letter.account,
        arguments: letter.arguments,
        sealed,
        at: platform.now(),
    };
    Ok(store::mail::insert(connection, mail).await?)
}
