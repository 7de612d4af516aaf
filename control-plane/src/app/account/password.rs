//! Changing the password by whoever knows it.

use domain::Password;
use domain::audit::Action;
use domain::limits::Bucket;
use serde_json::json;

use crate::app::mail::{self, Letter};
use crate::app::throttle;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::account::Account;
use crate::store::audit::Entry;

/// Replaces the password. Every other browser is logged out, and links that were mailed before are dead: if somebody else
/// was in, they are not any more.
///
/// # Errors
/// `invalid` when the old one is wrong; `too-many`.
pub async fn change(platform: &Platform, signed: &Signed, old: Password, new: Password) -> Result<(), Problem> {
    let wrong = || Problem::field("current", "password-wrong");
    throttle::take(platform, Bucket::Confirm, &signed.session.id.to_string()).await?;
    let mut connection = platform.pool.acquire().await?;
    let hash = store::account::password_hash(&mut connection, signed.account.id).await?;
    drop(connection);
    if !platform.passwords.check(old, hash.clone()).await? {
        return Err(wrong());
    }
    let to = platform.passwords.hash(new, platform.random()?).await?;

    let (mut tx, now) = (platform.begin().await?, platform.now());
    if !store::account::set_password(&mut tx, signed.account.id, hash.as_deref(), &to, now).await? {
        return Err(wrong());
    }
    store::session::revoke_others(&mut tx, signed.account.id, Some(signed.session.id), now).await?;
    store::mail_link::kill_all(&mut tx, signed.account.id, now).await?;
    let entry = Entry { subject: Some(signed.account.id.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, now, &signed.actor(), Action::AccountChangePassword, entry).await?;
    tell(platform, &mut tx, &signed.account).await?;
    Ok(tx.commit().await?)
}

/// Tells the owner that the password is another one now.
pub(super) async fn tell(platform: &Platform, tx: &mut Tx, account: &Account) -> Result<(), Problem> {
    let letter = Letter {
        template: "password-changed",
        locale: account.locale,
        to: &account.email,
        account: Some(account.id),
        arguments: json!({
            "name": account.name.as_str(),
            "support": platform.config.support.as_str(),
            "link": platform.link("/forgot"),
        }),
        secret_link: None,
    };
    mail::send(platform, tx, letter).await
}
