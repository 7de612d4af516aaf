//! An account is added, gets a new password, and is removed.

use anyhow::{Context as _, Result, bail};
use crd::{AccountChange, Phase};
use kube::ResourceExt as _;
use kube::api::Api;
use lab::wait::GiveUp;
use serde_json::json;

use super::place::Nodes;
use super::{Place, Story};

/// What is done, in this order.
const ACTIONS: [&str; 3] = ["Add", "ResetLogin", "Remove"];

/// An account is added, gets a new password, and is removed.
pub struct Account;

impl Account {
    async fn change(place: &Place, step: usize) -> Result<AccountChange> {
        let api: Api<AccountChange> = Api::all(place.client.clone());
        Ok(api.get(&format!("{}-change-{step}", place.id)).await?)
    }
}

impl Story for Account {
    fn name(&self) -> &'static str {
        "account"
    }

    fn nodes(&self) -> Nodes {
        Nodes::Real
    }

    async fn begin(&self, place: &Place) -> Result<()> {
        place.server().await.map(drop)
    }

    fn steps(&self) -> usize {
        ACTIONS.len()
    }

    async fn drive(&self, place: &Place, step: usize) -> Result<()> {
        let claim = place.claim.recipient().to_string();
        let spec = json!({ "action": ACTIONS[step], "handle": "bittern", "claim": claim });
        place.work::<AccountChange>(&format!("change-{step}"), "AccountChange", spec).await
    }

    async fn settled(&self, place: &Place, step: usize) -> Result<bool> {
        let change = Self::change(place, step).await?;
        let status = change.status.clone().unwrap_or_default();
        if status.work.phase == Phase::Failed {
            bail!(GiveUp(serde_json::to_string(&status)?));
        }
        let over = status.work.phase == Phase::Succeeded && change.finalizers().is_empty();
        Ok(over && place.is_ready(&place.instance().await?).await?)
    }

    async fn wrong(&self, place: &Place) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        let mut passwords = Vec::new();
        for step in [0, 1] {
            let sealed = Self::change(place, step).await?.status.and_then(|status| status.claim);
            passwords.push(place.claim.open(&sealed.context("no password was handed over")?)?);
        }
        if passwords[0] == passwords[1] {
            wrong.push("the new password is the old one".to_owned());
        }
        let home = place.pods.volume(&place.space()).join("d/user");
        if home.join("bittern").exists() || !home.join("ardea").exists() {
            wrong.push("the wrong accounts are on the volume".to_owned());
        }
        Ok(wrong)
    }
}
