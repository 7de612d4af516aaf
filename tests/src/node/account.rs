//! Changes of a server's accounts, asked for as its owner's program does.

use std::time::Duration;

use anyhow::{Context as _, Result};
use crd::{AccountAction, AccountChange, AccountChangeSpec, InstanceRef, Phase};
use kube::api::{Api, PostParams};
use lab::claim::Claim;
use lab::journey::Site;
use lab::wait;

/// How long a change may take.
const LIMIT: Duration = Duration::from_secs(180);

/// A change that is over.
pub struct Changed {
    /// As it ended.
    pub change: AccountChange,
    /// The new password, unsealed, if one was made.
    pub password: Option<String>,
}

impl Changed {
    /// Where it stands in the end.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.change.status.as_ref().map(|status| status.work.phase).unwrap_or_default()
    }

    /// Why it failed: the word for programs, and the sentence.
    #[must_use]
    pub fn why(&self) -> (String, String) {
        let work = self.change.status.clone().unwrap_or_default().work;
        (work.reason, work.message)
    }

    /// The new password.
    ///
    /// # Errors
    /// When it failed or made none.
    pub fn password(self) -> Result<String> {
        let why = self.why();
        self.password.with_context(|| format!("no password: {why:?}"))
    }
}

/// Asks for a change and waits until it is over. `name` is the object's.
///
/// # Errors
/// When it is not over in time, or its password is sealed to somebody else.
pub async fn change(
    site: &Site,
    instance: &InstanceRef,
    name: &str,
    action: AccountAction,
    handle: &str,
) -> Result<Changed> {
    let claim = (action != AccountAction::Remove).then(Claim::new);
    let spec = AccountChangeSpec {
        instance_ref: instance.clone(),
        action,
        handle: handle.parse()?,
        claim: claim.as_ref().map(Claim::recipient),
    };
    let changes: Api<AccountChange> = Api::all(site.client.clone());
    let asked = AccountChange::new(name, spec);
    changes.create(&PostParams::default(), &asked).await.with_context(|| format!("asking for {name}"))?;
    let mut seen = String::new();
    let change = wait::until(&format!("account change {name}"), LIMIT, async || {
        let change = changes.get(name).await?;
        let status = change.status.clone().unwrap_or_default();
        seen = serde_json::to_string(&status)?;
        Ok(status.work.phase.is_final().then_some(change))
    })
    .await
    .with_context(|| format!("status of account change {name}: {seen}"))?;
    let sealed = change.status.as_ref().and_then(|status| status.claim.clone());
    let password = claim.zip(sealed).map(|(claim, sealed)| claim.open(&sealed)).transpose()?;
    Ok(Changed { change, password })
}
