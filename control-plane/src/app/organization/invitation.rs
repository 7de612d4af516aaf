//! Inviting people by mail.

use domain::audit::Action;
use domain::id::InvitationId;
use domain::limits::Bucket;
use domain::{Email, Right, Role};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::note;
use crate::app::mail::{self, Letter};
use crate::app::throttle;
use crate::auth::member::Member;
use crate::auth::secret::Secret;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::request::Request;
use crate::store;
use crate::store::invitation::{Invitation, New};

/// How long an invitation works.
pub const INVITED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An invitation that is on its way.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Its id.
    pub id: InvitationId,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// Mails an invitation. Whether the address has an account shows nowhere.
///
/// # Errors
/// `already-member`; `forbidden` when the role is not for this member to give; `too-many`; see [`Member::enter`].
pub async fn invite(
    platform: &Platform,
    request: &Request,
    member: &Member,
    email: &Email,
    role: Role,
) -> Result<Sent, Problem> {
    throttle::take(platform, Bucket::Invite, &member.organization.to_string()).await?;
    throttle::take(platform, Bucket::Mail, &email.canonical()).await?;
    let (mut tx, now, secret) = (platform.begin().await?, platform.now(), platform.secret()?);
    if !member.enter(&mut tx, Right::Invite).await?.may_manage(role) {
        return Err(Problem::new(Code::Forbidden));
    }
    if store::membership::has_email(&mut tx, member.organization, email).await? {
        return Err(Problem::new(Code::AlreadyMember));
    }
    let new = New {
        id: platform.id(InvitationId::new)?,
        organization: member.organization,
        email,
        role,
        secret: &secret,
        invited_by: member.account,
        at: now,
        expires_at: now + INVITED_FOR,
    };
    match store::invitation::insert(&mut tx, &new).await {
        Err(error) if error.constraint() == Some("invitations_open") => {
            return Err(Problem::new(Code::AlreadyMember));
        }
        other => other?,
    }
    send(platform, &mut tx, request, &new).await?;
    let detail = json!({ "name": email.as_str(), "role": role });
    note(platform, &mut tx, member, Action::MemberInvite, None, detail).await?;
    tx.commit().await?;
    Ok(Sent { id: new.id, expires_at: new.expires_at })
}

async fn send(platform: &Platform, tx: &mut Tx, request: &Request, new: &New<'_>) -> Result<(), Problem> {
    let gone = || Problem::new(Code::NotFound);
    let organization = store::organization::find(tx, new.organization).await?.ok_or_else(gone)?;
    let inviter = store::account::find(tx, new.invited_by).await?.ok_or_else(gone)?;
    let invited = store::account::with_email(tx, new.email).await?;
    let letter = Letter {
        template: "invite",
        locale: invited.map_or(request.texts.locale(), |account| account.locale),
        to: new.email,
        account: None,
        arguments: json!({
            "inviter": inviter.name.as_str(),
            "organization": organization.name,
            "role": new.role.as_str(),
            "days": INVITED_FOR.as_hours() / 24,
        }),
        secret_link: Some(platform.link(&format!("/invitations/{}", new.secret.text()))),
    };
    mail::send(platform, tx, letter).await
}

/// Takes an invitation back.
///
/// # Errors
/// `not-found` when it is not open any more; `forbidden` when its role is not for this member to give.
pub async fn revoke(platform: &Platform, member: &Member, id: InvitationId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let mine = member.enter(&mut tx, Right::Invite).await?;
    let found = store::invitation::find(&mut tx, member.organization, id).await?;
    let (email, role) = found.ok_or(Problem::new(Code::NotFound))?;
    if !mine.may_manage(role) {
        return Err(Problem::new(Code::Forbidden));
    }
    store::invitation::revoke(&mut tx, id, platform.now()).await?;
    let detail = json!({ "name": email.as_str(), "role": role });
    note(platform, &mut tx, member, Action::MemberRevokeInvitation, None, detail).await?;
    Ok(tx.commit().await?)
}

/// What a link invites to.
///
/// # Errors
/// `link-dead`.
pub async fn look(platform: &Platform, secret: &Secret) -> Result<Invitation, Problem> {
    let mut tx = platform.begin().await?;
    let found = store::invitation::with_secret(&mut tx, secret, platform.now()).await?;
    found.ok_or(Problem::new(Code::LinkDead))
}

/// Accepts an invitation: whoever is logged in joins, if the address that was invited is theirs and confirmed. Whoever
/// invited them is told.
///
/// # Errors
/// `link-dead`, `unconfirmed`, `not-invited`, `already-member`.
pub async fn accept(platform: &Platform, signed: &Signed, secret: &Secret) -> Result<Invitation, Problem> {
    let (mut tx, now) = (platform.begin().await?, platform.now());
    let dead = || Problem::new(Code::LinkDead);
    let invitation = store::invitation::with_secret(&mut tx, secret, now).await?.ok_or_else(dead)?;
    if invitation.email != signed.account.email {
        return Err(Problem::new(Code::NotInvited));
    }
    signed.confirmed()?;
    if !store::organization::lock(&mut tx, invitation.organization).await? {
        return Err(dead());
    }
    // What was read before the lock may have been revoked or accepted by then.
    let invitation = store::invitation::with_secret(&mut tx, secret, now).await?.ok_or_else(dead)?;
    let (organization, role) = (invitation.organization, invitation.role);
    if !store::membership::insert(&mut tx, organization, signed.account.id, role, now).await? {
        return Err(Problem::new(Code::AlreadyMember));
    }
    store::invitation::accept(&mut tx, invitation.id, now).await?;
    let member = Member { actor: signed.actor(), account: signed.account.id, organization, role };
    let detail = json!({ "name": signed.account.name.as_str(), "role": role });
    note(platform, &mut tx, &member, Action::MemberJoin, Some(signed.account.id), detail).await?;
    tell(platform, &mut tx, signed, &invitation).await?;
    tx.commit().await?;
    Ok(invitation)
}

async fn tell(platform: &Platform, tx: &mut Tx, signed: &Signed, invitation: &Invitation) -> Result<(), Problem> {
    // Whoever invited may be gone by now.
    let Some(inviter) = store::account::find(tx, invitation.invited_by).await? else {
        return Ok(());
    };
    let letter = Letter {
        template: "joined",
        locale: inviter.locale,
        to: &inviter.email,
        account: Some(inviter.id),
        arguments: json!({
            "name": inviter.name.as_str(),
            "person": signed.account.name.as_str(),
            "email": signed.account.email.as_str(),
            "organization": invitation.organization_name,
            "role": invitation.role.as_str(),
            "link": platform.link(&format!("/organizations/{}", invitation.organization)),
        }),
        secret_link: None,
    };
    mail::send(platform, tx, letter).await
}
