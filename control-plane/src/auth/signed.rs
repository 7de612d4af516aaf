//! Somebody who is logged in with a browser.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use domain::id::OrganizationId;
use domain::{Right, Role};
use http::HeaderMap;
use http::request::Parts;
use jiff::SignedDuration;

use super::member::Member;
use super::secret::Secret;
use crate::actor::{Actor, Who};
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::request::Request;
use crate::store;
use crate::store::account::Account;
use crate::store::organization::Membership;
use crate::store::session::Session;

/// The session's cookie. The prefix makes browsers refuse one that another host or an unencrypted page sets.
pub const COOKIE: &str = "__Host-session";
/// A session's last use is written down at most this often.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// Somebody who is logged in with a browser.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The request.
    pub request: Request,
    /// Who.
    pub account: Account,
    /// In which browser.
    pub session: Session,
    /// What they are a member of, their own organization first.
    pub memberships: Vec<Membership>,
}

impl Signed {
    /// For the audit log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::of(&self.request, Who::Account(self.account.id), self.account.name.as_str())
    }

    /// Their role in an organization; somebody else's organization does not exist for them.
    ///
    /// # Errors
    /// `not-found`.
    pub fn role(&self, organization: OrganizationId) -> Result<Role, Problem> {
        self.membership(organization).map(|one| one.role)
    }

    /// Whether they may do something in an organization, and have entered their password lately where that is asked for.
    ///
    /// # Errors
    /// `not-found`, `forbidden`, `unconfirmed` or `password-needed`.
    pub fn demand(&self, platform: &Platform, organization: OrganizationId, right: Right) -> Result<Role, Problem> {
        let role = self.role(organization)?;
        if !role.may(right) {
            return Err(Problem::new(Code::Forbidden));
        }
        if self.account.email_confirmed_at.is_none() && right != Right::See {
            return Err(Problem::new(Code::Unconfirmed));
        }
        if right.needs_password() {
            self.password_entered(platform)?;
        }
        Ok(role)
    }

    /// As [`Signed::demand`], for use cases that look again in their transaction.
    ///
    /// # Errors
    /// `not-found`, `forbidden`, `unconfirmed` or `password-needed`.
    pub fn member(&self, platform: &Platform, organization: OrganizationId, right: Right) -> Result<Member, Problem> {
        let role = self.demand(platform, organization, right)?;
        Ok(Member { actor: self.actor(), account: self.account.id, organization, role })
    }

    /// Their membership in an organization; somebody else's organization does not exist for them.
    ///
    /// # Errors
    /// `not-found`.
    pub fn membership(&self, organization: OrganizationId) -> Result<&Membership, Problem> {
        let found = self.memberships.iter().find(|one| one.organization == organization);
        found.ok_or(Problem::new(Code::NotFound))
    }

    /// Whether their mail address is confirmed.
    ///
    /// # Errors
    /// `unconfirmed`.
    pub fn confirmed(&self) -> Result<(), Problem> {
        match self.account.email_confirmed_at {
            Some(_) => Ok(()),
            None => Err(Problem::new(Code::Unconfirmed)),
        }
    }

    /// Whether they have entered their password lately.
    ///
    /// # Errors
    /// `password-needed`.
    pub fn password_entered(&self, platform: &Platform) -> Result<(), Problem> {
        let fresh = self.session.confirmed_until.is_some_and(|until| until > platform.now());
        if fresh { Ok(()) } else { Err(Problem::new(Code::PasswordNeeded)) }
    }
}

impl FromRequestParts<Arc<Platform>> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Problem> {
        let found = <Self as OptionalFromRequestParts<_>>::from_request_parts(parts, platform).await?;
        found.ok_or(Problem::new(Code::Unauthenticated))
    }
}

impl OptionalFromRequestParts<Arc<Platform>> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Option<Self>, Problem> {
        let Some(secret) = secret(&parts.headers) else { return Ok(None) };
        let request = Request::read(parts, platform.config.proxies);
        find(platform, request, &secret).await
    }
}

/// What the session's cookie holds, if it is there.
#[must_use]
pub fn secret(headers: &HeaderMap) -> Option<Secret> {
    let jar = CookieJar::from_headers(headers);
    jar.get(COOKIE).and_then(|cookie| Secret::parse(cookie.value()))
}

/// Who sent a request with a session's cookie; nobody when the session has ended.
///
/// # Errors
/// When the database refuses.
pub async fn find(platform: &Platform, mut request: Request, secret: &Secret) -> Result<Option<Signed>, Problem> {
    let now = platform.now();
    let mut connection = platform.pool.acquire().await?;
    let Some(session) = store::session::with_secret(&mut connection, secret, now).await? else {
        return Ok(None);
    };
    let Some(account) = store::account::find(&mut connection, session.account).await? else {
        return Ok(None);
    };
    if now.duration_since(session.last_seen_at) >= SEEN_EVERY {
        store::session::seen(&mut connection, session.id, &request.address.to_string(), now).await?;
    }
    let memberships = store::organization::of_account(&mut connection, account.id).await?;
    request.texts = request.texts.in_locale(account.locale);
    Ok(Some(Signed { request, account, session, memberships }))
}

/// The cookie of a session that begins; it lasts as long as the session.
///
/// # Errors
/// Never: the text is of our own making.
pub fn cookie(secret: &Secret) -> Result<Cookie<'static>, Problem> {
    let seconds = crate::app::login::SESSION_FOR.as_secs();
    let text = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={seconds}", secret.text());
    Cookie::parse(text).map_err(Problem::internal)
}

/// What takes the cookie away.
#[must_use]
pub fn removal() -> Cookie<'static> {
    let mut cookie =
        Cookie::build((COOKIE, "")).path("/").secure(true).http_only(true).same_site(SameSite::Lax).build();
    cookie.make_removal();
    cookie
}
