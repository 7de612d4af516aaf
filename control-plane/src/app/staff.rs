//! Staff accounts: made by the command line, used with a second factor.

use domain::audit::Action;
use domain::id::{SessionId, StaffId};
use domain::limits::Bucket;
use domain::{Email, Password};
use secrecy::{ExposeSecret as _, SecretString};

use super::throttle;
use crate::actor::{Actor, Who};
use crate::auth::secret::Secret;
use crate::auth::staff::{SESSION_FOR, StaffSigned};
use crate::auth::totp::SecondFactor;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::request::Request;
use crate::store;
use crate::store::audit::Entry;
use crate::store::staff::{NewSession, Proof, Staff};

/// Makes a staff account; the answer is what their authenticator app reads, and is kept nowhere in the open.
///
/// # Errors
/// `already-member` when the address has one.
pub async fn create(
    platform: &Platform,
    email: &Email,
    name: &str,
    password: Password,
) -> Result<SecretString, Problem> {
    let factor = SecondFactor::new(platform.random()?, email.as_str())?;
    let address = factor.address()?;
    let proof = Proof {
        password_hash: platform.passwords.hash(password, platform.random()?).await?,
        totp_sealed: platform.seal.seal(address.expose_secret().as_bytes())?,
    };
    let staff = Staff { id: platform.id(StaffId::new)?, email: email.clone(), name: name.to_owned() };
    let mut tx = platform.begin().await?;
    match store::staff::insert(&mut tx, &staff, &proof, platform.now()).await {
        Err(error) if error.constraint() == Some("staff_email") => return Err(Problem::new(Code::AlreadyMember)),
        other => other?,
    }
    let entry = Entry { subject: Some(staff.id.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, platform.now(), &Actor::system(), Action::StaffCreate, entry).await?;
    tx.commit().await?;
    Ok(address)
}

/// Shuts somebody out.
///
/// # Errors
/// `not-found`.
pub async fn disable(platform: &Platform, email: &Email) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    if !store::staff::disable(&mut tx, email, platform.now()).await? {
        return Err(Problem::new(Code::NotFound));
    }
    let entry = Entry { subject: Some(email.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, platform.now(), &Actor::system(), Action::StaffDisable, entry).await?;
    Ok(tx.commit().await?)
}

/// Logs somebody in with password and code; the secret goes into the cookie. Which of the three was wrong is not said.
///
/// # Errors
/// `wrong-login`; `too-many`.
pub async fn log_in(
    platform: &Platform,
    request: &Request,
    email: &Email,
    password: Password,
    code: &str,
) -> Result<Secret, Problem> {
    throttle::take(platform, Bucket::LogInFrom, &format!("staff:{}", request.address)).await?;
    throttle::take(platform, Bucket::LogInTo, &format!("staff:{}", email.canonical())).await?;
    let found = {
        let mut connection = platform.pool.acquire().await?;
        store::staff::with_email(&mut connection, email).await?
    };
    let hash = found.as_ref().map(|(_, proof)| proof.password_hash.clone());
    let right = platform.passwords.check(password, hash).await?;
    let wrong = || Problem::new(Code::WrongLogin);
    let (staff, proof) = found.filter(|_| right).ok_or_else(wrong)?;
    let now = platform.now();
    let factor = SecondFactor::parse(&platform.seal.open_text(&proof.totp_sealed)?)?;
    let second = u64::try_from(now.as_second()).map_err(Problem::internal)?;
    let step = factor.check(code, second).ok_or_else(wrong)?;

    let secret = platform.secret()?;
    let session = NewSession {
        id: platform.id(SessionId::new)?,
        secret: &secret,
        staff: staff.id,
        user_agent: &request.user_agent,
        address: &request.address.to_string(),
        at: now,
        expires_at: now + SESSION_FOR,
    };
    let mut tx = platform.begin().await?;
    // A code that somebody read over a shoulder is of no use: it works once.
    if !store::staff::use_step(&mut tx, staff.id, step).await? {
        return Err(wrong());
    }
    store::staff::insert_session(&mut tx, &session).await?;
    let actor = Actor::of(request, Who::Staff(staff.id), &staff.name);
    let entry = Entry { subject: Some(session.id.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, now, &actor, Action::StaffSessionBegin, entry).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Ends a session and with it all its tokens.
///
/// # Errors
/// When the database refuses.
pub async fn log_out(platform: &Platform, signed: &StaffSigned) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    store::staff::end_session(&mut tx, signed.session, platform.now()).await?;
    let entry = Entry { subject: Some(signed.session.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, platform.now(), &signed.actor(), Action::StaffSessionEnd, entry).await?;
    Ok(tx.commit().await?)
}

/// A token for the staff API, tied to this session.
///
/// # Errors
/// `unavailable` when there is no key to sign with.
pub async fn token(platform: &Platform, signed: &StaffSigned) -> Result<String, Problem> {
    let now = platform.now();
    let token = platform.staff_keys.issue(signed.staff.id, signed.session, now)?;
    let mut tx = platform.begin().await?;
    let entry = Entry { subject: Some(signed.session.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, now, &signed.actor(), Action::StaffToken, entry).await?;
    tx.commit().await?;
    Ok(token)
}
