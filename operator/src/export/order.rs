//! What is to be written, fixed before the first pod begins: whoever goes on later finds the same.

use crd::Export;
use kube::ResourceExt as _;

use super::keys::PlatformKeys;
use super::validate::Valid;
use crate::context::Context;
use crate::error::{Error, Step};
use crate::grants::wire::Order;
use crate::seal::{Identity, Recipient};
use crate::store::{self, layout};
use crate::work::Work as _;

const LONGEST: u64 = 1 << 20;

/// The order of an export, made when there is none.
pub(super) async fn ensure(context: &Context, export: &Export, valid: &Valid) -> Result<Order, Error> {
    let failed = |e: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(Step::Apply, format!("fixing what Export {} is to write", export.name_any()), e)
    };
    if let Some(order) = read(context, export).await? {
        return Ok(order);
    }
    let recipient = match &valid.recipient {
        Some(recipient) => recipient.clone(),
        None => own_key(context, export).await?.recipient(),
    };
    let order = Order {
        flavour: valid.software.flavour,
        version: valid.version.clone(),
        hostname: valid.hostname.clone(),
        recipients: vec![recipient.to_string()],
        own_key: valid.recipient.is_none(),
        stopped_at: export.status.as_ref().and_then(|status| status.stopped_at),
    };
    let text = serde_json::to_vec(&order).map_err(|e| failed(e.into()))?;
    let key = layout::work_order(&export.uid().unwrap_or_default());
    let stored =
        store::ensure(context.store.as_ref(), &key, text.into(), LONGEST).await.map_err(|e| failed(e.into()))?;
    serde_json::from_slice(&stored).map_err(|e| failed(e.into()))
}

/// The order of an export, if it was fixed.
pub(super) async fn read(context: &Context, export: &Export) -> Result<Option<Order>, Error> {
    let doing = || format!("reading what Export {} is to write", export.name_any());
    let key = layout::work_order(&export.uid().unwrap_or_default());
    let text = store::read(context.store.as_ref(), &key, LONGEST).await;
    let text = text.map_err(|e| Error::new(Step::Observe, doing(), e))?;
    text.map(|text| serde_json::from_slice(&text)).transpose().map_err(|e| Error::new(Step::Observe, doing(), e))
}

/// The bundle's own key, made when there is none. Of two that are made at once the first that is stored counts.
async fn own_key(context: &Context, export: &Export) -> Result<Identity, Error> {
    let failed = |e: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(Step::Apply, format!("making the key of the bundle of Export {}", export.name_any()), e)
    };
    let keys = PlatformKeys::read(&context.config.keys_dir).map_err(|e| failed(e.into()))?;
    let sealed = Identity::generate().seal_to(&keys.wrapping.recipient()).map_err(|e| failed(e.into()))?;
    let key = layout::bundle_key(export.instance_uid(), &export.uid().unwrap_or_default());
    let stored =
        store::ensure(context.store.as_ref(), &key, sealed.into(), LONGEST).await.map_err(|e| failed(e.into()))?;
    open(&keys, &stored).map_err(failed)
}

fn open(keys: &PlatformKeys, stored: &[u8]) -> Result<Identity, Box<dyn std::error::Error + Send + Sync>> {
    let opened = keys.wrapping.open(stored)?;
    Ok(Identity::parse(std::str::from_utf8(&opened)?)?)
}

/// The bundle's own key, sealed to a claim; or in words why there is nothing to seal.
pub(super) async fn seal_key(context: &Context, export: &Export, claim: &str) -> Result<Result<String, String>, Error> {
    let failed = |e: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(Step::Apply, format!("handing over the key of the bundle of Export {}", export.name_any()), e)
    };
    let claim: Recipient = match claim.parse() {
        Ok(claim) => claim,
        Err(error) => return Ok(Err(format!("the key claim cannot be used: {error}"))),
    };
    let key = layout::bundle_key(export.instance_uid(), &export.uid().unwrap_or_default());
    let stored = store::read(context.store.as_ref(), &key, LONGEST).await.map_err(|e| failed(e.into()))?;
    let Some(stored) = stored else {
        return Ok(Err("the bundle has no key of its own: the recipient it was made for opens it".to_owned()));
    };
    let keys = PlatformKeys::read(&context.config.keys_dir).map_err(|e| failed(e.into()))?;
    let sealed = open(&keys, &stored).and_then(|identity| Ok(identity.seal_to(&claim)?)).map_err(failed)?;
    Ok(Ok(sealed))
}
