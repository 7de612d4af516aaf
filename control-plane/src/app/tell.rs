//! Mails to those whose server it is.

use domain::id::OrganizationId;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;

use super::mail::{self, Letter};
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;
use crate::when;

/// Something that owners are told.
#[derive(Debug, Clone)]
pub struct News {
    /// Which mail.
    pub template: &'static str,
    /// What its text needs, as an object; each mail also gets the `name` of its reader.
    pub arguments: Value,
    /// A time in its text, `until`, written as its reader writes times.
    pub until: Option<Timestamp>,
}

/// Tells an organization's owners what happens to one of its servers, each in their language.
///
/// # Errors
/// When the database refuses.
pub async fn owners(
    platform: &Platform,
    connection: &mut PgConnection,
    organization: OrganizationId,
    news: News,
) -> Result<(), Problem> {
    for owner in store::organization::recipients(connection, organization).await? {
        let mut arguments = news.arguments.clone();
        arguments["name"] = Value::from(owner.name);
        if let Some(until) = news.until {
            arguments["until"] = Value::from(when::text(owner.locale, until));
        }
        let letter = Letter {
            template: news.template,
            locale: owner.locale,
            to: &owner.email,
            account: Some(owner.account),
            arguments,
            secret_link: None,
        };
        mail::send(platform, connection, letter).await?;
    }
    Ok(())
}
