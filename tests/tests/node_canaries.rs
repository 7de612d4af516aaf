//! What nobody may read is nowhere to be read: not in objects, events or logs, whatever is done with a server.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use crd::{AccountAction, Export, ExportReason, ExportSpec, InstanceRef, Mode, Phase, condition, labels};
use e2e::node;
use e2e::node::account;
use e2e::node::tenant::Tenant;
use e2e::node::witness::{Text, Witness};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use lab::claim::Claim;
use lab::demo::{self, Cell};
use lab::journey::Site;
use lab::{download, wait};
use operator::store::layout;
use serde_json::Value;

const READY: Duration = Duration::from_secs(180);
const LIMIT: Duration = Duration::from_secs(240);
/// The beginnings of secrets, whosever they are: an age key, a private key, a token of a ServiceAccount, a grant's URL.
const KINDS: [&str; 4] = ["AGE-SECRET-KEY-1", "PRIVATE KEY", "eyJhbGciOi", "X-Amz-Signature="];

/// Secrets by what they are, as they were learnt.
#[derive(Default)]
struct Canaries(BTreeMap<String, String>);

impl Canaries {
    fn add(&mut self, what: &str, secret: &str) -> Result<()> {
        let secret = secret.trim();
        ensure!(secret.len() >= 16, "{what} is too short to be looked for");
        self.0.insert(what.to_owned(), secret.to_owned());
        Ok(())
    }

    /// The secret half of a claim.
    fn claim(&mut self, what: &str, claim: &Claim) -> Result<()> {
        self.add(what, &claim.identity_file())
    }

    /// The middle of each private key that a server's accounts have. snac keeps it in JSON, with `\n` as two characters.
    fn accounts(&mut self, home: &Path) -> Result<()> {
        for user in std::fs::read_dir(home.join("user"))? {
            let user = user?;
            let key: Value = serde_json::from_str(&std::fs::read_to_string(user.path().join("key.json"))?)?;
            let lines: Vec<_> = key["secret"].as_str().context("no key")?.lines().collect();
            self.add(&format!("the key of {}", user.file_name().display()), lines.get(3).context("a short key")?)?;
        }
        Ok(())
    }

    /// What the platform itself keeps.
    async fn platform(&mut self, cell: &Cell) -> Result<()> {
        for (what, keys) in [("operator", &cell.bucket.keys), ("purger", &cell.bucket.purger_keys)] {
            self.add(&format!("the {what}'s key of the store"), &keys.secret_key)?;
        }
        let secrets: Api<Secret> = Api::namespaced(cell.site.client.clone(), labels::SYSTEM_NAMESPACE);
        let data = secrets.get("steppe-operator-keys").await?.data.unwrap_or_default();
        for file in [operator::export::keys::SIGNING, operator::export::keys::WRAPPING] {
            let text = String::from_utf8(data.get(file).context(file)?.0.clone())?;
            let secret = text.lines().find(|line| !line.starts_with(['#', '-']) && !line.is_empty());
            self.add(&format!("the platform's {file}"), secret.context("an empty key")?)?;
        }
        Ok(())
    }

    /// Where any of them can be read.
    fn found(&self, texts: &[Text]) -> Vec<String> {
        let mut found = Vec::new();
        for text in texts {
            let kinds = KINDS.iter().map(|kind| (*kind, *kind));
            for (what, secret) in self.0.iter().map(|(what, secret)| (what.as_str(), secret.as_str())).chain(kinds) {
                if let Some(at) = text.content.find(secret) {
                    let before: String = text.content[..at].chars().rev().take(80).collect();
                    let before: String = before.chars().rev().collect();
                    found.push(format!("{what} in {}, after `{before}`", text.place));
                }
            }
        }
        found
    }
}

/// A new server whose people do all that makes secrets.
async fn live(cell: &Cell, tenant: &Tenant, order: lab::journey::Order, canaries: &mut Canaries) -> Result<Export> {
    let site = &cell.site;
    let living = demo::log_in(site, order).await?;
    let order = &living.order;
    canaries.add("the owner's first password", &living.password)?;
    canaries.add("the owner's token", &living.token)?;
    let instance = order.instance_ref();
    for (what, action, handle) in [
        ("ember's first password", AccountAction::Add, "ember"),
        ("ember's second password", AccountAction::ResetLogin, "ember"),
        ("the owner's second password", AccountAction::ResetLogin, "iris"),
    ] {
        let password = changed(site, &instance, what, action, handle).await?;
        let login = site.app(order).login(handle, &password).await.context(what)?;
        canaries.add(what, &password)?;
        canaries.add(&format!("the token got with {what}"), &login.token)?;
    }
    canaries.accounts(&tenant.folder().await?.join("d"))?;
    let export = copy(site, &instance, canaries).await?;

    site.ready(order, READY).await?;
    site.set_mode(order, Mode::Frozen).await?;
    site.until_condition(order, condition::STOPPED, READY).await?;
    site.set_mode(order, Mode::Running).await?;
    site.ready(order, READY).await?;
    changed(site, &instance, "away", AccountAction::Remove, "ember").await.map(drop)?;
    Ok(export)
}

