//! Who calls the API: a program with a token, or a page of ours in a browser.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use domain::Right;
use domain::id::OrganizationId;
use domain::limits::Bucket;
use domain::scope::Scope;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jiff::SignedDuration;

use super::bearer;
use super::member::Member;
use super::signed::Signed;
use super::token;
use crate::actor::{Actor, Who};
use crate::api::Allowance;
use crate::app::throttle;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::request::Request;
use crate::store;
use crate::store::account::Account;
use crate::store::api_token::ApiToken;
use crate::store::organization::Membership;

/// A token's last use is written down at most this often.
const USED_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// Who calls the API.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Somebody who is logged in with a browser.
    Session(Signed),
    /// A program with somebody's token.
    Token(Bearer),
}

/// A program with somebody's token.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// The request.
    pub request: Request,
    /// In whose name.
    pub account: Account,
    /// With which token.
    pub token: ApiToken,
    /// The organization that the token acts in, and what its person is there today.
    pub membership: Membership,
}

impl Caller {
    /// For the audit log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Session(signed) => signed.actor(),
            Self::Token(bearer) => {
                let name = format!("{} ({})", bearer.account.name, bearer.token.name);
                Actor::of(&bearer.request, Who::Token(bearer.token.id), name)
            }
        }
    }

    /// Each token has a share of its own, and each browser.
    fn bucket(&self) -> String {
        match self {
            Self::Session(signed) => signed.session.id.to_string(),
            Self::Token(bearer) => bearer.token.id.to_string(),
        }
    }

    /// The request.
    #[must_use]
    pub const fn request(&self) -> &Request {
        match self {
            Self::Session(signed) => &signed.request,
            Self::Token(bearer) => &bearer.request,
        }
    }

    /// Who, or in whose name.
    #[must_use]
    pub const fn account(&self) -> &Account {
        match self {
            Self::Session(signed) => &signed.account,
            Self::Token(bearer) => &bearer.account,
        }
    }

    /// The organizations it can see: all of a person, the one of a token.
    #[must_use]
    pub fn memberships(&self) -> &[Membership] {
        match self {
            Self::Session(signed) => &signed.memberships,
            Self::Token(bearer) => std::slice::from_ref(&bearer.membership),
        }
    }

    /// Whether they may do something in an organization: by their role, and by a scope that the token has. What asks for the
    /// password again is in no scope.
    ///
    /// # Errors
    /// `not-found`, `forbidden`, `unconfirmed` or `password-needed`.
    pub fn demand(
        &self,
        platform: &Platform,
        organization: OrganizationId,
        scope: Scope,
        right: Right,
    ) -> Result<Member, Problem> {
        let role = match self {
            Self::Session(signed) => signed.demand(platform, organization, right)?,
            Self::Token(bearer) if bearer.membership.organization != organization => {
                return Err(Problem::new(Code::NotFound));
            }
            Self::Token(bearer) if !bearer.token.scopes.may(bearer.membership.role, scope, right) => {
                return Err(Problem::new(Code::Forbidden));
            }
            Self::Token(bearer) => bearer.membership.role,
        };
        Ok(Member { actor: self.actor(), account: self.account().id, organization, role })
    }
}

impl FromRequestParts<Arc<Platform>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Problem> {
        // One request is one request, whoever asks how often who sent it.
        if let Some(found) = parts.extensions.get::<Self>() {
            return Ok(found.clone());
        }
        let found = identify(parts, platform).await?.ok_or(Problem::new(Code::Unauthenticated))?;
        let taken = throttle::try_to_take(platform, Bucket::Api, &found.bucket()).await?;
        if let Some(allowance) = parts.extensions.get::<Allowance>() {
            allowance.note(&taken);
        }
        throttle::granted(&taken)?;
        parts.extensions.insert(found.clone());
        Ok(found)
    }
}

async fn identify(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Option<Caller>, Problem> {
    if !parts.headers.contains_key(AUTHORIZATION) {
        let signed = <Signed as OptionalFromRequestParts<_>>::from_request_parts(parts, platform).await?;
        return Ok(signed.map(Caller::Session));
    }
    let Some(text) = bearer::token(&parts.headers) else { return Ok(None) };
    let request = Request::read(parts, platform.config.proxies);
    Ok(find(platform, request, text).await?.map(Caller::Token))
}

async fn find(platform: &Platform, mut request: Request, text: &str) -> Result<Option<Bearer>, Problem> {
    let Some(secret) = token::parse(text) else { return Ok(None) };
    let now = platform.now();
    let mut connection = platform.pool.acquire().await?;
    let Some(found) = store::api_token::bearer(&mut connection, &secret, now).await? else {
        return Ok(None);
    };
    let store::api_token::Bearer { token, account, membership } = found;
    if token.last_used_at.is_none_or(|used| now.duration_since(used) >= USED_EVERY) {
        store::api_token::used(&mut connection, token.id, now).await?;
    }
    drop(connection);
    request.texts = request.texts.in_locale(account.locale);
    Ok(Some(Bearer { request, account, token, membership }))
}
