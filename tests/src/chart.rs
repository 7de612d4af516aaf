//! One light ground with the chart installed, for all tests of a program, and requests as anybody.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context as _, Result, ensure};
use http::{Method, Request};
use kube::Client;
use lab::cache::Cache;
use lab::install::{ChartValues, Installer};
use lab::light::Light;
use lab::tools::Quiet;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// The ground and what installed the chart on it.
pub struct Chart {
    /// The ground.
    pub light: &'static Light,
    /// Helm and kubectl.
    pub installer: Installer,
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
static CHART: OnceCell<Chart> = OnceCell::const_new();

/// The repository's folder.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a test on the shared ground.
pub fn test<F>(body: impl FnOnce(&'static Chart) -> F)
where
    F: Future<Output = Result<()>>,
{
    RUNTIME.block_on(async {
        let chart = CHART.get_or_try_init(bring_up).await.expect("a light ground with the chart");
        if let Err(error) = body(chart).await {
            panic!("{error:#}");
        }
    });
}

async fn bring_up() -> Result<Chart> {
    let cache = Cache::open(None)?;
    let light = Light::shared(&cache).await?;
    let installer = Installer::new(&cache, &repository().join("charts/operator"), &mut Quiet).await?;
    installer.install(&light.kubeconfig(), &values()?).await?;
    Ok(Chart { light, installer })
}

/// The values of the ground: none of the chart's programs runs there.
///
/// # Errors
/// When the cell is malformed.
pub fn values() -> Result<ChartValues> {
    let cell = json!({
        "zone": "steppe.test", "ingress": { "className": "caddy" },
        "objectStore": { "endpoint": "http://127.0.0.1:9", "bucket": "steppe" },
        "networks": { "pods": ["10.244.0.0/16"], "services": ["10.96.0.0/16"] }, "storageClass": "local-path",
        "versions": [{ "flavour": "snac", "version": "2.75", "image": "registry.example/snac:2.75" }],
        "escrowRecipient": crate::light::ESCROW,
    });
    Ok(ChartValues::without_programs(serde_json::from_value(cell)?))
}

/// What the API server answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The HTTP status code.
    pub code: u16,
    /// What it says, if it refuses.
    pub message: String,
    /// The object, if there is one.
    pub body: Value,
}

impl Answer {
    /// Whether it was done.
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        self.code < 300
    }

    /// Whether the named admission policy refused it.
    #[must_use]
    pub fn is_denied_by(&self, policy: &str) -> bool {
        self.code == 403 && self.message.contains(&format!("'{policy}'"))
    }

    /// Whether the right to do it lacks.
    #[must_use]
    pub fn is_no_right(&self) -> bool {
        self.code == 403 && self.message.contains(" cannot ")
    }

    /// The object.
    ///
    /// # Errors
    /// When it was refused.
    pub fn ok(self) -> Result<Value> {
        ensure!(self.is_ok(), "refused with {}: {}", self.code, self.message);
        Ok(self.body)
    }
}

/// Asks the API server: `method` is an HTTP method, or `MERGE` and `APPLY` for the two kinds of patches.
///
/// # Errors
/// When there is no answer.
pub async fn ask(client: &Client, method: &str, path: &str, body: Value) -> Result<Answer> {
    let (method, kind) = match method {
        "MERGE" => (Method::PATCH, "application/merge-patch+json"),
        "APPLY" => (Method::PATCH, "application/apply-patch+yaml"),
        other => (other.parse()?, "application/json"),
    };
    let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(&body)? };
    let request = Request::builder().method(method).uri(path).header("content-type", kind).body(body)?;
    match client.request::<Value>(request).await {
        Ok(body) => Ok(Answer { code: 200, message: String::new(), body }),
        Err(kube::Error::Api(status)) => {
            Ok(Answer { code: status.code, message: status.message.clone(), body: Value::Null })
        }
        Err(error) => Err(error).with_context(|| format!("asking for {path}")),
    }
}

/// The path of an object of ours, or of all of a kind.
#[must_use]
pub fn ours(plural: &str, name: &str) -> String {
    let path = format!("/apis/{}/{}/{plural}", crd::GROUP, crd::VERSION);
    if name.is_empty() { path } else { format!("{path}/{name}") }
}

/// Reads one of `docs/examples`.
///
/// # Errors
/// When there is no such file or it is no YAML.
pub fn example(name: &str) -> Result<Value> {
    let path = repository().join("docs/examples").join(format!("{name}.yaml"));
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("reading {}", path.display()))
}

/// An object changed in one field, by JSON pointer. A null value takes the field away.
#[must_use]
pub fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    match object.pointer_mut(parent) {
        Some(Value::Array(items)) => items[field.parse::<usize>().unwrap_or_default()] = value,
        Some(Value::Object(fields)) if value.is_null() => {
            fields.remove(field);
        }
        Some(Value::Object(fields)) => {
            fields.insert(field.to_owned(), value);
        }
        Some(_) | None => panic!("there is no {parent} in the object"),
    }
    object
}
