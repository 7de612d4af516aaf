//! The API of a real cluster.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crd::{AccountChange, Cell, Export, Instance, labels};
use futures::stream::{BoxStream, StreamExt as _, select_all};
use kube::api::{Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Answer, Cluster, ClusterError, FIELD_MANAGER, Kind, News, Object};

/// How long a single call may take.
const CALL: Duration = Duration::from_secs(15);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// After how many seconds the server ends a watch, which then goes on where it was: a connection that died without a word is
/// noticed little later.
const WATCH: u32 = 60;
/// How long nothing at all may come over a connection.
const SILENCE: Duration = Duration::from_secs(75);

/// The API of a real cluster.
#[derive(Clone)]
pub struct Kubernetes {
    client: Client,
}

impl Kubernetes {
    /// Connects with a kubeconfig file's text. Nothing is sent yet.
    ///
    /// # Errors
    /// When the text is no kubeconfig.
    pub async fn connect(kubeconfig: &str) -> Result<Self, ClusterError> {
        let wrong =
            |error: &dyn std::fmt::Display| ClusterError::Forbidden(format!("its kubeconfig cannot be used: {error}"));
        let kubeconfig = Kubeconfig::from_yaml(kubeconfig).map_err(|error| wrong(&error))?;
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        let mut config = config.map_err(|error| wrong(&error))?;
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = Some(SILENCE);
        let client = Client::try_from(config).map_err(|error| wrong(&error))?;
        Ok(Self { client })
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = kube::core::ClusterResourceScope>,
    {
        Api::all(self.client.clone())
    }

    async fn create<K>(&self, object: &K, is_same: impl Fn(&K) -> bool + Send) -> Result<(), ClusterError>
    where
        K: Resource<DynamicType = (), Scope = kube::core::ClusterResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + serde::Serialize
            + Sync,
    {
        let (api, name) = (self.api::<K>(), object.name_any());
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        match call(api.create(&params, object)).await {
            Ok(_) => Ok(()),
            Err(Failure::Exists) => {
                let found = call(api.get(&name)).await.map_err(|failure| failure.of(&name))?;
                match is_same(&found) {
                    true => Ok(()),
                    false => Err(ClusterError::Invalid(format!("{name} is there already and is about something else"))),
                }
            }
            Err(failure) => Err(failure.of(&name)),
        }
    }
}

impl Debug for Kubernetes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kubernetes")
    }
}

impl Cluster for Kubernetes {
    fn cell(&self) -> Answer<'_, Cell> {
        Box::pin(
            async move { call(self.api::<Cell>().get(labels::CELL)).await.map_err(|failure| failure.of("Cell cell")) },
        )
    }

    fn instance<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Instance>> {
        Box::pin(async move { call(self.api::<Instance>().get_opt(name)).await.map_err(|failure| failure.of(name)) })
    }

    fn apply_instance<'a>(&'a self, wish: &'a Instance) -> Answer<'a, ()> {
        Box::pin(async move {
            let name = wish.name_any();
            let params = PatchParams::apply(FIELD_MANAGER).force();
            let done = call(self.api::<Instance>().patch(&name, &params, &Patch::Apply(wish))).await;
            done.map(|_| ()).map_err(|failure| failure.of(&name))
        })
    }

    fn create_export<'a>(&'a self, export: &'a Export) -> Answer<'a, ()> {
        Box::pin(self.create(export, |found: &Export| found.spec.instance_ref == export.spec.instance_ref))
    }

    fn claim_key<'a>(&'a self, export: &'a str, recipient: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            // The rest of the object is somebody else's, every night the cell's own.
            let patch = Patch::Merge(json!({ "spec": { "keyClaim": recipient } }));
            let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
            let done = call(self.api::<Export>().patch(export, &params, &patch)).await;
            done.map(|_| ()).map_err(|failure| failure.of(export))
        })
    }

    fn create_account_change<'a>(&'a self, change: &'a AccountChange) -> Answer<'a, ()> {
        Box::pin(self.create(change, |found: &AccountChange| found.spec == change.spec))
    }

    fn watch(&self) -> BoxStream<'static, Result<News, ClusterError>> {
        select_all([
            news(self.api(), Kind::Cell, |cell| Object::Cell(Arc::new(cell))),
            news(self.api(), Kind::Instance, |instance| Object::Instance(Arc::new(instance))),
            news(self.api(), Kind::Export, |export| Object::Export(Arc::new(export))),
            news(self.api(), Kind::AccountChange, |change| Object::AccountChange(Arc::new(change))),
        ])
        .boxed()
    }
}

