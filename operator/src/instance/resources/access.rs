//! Who pods run as, and what the operator may do in the namespace.

use crd::labels;
use serde_json::json;

use super::{Wish, object};
use crate::apply::Object;
use crate::instance::observe::names;
use crate::kind::Kind;

/// ServiceAccounts of the server and of jobs: without tokens and without rights.
#[must_use]
pub fn service_accounts(wish: &Wish) -> Vec<Object> {
    [names::SERVER, names::JOBS]
        .into_iter()
        .map(|name| {
            let rest = json!({ "automountServiceAccountToken": false });
            object(wish, Kind::ServiceAccount, name, rest)
        })
        .collect()
}

/// The operator's rights on this namespace's Secrets, by the one ClusterRole that it may bind.
#[must_use]
pub fn role_binding(wish: &Wish, operator: &(String, String)) -> Object {
    let (namespace, account) = operator;
    let rest = json!({
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": labels::TENANT_ROLE,
        },
        "subjects": [{ "kind": "ServiceAccount", "namespace": namespace, "name": account }],
    });
    object(wish, Kind::RoleBinding, labels::TENANT_ROLE, rest)
}
