//! The dashboard: HTML pages that work without script. A handler parses, calls a use case, and shows a page or sends on.

mod abuse;
mod account;
pub mod assets;
mod browser;
pub mod form;
mod invitation;
pub(crate) mod language;
mod legal;
mod orders;
mod organizations;
mod page;
mod render;
pub(crate) mod servers;
mod session;
mod size;
mod start;
mod stream;
mod told;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub use form::{Form, Path, Query};
pub use page::{Page, html, see_other};
pub use render::render;

use crate::platform::Platform;

/// Ordering.
fn orders() -> Router<Arc<Platform>> {
    Router::new()
        .route("/order", get(orders::place::show).post(orders::place::submit))
        .route("/orders/{order}", get(orders::show::show))
        .route("/orders/{order}/accept", post(orders::accept::submit))
        .route("/orders/{order}/cancel", post(orders::cancel::submit))
        .route("/orders/{order}/retry", post(orders::retry::submit))
        .route("/orders/{order}/email", post(orders::email::submit))
        .route("/orders/{order}/live", get(orders::live::show))
}

/// One server.
fn one_server() -> Router<Arc<Platform>> {
    Router::new()
        .route("/servers/{server}", get(servers::show::show))
        .route("/servers/{server}/live", get(servers::live::show))
        .route("/servers/{server}/login", get(servers::login::show).post(servers::login::submit))
        .route("/servers/{server}/login/reset", post(servers::users::reset_owner))
        .route("/servers/{server}/guide", get(servers::guide::show))
        .route("/servers/{server}/settings", get(servers::settings::show).post(servers::settings::submit))
        .route("/servers/{server}/pause", post(servers::pause::submit))
        .route("/servers/{server}/resume", post(servers::pause::resume))
        .route("/servers/{server}/close", get(servers::close::show).post(servers::close::submit))
        .route("/servers/{server}/reopen", post(servers::close::reopen))
        .route("/servers/{server}/users", get(servers::users::show).post(servers::users::add))
        .route("/servers/{server}/users/reset", post(servers::users::reset))
        .route("/servers/{server}/users/remove", get(servers::users::ask_remove).post(servers::users::remove))
        .route("/servers/{server}/users/{change}", get(servers::users::answer).post(servers::users::reveal))
        .route("/servers/{server}/history", get(servers::history::show))
        .route("/servers/{server}/work/{operation}/retry", post(servers::course::retry))
        .route("/servers/{server}/work/{operation}/cancel", post(servers::course::cancel))
}

/// Bundles of a server.
fn exports() -> Router<Arc<Platform>> {
    Router::new()
        .route("/servers/{server}/exports", get(servers::exports::show).post(servers::exports::submit))
        .route("/servers/{server}/exports/recipient", post(servers::exports::recipient))
        .route("/servers/{server}/exports/{export}", get(servers::exports::one))
        .route("/servers/{server}/exports/{export}/download", post(servers::exports::allow))
        .route("/servers/{server}/exports/{export}/script", post(servers::exports::script))
        .route("/servers/{server}/exports/{export}/key", post(servers::exports::ask_key))
        .route("/servers/{server}/exports/{export}/key/show", post(servers::exports::show_key))
        .route("/servers/{server}/exports/{export}/files/{*name}", get(servers::exports::file))
}

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
        .route("/abuse", get(abuse::show).post(abuse::submit))
        .route("/static/{file}", get(assets::serve))
        .merge(account_router())
        .merge(organizations_router())
        .merge(orders())
        .merge(one_server())
        .merge(exports())
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
