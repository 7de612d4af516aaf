//! The ground the tests share, and pods on it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::api::DeleteParams;
use kube::{Api, Client};
use lab::cache::Cache;
use lab::images::{self, Images};
use lab::node::{self, Config, Ground};
use lab::tools::{self, Progress, Tools};
use lab::{objects, wait};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// The ground with its programs and images, and a client of the test's own.
pub struct Place {
    pub ground: Ground,
    pub tools: Tools,
    pub images: Images,
    pub client: Client,
}

struct Said;

impl Progress for Said {
    #[allow(clippy::print_stderr)] // Shown when a test fails.
    fn step(&mut self, what: &str) {
        eprintln!("{what}");
    }
}

/// The ground, brought up by the first test that asks.
pub async fn place() -> Place {
    static UP: OnceCell<(Ground, Tools, Images)> = OnceCell::const_new();
    let (ground, tools, images) = UP.get_or_try_init(up).await.unwrap();
    let client = ground.client().await.unwrap();
    Place { ground: ground.clone(), tools: tools.clone(), images: images.clone(), client }
}

async fn up() -> Result<(Ground, Tools, Images)> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cache = Cache::open(None)?;
    let ground = node::up(&Config::named("services")?, &cache, &mut Said).await?;
    let tools = tools::services(&cache, &mut Said).await?;
    let images = images::build(&cache, &tools, &mut Said).await?;
    Ok((ground, tools, images))
}

impl Place {
    /// A fresh namespace under the strictest pod security, as tenants have it.
    pub async fn namespace(&self, name: &str) -> Result<()> {
        self.clear(name).await?;
        let labels = json!({"pod-security.kubernetes.io/enforce": "restricted", "test": "services"});
        objects::apply(
            &Api::<Namespace>::all(self.client.clone()),
            json!({"metadata": {"name": name, "labels": labels}}),
        )
        .await?;
        // A pod is refused until a controller has made the account that it runs as.
        let accounts = Api::<ServiceAccount>::namespaced(self.client.clone(), name);
        wait::until("the namespace's account", Duration::from_secs(60), async || {
            Ok(accounts.get_opt("default").await?.map(|_| ()))
        })
        .await
    }

    /// Removes a namespace with all that is in it, and waits for its end.
    pub async fn clear(&self, name: &str) -> Result<()> {
        let namespaces = Api::<Namespace>::all(self.client.clone());
        let _ = namespaces.delete(name, &DeleteParams::default()).await;
        wait::until(&format!("the namespace {name} to be gone"), Duration::from_secs(60), async || {
            Ok(namespaces.get_opt(name).await?.is_none().then_some(()))
        })
        .await
    }

    /// Removes a namespace without waiting for its end; whoever wants it next waits.
    pub async fn leave(&self, name: &str) -> Result<()> {
        Api::<Namespace>::all(self.client.clone()).delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Makes a pod of one container under the restricted profile, with `more` merged into its spec's container.
    pub async fn pod(&self, namespace: &str, name: &str, image: &str, args: &[&str], more: Value) -> Result<()> {
        let mut container = json!({
            "name": "main",
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "args": args,
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
        });
        let mut spec = json!({
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "terminationGracePeriodSeconds": 30,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 1000, "runAsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"},
            },
        });
        for (key, value) in more.as_object().context("the rest of a container is an object")? {
            if key == "volumes" { spec["volumes"] = value.clone() } else { container[key] = value.clone() }
        }
        spec["containers"] = json!([container]);
        let pods = Api::<Pod>::namespaced(self.client.clone(), namespace);
        let labels: BTreeMap<&str, &str> = [("app", name)].into();
        objects::apply(&pods, json!({"metadata": {"name": name, "labels": labels}, "spec": spec})).await?;
        Ok(())
    }

    /// Waits until a pod runs; its address.
    pub async fn running(&self, namespace: &str, name: &str) -> Result<Ipv4Addr> {
        let pods = Api::<Pod>::namespaced(self.client.clone(), namespace);
        wait::until(&format!("the pod {namespace}/{name} to run"), Duration::from_secs(60), async || {
            let status = pods.get(name).await?.status.context("no status")?;
            let running = status.phase.as_deref() == Some("Running");
            if !running {
                anyhow::bail!("{:?} {:?}", status.phase, status.container_statuses);
            }
            Ok(status.pod_ip.context("no address")?.parse().ok())
        })
        .await
    }

    /// Waits until a pod has ended well; its termination message.
    pub async fn ended(&self, namespace: &str, name: &str) -> Result<String> {
        let pods = Api::<Pod>::namespaced(self.client.clone(), namespace);
        wait::until(&format!("the pod {namespace}/{name} to end"), Duration::from_secs(90), async || {
            let status = pods.get(name).await?.status.context("no status")?;
            match status.phase.as_deref() {
                Some("Succeeded") => {
                    let states = status.container_statuses.into_iter().flatten();
                    let state = states.filter_map(|it| it.state?.terminated).next();
                    Ok(Some(state.and_then(|state| state.message).unwrap_or_default()))
                }
                Some("Failed") => Err(wait::GiveUp(format!("it failed: {:?}", status.container_statuses)).into()),
                other => anyhow::bail!("{other:?} {:?}", status.container_statuses),
            }
        })
        .await
    }

    /// Runs `steppe-probe check` in a pod of its own; the outcome by target.
    pub async fn check(&self, namespace: &str, name: &str, targets: &[&str]) -> Result<BTreeMap<String, Value>> {
        let args = [&["check", "-output", "/dev/termination-log"][..], targets].concat();
        self.pod(namespace, name, &self.images.probe.pinned(), &args, json!({})).await?;
        by_target(&self.ended(namespace, name).await?)
    }
}

impl Place {
    /// Runs a command in a running pod; what it printed.
    pub async fn exec(&self, namespace: &str, pod: &str, args: &[&str]) -> Result<String> {
        let mut kubectl = tokio::process::Command::new(&self.ground.kubectl);
        kubectl.arg("--kubeconfig").arg(&self.ground.kubeconfig).args(["exec", "-n", namespace, pod, "--"]).args(args);
        let output = kubectl.output().await.context("cannot run kubectl")?;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        anyhow::ensure!(output.status.success(), "{args:?} in {namespace}/{pod}: {out} {err}");
        Ok(out.into_owned())
    }
}

/// The probe's outcomes by target.
pub fn by_target(text: &str) -> Result<BTreeMap<String, Value>> {
    let outcomes: Vec<Value> = serde_json::from_str(text).with_context(|| format!("not outcomes: {text}"))?;
    Ok(outcomes.into_iter().map(|it| (it["target"].as_str().unwrap_or_default().to_owned(), it)).collect())
}
