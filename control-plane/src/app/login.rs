//! Logging in and out.

use domain::audit::Action;
use domain::id::SessionId;
use domain::limits::Bucket;
use domain::{Email, Password};
use jiff::SignedDuration;

use super::throttle;
use crate::actor::{Actor, Who};
use crate::auth::secret::Secret;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::request::Request;
use crate::store;
use crate::store::audit::Entry;
use crate::store::session::Session;

/// How long a session lasts. ASVS 5.0 V7.3.2 wants an end whatever is done in it.
pub const SESSION_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How long the password counts as just entered.
pub const CONFIRMED_FOR: SignedDuration = SignedDuration::from_mins(15);

/// Logs somebody in; the secret goes into the cookie. For an unknown address it takes as long and says the same.
///
/// # Errors
/// `wrong-login`; `too-many` by address of the browser and of the account.
pub async fn log_in(
    platform: &Platform,
    request: &Request,
    email: &Email,
    password: Password,
) -> Result<Secret, Problem> {
    throttle::take(platform, Bucket::LogInFrom, &request.address.to_string()).await?;
    throttle::take(platform, Bucket::LogInTo, &email.canonical()).await?;
    let mut connection = platform.pool.acquire().await?;
    let (account, hash) = store::account::with_login(&mut connection, email).await?.unzip();
    drop(connection); // hashing waits for its turn
    let right = platform.passwords.check(password, hash.flatten()).await?;
    let account = account.filter(|_| right).ok_or(Problem::new(Code::WrongLogin))?;

    let (secret, now) = (platform.secret()?, platform.now());
    let new = store::session::New {
        id: platform.id(SessionId::new)?,
        secret: &secret,
        account: account.id,
        user_agent: &request.user_agent,
        address: &request.address.to_string(),
        at: now,
        expires_at: now + SESSION_FOR,
        confirmed_until: now + CONFIRMED_FOR,
    };
    let mut tx = platform.begin().await?;
    store::session::insert(&mut tx, &new).await?;
    let actor = Actor::of(request, Who::Account(account.id), account.name.as_str());
    let entry = Entry { subject: Some(new.id.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, now, &actor, Action::SessionBegin, entry).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Ends the session itself.
///
/// # Errors
/// When the database refuses.
pub async fn log_out(platform: &Platform, actor: &Actor, session: &Session) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    if store::session::revoke(&mut tx, session.account, session.id, platform.now()).await? {
        let entry = Entry { subject: Some(session.id.to_string()), ..Entry::default() };
        store::audit::write(&mut tx, platform.now(), actor, Action::SessionEnd, entry).await?;
    }
    Ok(tx.commit().await?)
}
