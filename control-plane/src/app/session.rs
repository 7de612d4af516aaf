//! Browsers in which somebody is logged in: entering the password again, and ending sessions.

use domain::Password;
use domain::audit::Action;
use domain::id::SessionId;
use domain::limits::Bucket;
use serde_json::json;

use super::login::CONFIRMED_FOR;
use super::throttle;
use crate::auth::secret::Secret;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::audit::Entry;

/// Whoever is logged in shows once more that they know the password. The cookie gets a new secret.
///
/// # Errors
/// `invalid` when it is wrong; `too-many` by session and by account, as for a log-in.
pub async fn confirm(platform: &Platform, signed: &Signed, password: Password) -> Result<Secret, Problem> {
    throttle::take(platform, Bucket::Confirm, &signed.session.id.to_string()).await?;
    throttle::take(platform, Bucket::LogInTo, &signed.account.email.canonical()).await?;
    let mut connection = platform.pool.acquire().await?;
    let hash = store::account::password_hash(&mut connection, signed.account.id).await?;
    drop(connection);
    if !platform.passwords.check(password, hash).await? {
        return Err(Problem::field("password", "password-wrong"));
    }
    let (mut tx, now, secret) = (platform.begin().await?, platform.now(), platform.secret()?);
    if !store::session::confirm(&mut tx, signed.session.id, &secret, now + CONFIRMED_FOR).await? {
        return Err(Problem::new(Code::Unauthenticated));
    }
    let entry = Entry { subject: Some(signed.session.id.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, now, &signed.actor(), Action::SessionConfirm, entry).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Ends one session of theirs. Repeats change nothing.
///
/// # Errors
/// When the database refuses.
pub async fn end(platform: &Platform, signed: &Signed, id: SessionId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    if store::session::revoke(&mut tx, signed.account.id, id, platform.now()).await? {
        let entry = Entry { subject: Some(id.to_string()), ..Entry::default() };
        store::audit::write(&mut tx, platform.now(), &signed.actor(), Action::SessionEnd, entry).await?;
    }
    Ok(tx.commit().await?)
}

/// Ends all their sessions but the one they ask from.
///
/// # Errors
/// When the database refuses.
pub async fn end_others(platform: &Platform, signed: &Signed) -> Result<(), Problem> {
    let (mut tx, now) = (platform.begin().await?, platform.now());
    let ended = store::session::revoke_others(&mut tx, signed.account.id, Some(signed.session.id), now).await?;
    if ended > 0 {
        let entry = Entry { detail: json!({ "sessions": ended }), ..Entry::default() };
        store::audit::write(&mut tx, now, &signed.actor(), Action::SessionEndOthers, entry).await?;
    }
    Ok(tx.commit().await?)
}
