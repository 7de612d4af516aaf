//! Who calls, with which token.

use domain::id::{AccountId, OrganizationId, TokenId};
use domain::scope::Scopes;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::{Json, schema};
use crate::auth::caller::Caller;

/// In whose name a request is made.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountBody {
    #[schema(value_type = schema::AccountId)]
    id: AccountId,
    /// What they are called.
    #[schema(example = "Ada")]
    name: String,
    /// The language of their mails.
    #[schema(example = "en")]
    language: &'static str,
    /// The token of this request; none in a browser.
    token: Option<TokenBody>,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenBody {
    #[schema(value_type = schema::TokenId)]
    id: TokenId,
    /// What it is for.
    #[schema(example = "Nightly exports")]
    name: String,
    /// Where it acts.
    #[schema(value_type = schema::OrganizationId)]
    organization: OrganizationId,
    /// What it may do, as far as its person may.
    #[schema(value_type = Vec<schema::Scope>)]
    scopes: Scopes,
    /// Until when it is good.
    expires_at: Timestamp,
}

/// Who calls
///
/// Any token may ask: whose it is, what it may do and until when.
#[utoipa::path(
    get, path = "/account", tag = "Account", operation_id = "account_show",
    responses((status = 200, description = "In whose name the request was made", body = AccountBody)),
    security(("token" = []), ("session" = [])),
)]
pub async fn show(caller: Caller) -> Json<AccountBody> {
    let account = caller.account();
    let token = match &caller {
        Caller::Session(_) => None,
        Caller::Token(bearer) => Some(TokenBody {
            id: bearer.token.id,
            name: bearer.token.name.clone(),
            organization: bearer.token.organization,
            scopes: bearer.token.scopes.clone(),
            expires_at: bearer.token.expires_at,
        }),
    };
    let (id, name, language) = (account.id, account.name.to_string(), account.locale.as_str());
    Json(AccountBody { id, name, language, token })
}
