//! Keeps Caddy's routes in step with Ingress and Service objects, and writes the ingress's address into their status.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{Patch, PatchParams};
use kube::runtime::reflector::Store;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tracing::{info, warn};

use super::admin::Admin;
use super::routes::{self, Services};
use super::{CLASS, socket};
use crate::node::Ground;
use crate::objects::{Changes, FIELD_MANAGER, drain, follow};

/// Changes closer together than this are sent together: each one restarts the HTTP servers inside Caddy.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// Caddy is compared with the objects after this time even without a change: it may have been restarted.
const RESYNC: Duration = Duration::from_secs(2);
/// How often one change is tried when somebody else writes to Caddy at the same time.
const TRIES: usize = 5;

/// Serves until cancelled. Ends only with an error.
pub async fn run(ground: &Ground, client: Client) -> Result<()> {
    let changes = Changes::default();
    let (ingresses, ingress_events) = follow::<Ingress>(Api::all(client.clone()), &changes);
    let (services, service_events) = follow::<Service>(Api::all(client.clone()), &changes);
    let admin = Admin::at(&socket(ground))?;
    let ip = ground.ingress_ip.to_string();
    let serving = Serving { ingresses, services, admin, client, ip };
    let watches = async { tokio::join!(drain(ingress_events), drain(service_events)) };
    tokio::select! {
        _ = watches => bail!("the watches of ingresses and services have ended"),
        result = serving.serve(&changes) => result,
    }
}

struct Serving {
    ingresses: Store<Ingress>,
    services: Store<Service>,
    admin: Admin,
    client: Client,
    ip: String,
}

impl Serving {
    async fn serve(&self, changes: &Changes) -> Result<()> {
        let gone = "a watch ended before its first list";
        self.ingresses.wait_until_ready().await.context(gone)?;
        self.services.wait_until_ready().await.context(gone)?;
        loop {
            let ingresses = self.ingresses.state();
            match self.send(&routes::routes(CLASS, &ingresses, &self.services())).await {
                Ok(0) => {}
                Ok(count) => info!(count, "routes changed"),
                Err(error) => warn!("{error:#}"),
            }
            for ingress in ingresses.iter().filter(|ingress| routes::is_of(CLASS, ingress)) {
                if let Err(error) = self.tell(ingress).await {
                    warn!("{error:#}");
                }
            }
            changes.settle(DEBOUNCE, RESYNC).await;
        }
    }

    fn services(&self) -> Services {
        let key = |service: Arc<Service>| ((service.namespace().unwrap_or_default(), service.name_any()), service);
        self.services.state().into_iter().map(key).collect()
    }

    /// Sends the routes, unless Caddy has them; returns how many it then has, 0 without a change.
    async fn send(&self, wanted: &[Value]) -> Result<usize> {
        for _ in 0..TRIES {
            let read = self.admin.routes().await?;
            if read.routes == wanted {
                return Ok(0);
            }
            if self.admin.replace(&read, wanted).await? {
                return Ok(wanted.len());
            }
        }
        bail!("somebody else keeps changing Caddy's routes")
    }

    /// Writes the address into the status, unless it is there.
    async fn tell(&self, ingress: &Ingress) -> Result<()> {
        let points =
            ingress.status.iter().flat_map(|status| &status.load_balancer).flat_map(|it| &it.ingress).flatten();
        if points.map(|point| point.ip.as_deref()).eq([Some(self.ip.as_str())]) {
            return Ok(());
        }
        let namespace = ingress.namespace().unwrap_or_default();
        let name = ingress.name_any();
        let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": self.ip}]}}});
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        let api = Api::<Ingress>::namespaced(self.client.clone(), &namespace);
        match api.patch_status(&name, &params, &Patch::Merge(&status)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot write the status of Ingress {namespace}/{name}")),
        }
    }
}
