//! What a request to the API server asks for.

use serde::{Deserialize, Serialize};

/// A request as authorization sees it, by the rules of `NewRequestInfo`
/// (apiserver v0.35.4, pkg/endpoints/request/requestinfo.go).
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Call {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`; the HTTP method in small
    /// letters if this is not about a resource.
    pub verb: String,
    /// API group, empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Plural name of the resource; empty if this is not about one.
    pub resource: String,
    /// Such as `status`.
    pub subresource: String,
    /// Empty for what is in no namespace, and for all namespaces.
    pub namespace: String,
    /// Empty for collections. For a create it is in the body: see [`Call::named`].
    pub name: String,
    /// Whether the patch is a server-side apply.
    pub apply: bool,
    /// Whether nothing is to be stored.
    pub dry_run: bool,
}

impl Call {
    /// Reads a request line. `path` is without the query.
    pub fn of(method: &str, path: &str, query: &str) -> Self {
        let mut call = Self { verb: method.to_ascii_lowercase(), ..Self::default() };
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let mut rest = match parts.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => {
                (*version).clone_into(&mut call.version);
                rest
            }
            ["apis", group, version, rest @ ..] if !rest.is_empty() => {
                (*group).clone_into(&mut call.group);
                (*version).clone_into(&mut call.version);
                rest
            }
            _ => return call,
        };
        if let ["namespaces", namespace, after @ ..] = rest {
            (*namespace).clone_into(&mut call.namespace);
            if !matches!(after, [] | ["status" | "finalize", ..]) {
                rest = after;
            }
        }
        let part = |n: usize| rest.get(n).map(|part| (*part).to_owned()).unwrap_or_default();
        (call.resource, call.name, call.subresource) = (part(0), part(1), part(2));
        let asked = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        call.dry_run = asked("dryRun").is_some();
        let watch = asked("watch").is_some_and(|value| !matches!(value.as_str(), "false" | "0"));
        call.verb = match (method, call.name.is_empty()) {
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "deletecollection",
            ("DELETE", false) => "delete",
            (_, false) => "get",
            (_, true) if watch => "watch",
            (_, true) => "list",
        }
        .into();
        if matches!(call.verb.as_str(), "list" | "watch") {
            let selector = asked("fieldSelector").unwrap_or_default();
            let one = selector.split(',').find_map(|term| term.strip_prefix("metadata.name="));
            call.name = one.map(|name| name.trim_start_matches('=').to_owned()).unwrap_or_default();
        }
        call
    }

    /// With the name that a create has in its body only; one that the API server draws is `<beginning>*`.
    #[must_use]
    pub fn named(mut self, body: &[u8]) -> Self {
        if self.verb == "create" && self.name.is_empty() {
            let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            let drawn = || Some(format!("{}*", body["metadata"]["generateName"].as_str()?));
            self.name = body["metadata"]["name"].as_str().map(str::to_owned).or_else(drawn).unwrap_or_default();
        }
        self
    }

    /// Whether it may change what is stored. Reviews and token requests are creates that store nothing.
    pub fn writes(&self) -> bool {
        let reads = matches!(self.verb.as_str(), "get" | "list" | "watch") || self.resource.is_empty();
        let virtual_kind = self.resource.ends_with("reviews") || self.subresource == "token";
        !reads && !self.dry_run && !virtual_kind
    }

    /// `resource`, `resource.group`, with `/subresource` if there is one.
    pub fn kind(&self) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let sub = if self.subresource.is_empty() { String::new() } else { format!("/{}", self.subresource) };
        format!("{}{group}{sub}", self.resource)
    }

    /// `kind namespace/name`.
    pub fn object(&self) -> String {
        let place = if self.namespace.is_empty() { String::new() } else { format!("{}/", self.namespace) };
        format!("{} {place}{}", self.kind(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(method: &str, path: &str, query: &str) -> String {
        let call = Call::of(method, path, query);
        format!("{} {}", call.verb, call.object())
    }

    #[test]
    fn requests_are_read_as_authorization_reads_them() {
        for (request, expected) in [
            (("GET", "/api/v1/namespaces/a/pods", ""), "list pods a/"),
            (("GET", "/api/v1/pods", "watch=true&resourceVersion=7"), "watch pods "),
            (("GET", "/api/v1/pods", "watch=0"), "list pods "),
            (("GET", "/api/v1/namespaces/a", ""), "get namespaces a/a"),
            (("PUT", "/api/v1/namespaces/a/finalize", ""), "update namespaces/finalize a/a"),
            (("GET", "/apis/apps/v1/namespaces/a/deployments/b/status", ""), "get deployments.apps/status a/b"),
            (("PATCH", "/apis/steppe.host/v1alpha1/instances/x/status", ""), "patch instances.steppe.host/status x"),
            (("DELETE", "/api/v1/namespaces/a/pods", ""), "deletecollection pods a/"),
            (("GET", "/api/v1/secrets", "fieldSelector=metadata.name%3Dx&watch=1"), "watch secrets x"),
            (("GET", "/readyz", ""), "get  "),
            (("GET", "/apis/apps/v1", ""), "get  "),
        ] {
            let (method, path, query) = request;
            assert_eq!(short(method, path, query), expected, "{request:?}");
        }
    }

    #[test]
    fn what_stores_nothing_is_no_write() {
        assert!(Call::of("PATCH", "/api/v1/namespaces/a/configmaps/b", "").writes());
        assert!(!Call::of("PATCH", "/api/v1/namespaces/a/configmaps/b", "dryRun=All").writes());
        assert!(!Call::of("POST", "/apis/authentication.k8s.io/v1/tokenreviews", "").writes());
        assert!(!Call::of("POST", "/api/v1/namespaces/a/serviceaccounts/b/token", "").writes());
        assert!(!Call::of("GET", "/api/v1/pods", "watch=true").writes());
        assert!(!Call::of("POST", "/version", "").writes());
    }
}
