//! One of us, in a browser or by a token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use domain::id::SessionId;
use http::request::Parts;
use jiff::SignedDuration;

use super::bearer;
use super::secret::Secret;
use crate::actor::{Actor, Who};
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::request::Request;
use crate::store;
use crate::store::staff::{By, Staff};

/// The cookie of a staff session.
pub const COOKIE: &str = "__Host-staff";
/// How long a session lasts, whatever is done in it.
pub const SESSION_FOR: SignedDuration = SignedDuration::from_hours(8);
/// A session that is not used for so long ends.
pub const IDLE: SignedDuration = SignedDuration::from_mins(30);

/// One of us.
#[derive(Debug, Clone)]
pub struct StaffSigned {
    /// The request.
    pub request: Request,
    /// Who.
    pub staff: Staff,
    /// In which session.
    pub session: SessionId,
}

impl StaffSigned {
    /// For the audit log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::of(&self.request, Who::Staff(self.staff.id), &self.staff.name)
    }
}

impl FromRequestParts<Arc<Platform>> for StaffSigned {
    type Rejection = Problem;

    /// A token beats the cookie. A token's session must still be good: logging out ends all tokens of it.
    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Problem> {
        // One request is looked up once, whoever asks how often who sent it.
        if let Some(found) = parts.extensions.get::<Self>() {
            return Ok(found.clone());
        }
        let now = platform.now();
        let jar = CookieJar::from_headers(&parts.headers);
        let cookie = jar.get(COOKIE).and_then(|cookie| Secret::parse(cookie.value()));
        let by = match (bearer::token(&parts.headers), &cookie) {
            (Some(token), _) => By::Id(platform.staff_keys.verify(token, now)?.1),
            (None, Some(secret)) => By::Secret(secret),
            (None, None) => return Err(Problem::new(Code::Unauthenticated)),
        };
        let mut connection = platform.pool.acquire().await?;
        let found = store::staff::session(&mut connection, by, now, now - IDLE).await?;
        let (session, staff) = found.ok_or(Problem::new(Code::Unauthenticated))?;
        let found = Self { request: Request::read(parts, platform.config.proxies), staff, session };
        parts.extensions.insert(found.clone());
        Ok(found)
    }
}

/// The cookie of a session that begins.
///
/// # Errors
/// Never: the text is of our own making.
pub fn cookie(secret: &Secret) -> Result<Cookie<'static>, Problem> {
    let seconds = SESSION_FOR.as_secs();
    let text = format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}", secret.text());
    Cookie::parse(text).map_err(Problem::internal)
}

/// What takes the cookie away.
#[must_use]
pub fn removal() -> Cookie<'static> {
    let mut cookie =
        Cookie::build((COOKIE, "")).path("/").secure(true).http_only(true).same_site(SameSite::Strict).build();
    cookie.make_removal();
    cookie
}
