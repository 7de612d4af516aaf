//! Taking the lease from an operator that holds it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::{Api, PostParams};
use operator::lease::{DEADLINE, NAME};
use tokio::time::Instant;

/// Gives the lease to the other of two operators and waits until that one has taken it up.
///
/// # Errors
/// When there is no lease, or the other one does not take it up.
pub async fn steal(client: Client, namespace: String) -> Result<()> {
    let api: Api<Lease> = Api::namespaced(client, &namespace);
    let mut lease = api.get(NAME).await?;
    let spec = lease.spec.as_mut().context("an empty lease")?;
    let other = if spec.holder_identity.as_deref() == Some("a") { "b" } else { "a" };
    spec.holder_identity = Some(other.to_owned());
    let before = spec.renew_time.clone();
    api.replace(NAME, &PostParams::default(), &lease).await?;
    let patience = Instant::now() + DEADLINE;
    loop {
        let spec = api.get(NAME).await?.spec.unwrap_or_default();
        if spec.holder_identity.as_deref() == Some(other) && spec.renew_time != before {
            return Ok(());
        }
        ensure!(Instant::now() < patience, "{other} does not take up the lease: {spec:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
