//! What a customer does, from the first order to a server elsewhere, told once for demo and tests.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use crd::{Export, ExportReason, ExportSpec, Instance, InstanceRef, InstanceSpec, Phase, condition};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::json;

use crate::claim::Claim;
use crate::client::{App, Library};
use crate::wait;

/// A cell as its customers see it.
#[derive(Clone)]
pub struct Site {
    /// Its API server.
    pub client: Client,
    /// The zone of its servers' names.
    pub zone: String,
    /// The address that all names of the zone have.
    pub address: String,
    /// The authority that signed its certificates, PEM.
    pub ca: PathBuf,
    /// The client library.
    pub library: Library,
}

/// A server that was ordered.
#[derive(Clone)]
pub struct Order {
    /// The instance's name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Its public name.
    pub host: String,
    /// The owner's handle.
    pub handle: String,
    claim: Claim,
}

impl Order {
    /// The reference that work objects name it by.
    #[must_use]
    pub fn instance_ref(&self) -> InstanceRef {
        InstanceRef { name: self.name.clone(), uid: self.uid.clone() }
    }

    /// The secret half of the claim that the owner's password comes up sealed to, as a key file.
    #[must_use]
    pub fn claim_file(&self) -> String {
        self.claim.identity_file()
    }

    /// The address people open.
    #[must_use]
    pub fn base(&self) -> String {
        format!("https://{}", self.host)
    }
}

impl Site {
    /// Orders a small snac server, as one YAML file would.
    ///
    /// # Errors
    /// When the API server refuses the object.
    pub async fn order(&self, name: &str, handle: &str) -> Result<Order> {
        let claim = Claim::new();
        let host = format!("{name}.{}", self.zone);
        let spec: InstanceSpec = serde_json::from_value(json!({
            "flavour": "snac",
            "version": "2.75",
            "hostname": host,
            "owner": { "handle": handle },
            "settings": { "title": format!("{name} on Steppe") },
            "ownerClaim": claim.recipient(),
            "exports": { "nightly": false },
        }))?;
        let instance = self.instances().create(&PostParams::default(), &Instance::new(name, spec)).await;
        let instance = instance.with_context(|| format!("order server {name}"))?;
        Ok(Order {
            name: name.to_owned(),
            uid: instance.uid().unwrap_or_default(),
            host,
            handle: handle.to_owned(),
            claim,
        })
    }

    fn instances(&self) -> Api<Instance> {
        Api::all(self.client.clone())
    }

    /// Waits until the server is ready.
    ///
    /// # Errors
    /// When it is not within `limit`; the error holds its conditions.
    pub async fn ready(&self, order: &Order, limit: Duration) -> Result<()> {
        self.until_condition(order, condition::READY, limit).await
    }

    /// Waits until a condition of the server is true for its current spec.
    ///
    /// # Errors
    /// When it is not within `limit`; the error holds its conditions.
    pub async fn until_condition(&self, order: &Order, type_: &str, limit: Duration) -> Result<()> {
        let instances = self.instances();
        let mut seen = String::new();
        let what = format!("{type_} of server {}", order.name);
        let found = wait::until(&what, limit, async || {
            let instance = instances.get(&order.name).await?;
            let generation = instance.metadata.generation;
            let status = instance.status.unwrap_or_default();
            seen = serde_json::to_string(&status.conditions)?;
            let current = status.observed_generation == generation;
            Ok((current && condition::is_true(&status.conditions, type_)).then_some(()))
        })
        .await;
        found.with_context(|| format!("conditions of {}: {seen}", order.name))
    }

    /// The owner's first password, unsealed; then it is cleared from the cluster.
    ///
    /// # Errors
    /// When there is none or it is sealed to another key.
    pub async fn password(&self, order: &Order) -> Result<String> {
        let instance = self.instances().get(&order.name).await?;
        let sealed = instance.status.and_then(|status| status.owner_claim);
        let password = order.claim.open(&sealed.context("the owner's log-in has not come up")?)?;
        let clear = json!({ "spec": { "ownerClaim": null } });
        self.instances().patch(&order.name, &PatchParams::default(), &Patch::Merge(clear)).await?;
        Ok(password)
    }

    /// The client app on this server, through its public address.
    #[must_use]
    pub fn app(&self, order: &Order) -> App {
        self.app_of(&order.host)
    }

    /// The client app on the server of this name, through its public address.
    #[must_use]
    pub fn app_of(&self, host: &str) -> App {
        let app = self.library.app(&format!("https://{host}")).trusting(&self.ca);
        app.resolving(host, &self.address)
    }

    /// Asks for a mode.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn set_mode(&self, order: &Order, mode: crd::Mode) -> Result<()> {
        let patch = json!({ "spec": { "mode": mode } });
        self.instances().patch(&order.name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Asks for an export to `recipient` and waits until its bundle is complete.
    ///
    /// # Errors
    /// When it fails or takes longer than `limit`; the error holds its status.
    pub async fn export(
        &self,
        order: &Order,
        name: &str,
        recipient: Option<String>,
        limit: Duration,
    ) -> Result<Export> {
        let spec = ExportSpec {
            instance_ref: order.instance_ref(),
            reason: ExportReason::Requested,
            recipient,
            key_claim: None,
        };
        let exports: Api<Export> = Api::all(self.client.clone());
        exports.create(&PostParams::default(), &Export::new(name, spec)).await?;
        let mut seen = String::new();
        let done = wait::until(&format!("export {name}"), limit, async || {
            let export = exports.get(name).await?;
            let status = export.status.clone().unwrap_or_default();
            seen = serde_json::to_string(&status)?;
            Ok(status.work.phase.is_final().then_some(export))
        })
        .await
        .with_context(|| format!("status of export {name}: {seen}"))?;
        if done.status.as_ref().map(|status| status.work.phase) != Some(Phase::Succeeded) {
            bail!("export {name} did not succeed: {seen}");
        }
        Ok(done)
    }
}

/// A few characters that no earlier run of this program on the same cell had: the seconds since 2026, in base 36.
#[must_use]
#[allow(clippy::disallowed_methods)] // Names of demo servers are the one thing here that the clock decides.
pub fn stamp() -> String {
    let mut rest = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs().saturating_sub(1_767_225_600));
    let mut digits = Vec::new();
    while rest > 0 {
        digits.push(char::from_digit((rest % 36) as u32, 36).unwrap_or('0'));
        rest /= 36;
    }
    digits.iter().rev().collect()
}