fn news<K>(
    api: Api<K>,
    kind: Kind,
    object: impl Fn(K) -> Object + Send + 'static,
) -> BoxStream<'static, Result<News, ClusterError>>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    watcher(api, watcher::Config::default().timeout(WATCH))
        .default_backoff()
        .modify(|object| object.meta_mut().managed_fields = None)
        .map(move |event| match event {
            Ok(watcher::Event::Init) => Ok(News::Listing(kind)),
            Ok(watcher::Event::InitApply(seen) | watcher::Event::Apply(seen)) => Ok(News::Is(object(seen))),
            Ok(watcher::Event::Delete(seen)) => Ok(News::Gone(kind, seen.name_any())),
            Ok(watcher::Event::InitDone) => Ok(News::Listed(kind)),
            Err(error) => Err(watch_error(&error)),
        })
        .boxed()
}

fn watch_error(error: &watcher::Error) -> ClusterError {
    use std::error::Error as _;
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    if let watcher::Error::InitialListFailed(kube::Error::Api(status)) = error
        && is_refusal(status.code)
    {
        return ClusterError::Forbidden(text);
    }
    ClusterError::Unreachable(text)
}

const fn is_refusal(code: u16) -> bool {
    matches!(code, 401 | 403)
}

/// What came of a call that did not succeed.
enum Failure {
    Exists,
    Error(Box<kube::Error>),
    Late,
}

async fn call<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
    match tokio::time::timeout(CALL, call).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(kube::Error::Api(status))) if status.reason == "AlreadyExists" => Err(Failure::Exists),
        Ok(Err(error)) => Err(Failure::Error(Box::new(error))),
        Err(_) => Err(Failure::Late),
    }
}

impl Failure {
    fn of(self, object: &str) -> ClusterError {
        match self {
            Self::Exists => ClusterError::Invalid(format!("{object} is there already")),
            Self::Late => ClusterError::Unreachable(format!("no answer within {} s", CALL.as_secs())),
            Self::Error(error) => {
                if let kube::Error::Api(status) = &*error {
                    return refusal(status.code, &status.message, object);
                }
                ClusterError::Unreachable(error.to_string())
            }
        }
    }
}

fn refusal(code: u16, message: &str, object: &str) -> ClusterError {
    match code {
        404 => ClusterError::Missing(object.to_owned()),
        401 | 403 => ClusterError::Forbidden(message.to_owned()),
        // The rule of the definition that says so, crates/crd/src/instance.rs.
        400 | 422 if message.contains("the revision never falls") => ClusterError::Behind(message.to_owned()),
        400 | 409 | 413 | 422 => ClusterError::Invalid(message.to_owned()),
        _ => ClusterError::Unreachable(format!("status {code}: {message}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_means() {
        let rule = "Instance.steppe.host \"i-1\" is invalid: spec: Invalid value: the revision never falls: a writer with an older database must stop";
        assert!(matches!(refusal(422, rule, "i-1"), ClusterError::Behind(_)));
        assert!(matches!(refusal(422, "spec.size: no", "i-1"), ClusterError::Invalid(_)));
        assert!(matches!(refusal(403, "no", "i-1"), ClusterError::Forbidden(_)));
        assert_eq!(refusal(404, "no", "i-1"), ClusterError::Missing("i-1".to_owned()));
        for code in [429, 500, 502, 503, 504] {
            assert!(matches!(refusal(code, "later", "i-1"), ClusterError::Unreachable(_)), "{code}");
        }
    }

    #[tokio::test]
    async fn what_is_no_kubeconfig_is_said_without_its_text() {
        let error = Kubernetes::connect("token: canary-4711").await.unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[test]
    fn the_rule_this_relies_on_is_in_the_definition() {
        let crd = serde_json::to_string(&crd::all()).unwrap();
        assert!(crd.contains("the revision never falls"));
    }
}
