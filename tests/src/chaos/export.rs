//! A server is copied: it stops, a Job copies it, it starts again, and its bundle is signed and can be opened.

use anyhow::{Context as _, Result, bail};
use bundle::format::Limits;
use bundle::seal::Identities;
use bundle::stream::{self, Folder, Trust};
use crd::{Bundle, Export as Order, Phase};
use kube::ResourceExt as _;
use kube::api::Api;
use lab::wait::GiveUp;
use operator::export::keys::PlatformKeys;
use serde_json::json;

use super::place::Nodes;
use super::{Place, Story};

/// A server is copied.
pub struct Export;

impl Export {
    async fn order(place: &Place) -> Result<Order> {
        let api: Api<Order> = Api::all(place.client.clone());
        Ok(api.get(&format!("{}-copy", place.id)).await?)
    }
}

impl Story for Export {
    fn name(&self) -> &'static str {
        "export"
    }

    fn nodes(&self) -> Nodes {
        Nodes::Real
    }

    async fn begin(&self, place: &Place) -> Result<()> {
        place.server().await?;
        place.pods.post(&place.space(), "ardea", 10)
    }

    async fn drive(&self, place: &Place, _: usize) -> Result<()> {
        let claim = place.claim.recipient().to_string();
        place.work::<Order>("copy", "Export", json!({ "keyClaim": claim })).await
    }

    async fn settled(&self, place: &Place, _: usize) -> Result<bool> {
        let order = Self::order(place).await?;
        let status = order.status.clone().unwrap_or_default();
        if status.work.phase == Phase::Failed {
            bail!(GiveUp(serde_json::to_string(&status)?));
        }
        if status.work.phase != Phase::Succeeded || status.key_claim.is_none() || !order.finalizers().is_empty() {
            bail!("{}", serde_json::to_string(&status)?);
        }
        let instance = place.instance().await?;
        let last = instance.status.as_ref().and_then(|status| status.last_export.clone());
        Ok(last.map(|last| last.uid) == order.uid() && place.is_ready(&instance).await?)
    }

    async fn wrong(&self, place: &Place) -> Result<Vec<String>> {
        let status = Self::order(place).await?.status.context("no status")?;
        let sealed = status.key_claim.context("no key")?;
        let key = Identities::parse(std::str::from_utf8(&place.claim.open(&sealed)?)?)?;
        let opened = open(place, &status.bundle.context("no bundle")?, &key).await;
        Ok(opened.err().map(|error| format!("the bundle: {error:#}")).into_iter().collect())
    }
}

/// Downloads a bundle, checks it from outside, and takes it apart.
async fn open(place: &Place, bundle: &Bundle, key: &Identities) -> Result<()> {
    let downloaded = tempfile::tempdir()?;
    for object in place.store.keys().iter().filter(|object| object.starts_with(&bundle.prefix)) {
        let path = downloaded.path().join(&object[bundle.prefix.len()..]);
        std::fs::create_dir_all(path.parent().context("no folder")?)?;
        std::fs::write(path, place.store.content(object).context("gone")?)?;
    }
    let folder = Folder::new(downloaded.path().to_owned());
    let trust = Trust::Key(PlatformKeys::read(place.pods.keys())?.signer.public());
    let opened = stream::open(&folder, &trust).await?;
    if opened.digest.to_string() != bundle.manifest_digest {
        bail!("its manifest is not the one that the status names");
    }
    stream::verify(&folder, &opened.manifest, |_| {}).await?;
    let target = downloaded.path().join("restored");
    stream::extract(&folder, &opened.manifest, key, Limits::signed(&opened.manifest), &target, |_| {}).await?;
    let (restored, kept) = ("object/07.json", place.pods.volume(&place.space()).join("d/object/07.json"));
    if std::fs::read(target.join(restored))? != std::fs::read(kept)? {
        bail!("{restored} is not what is on the volume");
    }
    Ok(())
}
