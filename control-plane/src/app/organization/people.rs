//! Who is in an organization and as what.

use domain::audit::Action;
use domain::id::AccountId;
use domain::{Right, Role};
use serde_json::json;

use super::note;
use crate::auth::member::Member;
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::membership::Person;

/// Changes what a member is.
///
/// # Errors
/// `not-found`; `forbidden` when the role they have or get is not for this member to give; see [`Member::enter`].
pub async fn set_role(platform: &Platform, member: &Member, who: AccountId, role: Role) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let person = managed(&mut tx, member, who).await?;
    if person.role == role {
        return Ok(());
    }
    if !member.enter(&mut tx, Right::Members).await?.may_manage(role) {
        return Err(Problem::new(Code::Forbidden));
    }
    store::membership::set_role(&mut tx, member.organization, who, role).await?;
    let detail = json!({ "name": person.name.as_str(), "from": person.role, "role": role });
    note(platform, &mut tx, member, Action::MemberRole, Some(who), detail).await?;
    Ok(tx.commit().await?)
}

/// Takes a member out, and the tokens they made with them.
///
/// # Errors
/// As [`set_role`].
pub async fn remove(platform: &Platform, member: &Member, who: AccountId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let person = managed(&mut tx, member, who).await?;
    store::membership::remove(&mut tx, member.organization, who, platform.now()).await?;
    let detail = json!({ "name": person.name.as_str(), "role": person.role });
    note(platform, &mut tx, member, Action::MemberRemove, Some(who), detail).await?;
    Ok(tx.commit().await?)
}

/// Leaves. An owner hands over first.
///
/// # Errors
/// `forbidden` for the owner; `not-found` when they are not in it.
pub async fn leave(platform: &Platform, member: &Member) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let role = member.enter_at_all(&mut tx).await?;
    if role == Role::Owner {
        return Err(Problem::new(Code::Forbidden));
    }
    store::membership::remove(&mut tx, member.organization, member.account, platform.now()).await?;
    let detail = json!({ "name": member.actor.name, "role": role });
    note(platform, &mut tx, member, Action::MemberLeave, Some(member.account), detail).await?;
    Ok(tx.commit().await?)
}

/// A member whose role is for whoever asks to change.
async fn managed(tx: &mut Tx, member: &Member, who: AccountId) -> Result<Person, Problem> {
    let role = member.enter(tx, Right::Members).await?;
    let people = store::membership::of_organization(tx, member.organization).await?;
    let person = people.into_iter().find(|person| person.account == who).ok_or(Problem::new(Code::NotFound))?;
    if role.may_manage(person.role) { Ok(person) } else { Err(Problem::new(Code::Forbidden)) }
}
