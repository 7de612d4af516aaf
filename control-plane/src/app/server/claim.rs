//! The owner's first password: on its way it is sealed, it is shown once, and then it is nowhere.

use domain::audit::Action;
use domain::id::InstanceId;
use domain::operation::{Kind, Subject};
use secrecy::{ExposeSecret as _, SecretString};

use super::{lock, note};
use crate::actor::Actor;
use crate::app::operation::begin;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::seal::Seal;
use crate::store;
use crate::store::audit::Entry;

/// Opens what a cell answered to a one-time key that waited sealed.
///
/// # Errors
/// When either is damaged, which is loud: nobody else has the key.
pub fn open(platform: &Platform, key_sealed: &[u8], answer: &str) -> Result<SecretString, Problem> {
    let key = Seal::parse(platform.seal.open_text(key_sealed)?.expose_secret())?;
    let text = key.open_text(answer.as_bytes())?;
    Ok(SecretString::from(text.expose_secret().trim_end().to_owned()))
}

/// The owner's first password, for the one time that it is shown. From then on neither we nor the cell have it.
///
/// # Errors
/// `shown-once` when it was, `wrong-state` when it is not there yet.
pub async fn show(platform: &Platform, actor: &Actor, id: InstanceId) -> Result<SecretString, Problem> {
    let mut tx = platform.begin().await?;
    let instance = lock(&mut tx, id).await?;
    let Some((key, answer)) = store::instance::take_claim(&mut tx, id).await? else {
        let code = if instance.claim_key_sealed.is_some() { Code::WrongState } else { Code::ShownOnce };
        return Err(Problem::new(code));
    };
    let password = open(platform, &key, &answer)?;
    begin(platform, &mut tx, actor, &instance, Kind::ApplyInstance, Subject::Instance(id)).await?;
    note(platform, &mut tx, actor, &instance, Action::InstanceShowClaim, Entry::default()).await?;
    tx.commit().await?;
    Ok(password)
}
