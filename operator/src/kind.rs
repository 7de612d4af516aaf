//! The kinds of objects that the operator owns in the cluster.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{
    ConfigMap, LimitRange, Namespace, PersistentVolume, PersistentVolumeClaim, Pod, ResourceQuota, Secret, Service,
    ServiceAccount,
};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{ApiResource, DynamicObject};
use kube::{Api, Client};

/// A kind of object that the operator makes or labels. The order is the order of plans in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The tenant's namespace.
    Namespace,
    /// Who pods run as.
    ServiceAccount,
    /// The operator's own rights in the namespace.
    RoleBinding,
    /// What the namespace may hold in all.
    ResourceQuota,
    /// What one container may have.
    LimitRange,
    /// Who may talk to whom.
    NetworkPolicy,
    /// Trusted certificates.
    ConfigMap,
    /// The identity; read and made by name only, never watched, listed or applied.
    Secret,
    /// The data's claim. Never deleted.
    PersistentVolumeClaim,
    /// The data's volume, set to be retained. Never deleted.
    PersistentVolume,
    /// Work that ends.
    Job,
    /// The server.
    Deployment,
    /// What Jobs and the Deployment made of their templates; only read.
    Pod,
    /// The server's address in the cluster, and the cell's 503 page.
    Service,
    /// The server's public name.
    Ingress,
}

impl Kind {
    /// The kinds that are watched, by the label `app.kubernetes.io/managed-by`.
    pub const WATCHED: [Self; 14] = [
        Self::Namespace,
        Self::ServiceAccount,
        Self::RoleBinding,
        Self::ResourceQuota,
        Self::LimitRange,
        Self::NetworkPolicy,
        Self::ConfigMap,
        Self::PersistentVolumeClaim,
        Self::PersistentVolume,
        Self::Job,
        Self::Deployment,
        Self::Pod,
        Self::Service,
        Self::Ingress,
    ];

    /// The kind as written in objects.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::ServiceAccount => "ServiceAccount",
            Self::RoleBinding => "RoleBinding",
            Self::ResourceQuota => "ResourceQuota",
            Self::LimitRange => "LimitRange",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::PersistentVolume => "PersistentVolume",
            Self::Job => "Job",
            Self::Deployment => "Deployment",
            Self::Pod => "Pod",
            Self::Service => "Service",
            Self::Ingress => "Ingress",
        }
    }

    /// Whether objects of this kind lie in a namespace.
    #[must_use]
    pub const fn is_namespaced(self) -> bool {
        !matches!(self, Self::Namespace | Self::PersistentVolume)
    }

    /// The kind's group, version and plural.
    #[must_use]
    pub fn resource(self) -> ApiResource {
        match self {
            Self::Namespace => ApiResource::erase::<Namespace>(&()),
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::RoleBinding => ApiResource::erase::<RoleBinding>(&()),
            Self::ResourceQuota => ApiResource::erase::<ResourceQuota>(&()),
            Self::LimitRange => ApiResource::erase::<LimitRange>(&()),
            Self::NetworkPolicy => ApiResource::erase::<NetworkPolicy>(&()),
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::Secret => ApiResource::erase::<Secret>(&()),
            Self::PersistentVolumeClaim => ApiResource::erase::<PersistentVolumeClaim>(&()),
            Self::PersistentVolume => ApiResource::erase::<PersistentVolume>(&()),
            Self::Job => ApiResource::erase::<Job>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
            Self::Pod => ApiResource::erase::<Pod>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::Ingress => ApiResource::erase::<Ingress>(&()),
        }
    }

    /// The API of this kind, in a namespace if it has those.
    #[must_use]
    pub fn api(self, client: Client, namespace: Option<&str>) -> Api<DynamicObject> {
        match namespace {
            Some(namespace) if self.is_namespaced() => Api::namespaced_with(client, namespace, &self.resource()),
            Some(_) | None => Api::all_with(client, &self.resource()),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
