//! The `Cell`'s spec, parsed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crd::CellSpec;
use crd::cell::{Ingress, Release};
use names::{Flavour, Hostname, Version};
use url::Url;

use crate::net::Cidr;

/// The cell's own networks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks {
    /// Pods.
    pub pods: Vec<Cidr>,
    /// Services.
    pub services: Vec<Cidr>,
    /// Nodes.
    pub nodes: Vec<Cidr>,
    /// Name servers outside of `kube-system`.
    pub dns: Vec<Cidr>,
}

/// The `Cell`'s spec, parsed: what builders trust.
#[derive(Debug, Clone, PartialEq)]
pub struct CellFacts {
    /// The tenants' zone.
    pub zone: Hostname,
    /// How visitors come in.
    pub ingress: Ingress,
    /// Where the ingress's public addresses are seen from pods.
    pub ingress_networks: Vec<Cidr>,
    /// All certificates that tenants trust, PEM.
    pub trust_bundle: Option<Arc<str>>,
    /// Where export jobs reach the object store; empty when it is on the public internet.
    pub store_networks: Vec<Cidr>,
    /// The object store's port.
    pub store_port: u16,
    /// The cell's own networks.
    pub networks: Networks,
    /// The StorageClass of volumes.
    pub storage_class: String,
    /// The images behind versions.
    pub releases: Vec<Release>,
    /// The platform's offline recipient.
    pub escrow_recipient: Option<String>,
    /// How many servers of each size fit.
    pub room: BTreeMap<String, u32>,
}

impl CellFacts {
    /// Parses a cell's spec.
    ///
    /// # Errors
    /// Says which field cannot be read, and why.
    pub fn parse(spec: &CellSpec) -> Result<Self, String> {
        let networks = |field: &str, texts: &[String]| {
            texts
                .iter()
                .map(|text| text.parse::<Cidr>())
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| format!("spec.{field}: {error}"))
        };
        let store: Url =
            spec.object_store.endpoint.parse().map_err(|error| format!("spec.objectStore.endpoint: {error}"))?;
        let store_port = store
            .port_or_known_default()
            .ok_or_else(|| "spec.objectStore.endpoint: must begin with http:// or https://".to_owned())?;
        Ok(Self {
            zone: spec.zone.clone(),
            ingress: spec.ingress.clone(),
            ingress_networks: networks("ingress.cidrs", &spec.ingress.cidrs)?,
            trust_bundle: spec.trust_bundle.as_deref().map(Arc::from),
            store_networks: networks("objectStore.cidrs", &spec.object_store.cidrs)?,
            store_port,
            networks: Networks {
                pods: networks("networks.pods", &spec.networks.pods)?,
                services: networks("networks.services", &spec.networks.services)?,
                nodes: networks("networks.nodes", &spec.networks.nodes)?,
                dns: networks("networks.dns", &spec.networks.dns)?,
            },
            storage_class: spec.storage_class.clone(),
            releases: spec.versions.clone(),
            escrow_recipient: spec.escrow_recipient.clone(),
            room: spec.room.clone(),
        })
    }

    /// The image behind a version.
    #[must_use]
    pub fn image(&self, flavour: Flavour, version: &Version) -> Option<&str> {
        self.releases
            .iter()
            .find(|release| release.flavour == flavour && release.version == *version)
            .map(|release| release.image.as_str())
    }
}
