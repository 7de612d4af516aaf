//! An invitation from a mail: what it is, and joining.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::app::organization::invitation::{accept, look};
use crate::auth::secret::Secret;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::pages::{Page, Path, html, organizations, see_other};
use crate::platform::Platform;
use crate::request::Request;
use crate::store::invitation::Invitation;

#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage<'a> {
    page: &'a Page,
    invitation: Invitation,
    /// Its own path, for coming back.
    path: String,
    /// Who is logged in.
    reader: Option<&'a str>,
    /// Whether that is who is invited.
    theirs: bool,
}

/// What it is; with a button for whom it is for, and the way there for whoever is not logged in.
///
/// # Errors
/// `link-dead`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(secret): Path<String>,
    request: Request,
    signed: Option<Signed>,
) -> Result<Response, Problem> {
    let secret = Secret::parse(&secret).ok_or(Problem::new(Code::LinkDead))?;
    let invitation = look(&platform, &secret).await?;
    let page = &signed.as_ref().map_or_else(|| Page::of(&request), Page::to);
    let reader = signed.as_ref().map(|signed| signed.account.email.as_str());
    let theirs = signed.as_ref().is_some_and(|signed| signed.account.email == invitation.email);
    let path = format!("/invitations/{}", secret.text());
    html(StatusCode::OK, &InvitationPage { page, invitation, path, reader, theirs })
}

/// Joins.
///
/// # Errors
/// `link-dead`, `unconfirmed`, `not-invited`, `already-member`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(secret): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let secret = Secret::parse(&secret).ok_or(Problem::new(Code::LinkDead))?;
    let invitation = accept(&platform, &signed, &secret).await?;
    Ok(see_other(&format!("{}?told=joined", organizations::path(invitation.organization))))
}
