//! The rights that were used, and how they compare with those that were given.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::api::rbac::v1::PolicyRule;
use serde::Serialize;
use serde_json::Value;

use super::log::{Log, Record};

/// One right that a request needed.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Use {
    /// API group, empty for the core group.
    pub group: String,
    /// `resource` or `resource/subresource`.
    pub resource: String,
    /// The verb.
    pub verb: String,
    /// Empty for all namespaces, and for what is in none.
    pub namespace: String,
    /// Empty where RBAC sees no name: collections, and creates.
    pub name: String,
    /// Needed only because the caller may not hold all rights that it hands on (`bind`).
    pub implied: bool,
}

/// Rules and where they hold.
#[derive(Clone, Debug)]
pub struct Grant {
    /// For messages: the role's kind and name.
    pub role: String,
    /// Namespaces that begin so; `None` for everywhere.
    pub namespaces: Option<String>,
    /// The rules.
    pub rules: Vec<PolicyRule>,
}

/// How rights given and rights used compare.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Diff {
    /// Given and never used: role, verb, resource and name.
    pub unused: Vec<String>,
    /// Used and not given.
    pub missing: Vec<String>,
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        let place = [("in", &self.namespace), ("named", &self.name)];
        place.iter().filter(|(_, what)| !what.is_empty()).try_for_each(|(how, what)| write!(f, " {how} {what}"))
    }
}

/// The rights that the requests of a log needed.
pub fn used(log: &Log) -> BTreeSet<Use> {
    // What everybody may ask about himself (ClusterRole `system:basic-user`) needs no right of one's own.
    let own = |record: &Record| record.call.resource.starts_with("selfsubject");
    let records = log.records();
    let asked = records.iter().filter(|record| !record.call.resource.is_empty() && !own(record));
    asked.flat_map(needs).collect()
}

fn needs(record: &Record) -> Vec<Use> {
    let call = &record.call;
    let sub = if call.subresource.is_empty() { String::new() } else { format!("/{}", call.subresource) };
    let need = Use {
        group: call.group.clone(),
        resource: format!("{}{sub}", call.resource),
        verb: call.verb.clone(),
        namespace: call.namespace.clone(),
        // The name in a create's body is not in its path, so authorization does not see it.
        name: if call.verb == "create" && call.subresource.is_empty() { String::new() } else { call.name.clone() },
        implied: false,
    };
    let mut all = vec![need.clone()];
    // An apply that finds nothing needs the right to create as well (`createAuthorizerAttributes`,
    // apiserver v0.35.4, pkg/endpoints/handlers/patch.go).
    if call.verb == "patch" && record.code == 201 {
        all.push(Use { verb: "create".into(), ..need.clone() });
    }
    // Writing a binding needs `bind` on its role, unless the caller holds all that the role gives
    // (`BindingAuthorized`, pkg/registry/rbac/escalation_check.go, v1.35.4).
    let reference = record.body.as_ref().map(|body| &body["roleRef"]).filter(|role| role.is_object());
    if let (true, Some(role)) = (call.resource.ends_with("rolebindings") && call.writes(), reference) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let resource = if role["kind"] == "ClusterRole" { "clusterroles" } else { "roles" };
        let (verb, resource) = ("bind".into(), resource.into());
        all.push(Use { verb, resource, name: text(&role["name"]), implied: true, ..need });
    }
    all
}

/// The grants of a ServiceAccount by the roles and bindings among `manifests`.
pub fn grants(manifests: &[Value], namespace: &str, account: &str) -> Vec<Grant> {
    let subject =
        |one: &Value| one["kind"] == "ServiceAccount" && one["name"] == account && one["namespace"] == namespace;
    let bindings = manifests.iter().filter(|one| {
        let binds = one["kind"] == "ClusterRoleBinding" || one["kind"] == "RoleBinding";
        binds && one["subjects"].as_array().is_some_and(|all| all.iter().any(subject))
    });
    let grant = |binding: &Value| {
        let namespaces = binding["metadata"]["namespace"].as_str().filter(|_| binding["kind"] == "RoleBinding");
        let role = &binding["roleRef"];
        let role = manifests.iter().find(|one| {
            let same = one["kind"] == role["kind"] && one["metadata"]["name"] == role["name"];
            same && (one["kind"] == "ClusterRole" || one["metadata"]["namespace"].as_str() == namespaces)
        })?;
        Some(Grant::of(role, namespaces))
    };
    bindings.filter_map(grant).collect()
}

impl Grant {
    /// The rules of a Role or ClusterRole, good in namespaces that begin with `namespaces`.
    pub fn of(role: &Value, namespaces: Option<&str>) -> Self {
        let rules = serde_json::from_value(role["rules"].clone()).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let role = format!("{} {}", text(&role["kind"]), text(&role["metadata"]["name"]));
        Self { role, namespaces: namespaces.map(str::to_owned), rules }
    }

    /// Each single right in it, as the use that would need it.
    fn rights(&self) -> Vec<Use> {
        let mut rights = Vec::new();
        for rule in &self.rules {
            let names = rule.resource_names.clone().unwrap_or_default();
            let names = if names.is_empty() { vec![String::new()] } else { names };
            for group in rule.api_groups.iter().flatten() {
                for resource in rule.resources.iter().flatten() {
                    for (verb, name) in rule.verbs.iter().flat_map(|verb| names.iter().map(move |name| (verb, name))) {
                        let namespace = self.namespaces.clone().unwrap_or_default();
                        let (group, resource) = (group.clone(), resource.clone());
                        let (verb, name) = (verb.clone(), name.clone());
                        rights.push(Use { group, resource, verb, namespace, name, implied: false });
                    }
                }
            }
        }
        rights
    }
}

