//! The dashboard: HTML pages that work without script. A handler parses, calls a use case, and shows a page or sends on.

mod account;
pub mod assets;
mod browser;
pub mod form;
mod invitation;
mod language;
mod legal;
mod organizations;
mod page;
mod render;
mod servers;
mod session;
mod start;
mod told;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub use form::{Form, Path, Query};
pub use page::{Page, html, see_other};
pub use render::render;

use crate::platform::Platform;

/// All pages of customers, one line each.
pub fn router() -> Router<Arc<Platform>> {
    Router::new()
        .route("/", get(start::show))
        .route("/sign-up", get(account::sign_up::show).post(account::sign_up::submit))
        .route("/confirm/{secret}", get(account::confirm::show).post(account::confirm::submit))
        .route("/forgot", get(account::forgot::show).post(account::forgot::submit))
        .route("/reset/{secret}", get(account::reset::show).post(account::reset::submit))
        .route("/log-in", get(session::log_in::show).post(session::log_in::submit))
        .route("/log-out", post(session::log_out::submit))
        .route("/password-again", get(session::password_again::show).post(session::password_again::submit))
        .route("/language", post(language::submit))
        .route("/imprint", get(legal::imprint))
        .route("/privacy", get(legal::privacy))
        .route("/terms", get(legal::terms))
        .route("/processing", get(legal::processing))
        .route("/static/{file}", get(assets::serve))
        .merge(account_router())
        .merge(organizations_router())
}

fn account_router() -> Router<Arc<Platform>> {
    Router::new()
        .route("/account", get(account::show::show).post(account::show::submit))
        .route("/account/confirmation", post(account::confirmation::submit))
        .route("/account/terms", post(account::agree::submit))
        .route("/account/password", get(account::password::show).post(account::password::submit))
        .route("/account/email", get(account::email::show).post(account::email::submit))
        .route("/change-email/{secret}", get(account::change_email::show).post(account::change_email::submit))
        .route("/account/delete", get(account::delete::show).post(account::delete::submit))
        .route("/account/sessions/end-others", post(session::end_others::submit))
        .route("/account/sessions/{session}/end", post(session::end::submit))
}

fn organizations_router() -> Router<Arc<Platform>> {
    use organizations as org;
    Router::new()
        .route("/organizations", get(org::list::show).post(org::create::submit))
        .route("/organizations/{org}", get(org::show::show))
        .route("/organizations/{org}/name", post(org::rename::submit))
        .route("/organizations/{org}/members/{account}/role", post(org::member_role::submit))
        .route("/organizations/{org}/members/{account}/remove", post(org::member_remove::submit))
        .route("/organizations/{org}/leave", post(org::leave::submit))
        .route("/organizations/{org}/invitations", post(org::invite::submit))
        .route("/organizations/{org}/invitations/{invitation}/revoke", post(org::invitation_revoke::submit))
        .route("/organizations/{org}/hand-over", get(org::hand_over::show).post(org::hand_over::submit))
        .route("/organizations/{org}/delete", get(org::delete::show).post(org::delete::submit))
        .route("/organizations/{org}/log", get(org::log::show))
        .route("/organizations/{org}/tokens", get(org::tokens::show))
        .route("/organizations/{org}/tokens/new", get(org::token_new::show).post(org::token_new::submit))
        .route("/organizations/{org}/tokens/{token}/revoke", post(org::token_revoke::submit))
        .route("/invitations/{secret}", get(invitation::show).post(invitation::submit))
}