/// Carries a change of accounts out; the new password, if it made one.
async fn changed(
    site: &Site,
    instance: &InstanceRef,
    what: &str,
    action: AccountAction,
    handle: &str,
) -> Result<String> {
    let word: String = what.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    let change = account::change(site, instance, &format!("{}-{word}", instance.name), action, handle).await?;
    ensure!(change.phase() == Phase::Succeeded, "{what}: {:?}", change.why());
    Ok(change.password.unwrap_or_default())
}

/// Takes a copy whose key is handed over.
async fn copy(site: &Site, instance: &InstanceRef, canaries: &mut Canaries) -> Result<Export> {
    let claim = Claim::new();
    canaries.claim("the claim of the bundle's key", &claim)?;
    let spec = ExportSpec {
        instance_ref: instance.clone(),
        reason: ExportReason::Requested,
        recipient: None,
        key_claim: Some(claim.recipient()),
    };
    let (exports, name) = (Api::<Export>::all(site.client.clone()), format!("{}-copy", instance.name));
    exports.create(&PostParams::default(), &Export::new(&name, spec)).await?;
    let done = wait::until("the bundle's key", LIMIT, async || {
        let export = exports.get(&name).await?;
        let has_key = export.status.as_ref().is_some_and(|status| status.key_claim.is_some());
        ensure!(has_key, "{}", serde_json::to_string(&export.status)?);
        Ok(Some(export))
    })
    .await?;
    let sealed = done.status.as_ref().and_then(|status| status.key_claim.clone()).context("no key")?;
    let key = claim.open(&sealed)?;
    canaries.add("the bundle's key", key.lines().find(|line| !line.starts_with('#')).context("no key")?)?;
    Ok(done)
}

/// What the store keeps in the open about an export, and what the tenant's Secrets hold.
async fn kept(cell: &Cell, tenant: &Tenant, export: &Export) -> Result<Vec<Text>> {
    let mut texts = Vec::new();
    let uid = export.uid().context("no uid")?;
    let mut keys: Vec<String> = download::list(&cell.bucket, &layout::work(&uid)).await?.into_keys().collect();
    keys.push(layout::log(&uid));
    for place in keys {
        let content = download::read(&cell.bucket, &place).await?.with_context(|| format!("no {place}"))?;
        texts.push(Text { content: String::from_utf8_lossy(&content).into_owned(), place });
    }
    for secret in tenant.api::<Secret>().list(&ListParams::default()).await?.items {
        let name = secret.name_any();
        for (field, content) in secret.data.unwrap_or_default() {
            let place = format!("Secret {name}, {field}");
            texts.push(Text { place, content: String::from_utf8_lossy(&content.0).into_owned() });
        }
    }
    Ok(texts)
}

/// The witness was awake: it saw what is there to be seen.
fn saw_everything(texts: &[Text], tenant: &Tenant) -> Result<()> {
    let holds = |place: &str, content: &str| {
        let holds = |text: &&Text| text.place.contains(place) && text.content.contains(content);
        ensure!(texts.iter().any(|text| holds(&text)), "nothing in {place:?} that has {content:?} was seen");
        Ok(())
    };
    for container in ["_birth_", "_account_", "_export_", "_server_", "_prepare_"] {
        let log = format!("log {}_", tenant.space);
        let seen = texts.iter().any(|text| text.place.starts_with(&log) && text.place.contains(container));
        ensure!(seen, "no log of {container} in {} was seen", tenant.space);
    }
    holds("log steppe-system_steppe-operator", "segment stored")?;
    holds("log steppe-system_steppe-purger", "")?;
    let sealed = "BEGIN AGE ENCRYPTED FILE";
    for kind in ["Instance", "AccountChange", "Export"] {
        holds(&format!("{kind} /{}", tenant.name), sealed)?;
    }
    holds("Event default/", &tenant.name)?;
    holds(&format!("Pod {}/", tenant.space), "terminated")?;
    holds(&format!("Job {}/", tenant.space), "export")
}

#[test]
fn secrets_are_nowhere_to_be_read() {
    node::test(async |ground, cell| {
        let witness = Witness::start(ground, &cell.site.client)?;
        let mut canaries = Canaries::default();
        let order = cell.site.order(&format!("canary-{}", lab::journey::stamp()), "iris").await?;
        canaries.add("the claim of the owner's password", &order.claim_file())?;
        cell.site.ready(&order, READY).await?;
        let tenant = Tenant::of(ground, &cell.site, &order.name);
        let export = live(cell, &tenant, order, &mut canaries).await?;
        canaries.platform(cell).await?;
        tenant.idle().await?;

        let mut texts = witness.end().await?;
        saw_everything(&texts, &tenant)?;
        // What is no secret is found, so a secret would be.
        let mut control = Canaries::default();
        control.add("the export", &export.uid().unwrap_or_default())?;
        let found = control.found(&texts).join("\n");
        for place in ["in log steppe-system_steppe-operator", "in Export /", "in Job steppe-t-"] {
            ensure!(found.contains(&format!("the export {place}")), "the export's uid was not found {place}");
        }
        texts.extend(kept(cell, &tenant, &export).await?);
        ensure!(canaries.0.len() >= 15, "only {} secrets were learnt", canaries.0.len());
        let found = canaries.found(&texts);
        ensure!(found.is_empty(), "these can be read:\n{}", found.join("\n"));
        Ok(())
    });
}