/// Whether a right covers a use (`RuleAllows` and `ResourceMatches`, pkg/registry/rbac/validation and
/// component-helpers/auth, v1.35.4). `right.namespace` is the beginning of the namespaces it holds in.
fn covers(right: &Use, need: &Use) -> bool {
    let fits = |given: &str, asked: &str| given == "*" || given == asked;
    let sub = need.resource.split_once('/').is_some_and(|(_, sub)| right.resource == format!("*/{sub}"));
    let space =
        right.namespace.is_empty() || (!need.namespace.is_empty() && need.namespace.starts_with(&right.namespace));
    fits(&right.group, &need.group)
        && (fits(&right.resource, &need.resource) || sub)
        && fits(&right.verb, &need.verb)
        && (right.name.is_empty() || right.name == need.name)
        && space
}

/// Compares the rights used with those given.
pub fn diff(used: &BTreeSet<Use>, grants: &[Grant]) -> Diff {
    let mut missing: BTreeSet<String> = BTreeSet::new();
    let mut rights: BTreeMap<(String, Use), bool> = BTreeMap::new();
    for grant in grants {
        rights.extend(grant.rights().into_iter().map(|right| ((grant.role.clone(), right), false)));
    }
    for need in used {
        let mut covered = false;
        for ((_, right), was_used) in rights.iter_mut().filter(|((_, right), _)| covers(right, need)) {
            let _ = right;
            (covered, *was_used) = (true, true);
        }
        if !covered && !need.implied {
            missing.insert(need.to_string());
        }
    }
    let unused = rights.into_iter().filter(|(_, was_used)| !was_used);
    let unused = unused.map(|((role, right), _)| format!("{role}: {right}")).collect();
    Diff { unused, missing: missing.into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::call::Call;
    use super::*;

    fn need(method: &str, path: &str) -> Use {
        needs(&Record { call: Call::of(method, path, ""), ..Record::default() }).remove(0)
    }

    fn manifests() -> Vec<Value> {
        let rule = |groups: &str, resources: &[&str], verbs: &[&str]| json!({ "apiGroups": [groups], "resources": resources, "verbs": verbs });
        let mut named = rule("", &["secrets"], &["get"]);
        named["resourceNames"] = json!(["identity"]);
        let subjects = json!([{ "kind": "ServiceAccount", "namespace": "sys", "name": "operator" }]);
        vec![
            json!({ "kind": "ClusterRole", "metadata": { "name": "all" }, "rules": [rule("apps", &["deployments"], &["list", "watch"])] }),
            json!({ "kind": "ClusterRole", "metadata": { "name": "tenant" }, "rules": [named] }),
            json!({ "kind": "ClusterRoleBinding", "metadata": { "name": "all" }, "subjects": subjects,
                "roleRef": { "kind": "ClusterRole", "name": "all" } }),
            json!({ "kind": "RoleBinding", "metadata": { "name": "t", "namespace": "t-a" }, "subjects": subjects,
                "roleRef": { "kind": "ClusterRole", "name": "tenant" } }),
        ]
    }

    #[test]
    fn unused_and_missing_rights_are_told() {
        let grants = grants(&manifests(), "sys", "operator");
        assert_eq!(grants.len(), 2);
        let used = BTreeSet::from([
            need("GET", "/apis/apps/v1/deployments"),
            need("GET", "/api/v1/namespaces/t-a/secrets/identity"),
            need("GET", "/api/v1/namespaces/t-b/secrets/identity"),
            need("GET", "/api/v1/namespaces/t-a/secrets/other"),
        ]);
        let diff = diff(&used, &grants);
        assert_eq!(diff.unused, ["ClusterRole all: watch deployments.apps"]);
        assert_eq!(diff.missing, ["get secrets in t-a named other", "get secrets in t-b named identity"]);
    }

    #[test]
    fn a_role_bound_by_the_operator_is_given_by_hand() {
        let manifests = manifests();
        let grants = [Grant::of(&manifests[1], Some("t-"))];
        let used = BTreeSet::from([need("GET", "/api/v1/namespaces/t-b/secrets/identity")]);
        assert_eq!(diff(&used, &grants), Diff::default());
    }

    #[test]
    fn an_apply_that_creates_needs_both_rights_and_a_binding_needs_bind() {
        let body = json!({ "roleRef": { "kind": "ClusterRole", "name": "steppe-tenant" } });
        let path = "/apis/rbac.authorization.k8s.io/v1/namespaces/a/rolebindings/x";
        let record = Record { call: Call::of("PATCH", path, ""), code: 201, body: Some(body), ..Record::default() };
        let all: Vec<String> = needs(&record).iter().map(Use::to_string).collect();
        let group = "rbac.authorization.k8s.io";
        assert_eq!(all[0], format!("patch rolebindings.{group} in a named x"));
        assert_eq!(all[1], format!("create rolebindings.{group} in a named x"));
        assert_eq!(all[2], format!("bind clusterroles.{group} in a named steppe-tenant"));
        let none = diff(&needs(&record).into_iter().filter(|need| need.implied).collect(), &[]);
        assert_eq!(none, Diff::default());
    }
}
