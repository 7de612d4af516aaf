//! A cell in a cluster that exists already and was named.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use crd::CellSpec;
use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use super::raise::{self, Cell, chart};
use super::vacancy;
use crate::cache::Cache;
use crate::client::Library;
use crate::images::{self, push};
use crate::install::{ChartValues, Installer};
use crate::journey::Site;
use crate::kubectl::Kubectl;
use crate::node::kubeconfig;
use crate::process::beside;
use crate::store::{Bucket, Keys};
use crate::tools::{self, Progress};

/// What only its owner knows of a cluster. A JSON file; `docs/operating.md` explains each line.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Place {
    /// The chart's `cell`, without `versions`: those are the images that are pushed.
    pub cell: Value,
    /// The address at which this machine reaches the names of the zone.
    pub address: String,
    /// The authority that signed the zone's certificates, PEM file.
    pub authority: PathBuf,
    /// Files with the two halves of a key to the bucket that `cell.objectStore` names: it reads, writes and lists.
    pub access_key_file: PathBuf,
    /// See `access_key_file`.
    pub secret_key_file: PathBuf,
    /// The same of the key that deletes as well.
    pub purger_access_key_file: PathBuf,
    /// See `purger_access_key_file`.
    pub purger_secret_key_file: PathBuf,
    /// The folder with the registry's `ca.crt`, if its authority is a private one.
    #[serde(default)]
    pub registry_certificates: Option<PathBuf>,
    /// Namespaces of the programs that make it a cluster, beside `default`, `kube-*` and the ingress's: they do not keep
    /// tests from using it.
    #[serde(default)]
    pub system_namespaces: Vec<String>,
}

impl Place {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is not there or holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} describes no cluster", path.display()))
    }

    /// Whether a namespace belongs to the programs that make it a cluster.
    #[must_use]
    pub fn is_system(&self, namespace: &str) -> bool {
        let of_ingress = self.cell.pointer("/ingress/namespace").and_then(Value::as_str) == Some(namespace);
        let named = self.system_namespaces.iter().any(|name| name == namespace);
        namespace == "default" || namespace.starts_with("kube-") || of_ingress || named
    }
}

/// Which cluster, and how images get there.
#[derive(Debug, Clone)]
pub struct Named<'a> {
    /// The context's name in the kubeconfig.
    pub context: &'a str,
    /// The kubeconfig; `None` for the usual one.
    pub kubeconfig: Option<&'a Path>,
    /// The registry that the cluster can pull from.
    pub registry: &'a str,
    /// See [`Place`].
    pub place: &'a Path,
}

impl Named<'_> {
    /// kubectl for this cluster.
    async fn kubectl(&self, cache: &Cache, progress: &mut dyn Progress) -> Result<Kubectl> {
        let program = tools::kubernetes(cache, progress).await?.program("kubectl");
        Ok(Kubectl::named(program, self.context, self.kubeconfig))
    }

    /// A kubeconfig with this context and nothing else, so that no slip can reach another cluster.
    pub(super) async fn only(&self, cache: &Cache, work: &Path, progress: &mut dyn Progress) -> Result<PathBuf> {
        let mut command = self.kubectl(cache, progress).await?.command();
        let output = command.args(["config", "view", "--raw", "--minify", "--flatten"]).output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "context {:?} cannot be used: {}", self.context, said.trim());
        let path = work.join("kubeconfig");
        std::fs::write(&path, output.stdout)?;
        Ok(path)
    }
}

/// Makes the named cluster a cell: pushes the images, installs the chart, waits until its programs are ready.
///
/// # Errors
/// When the context is unknown, the registry refuses, or the place does not describe the cluster.
pub async fn elsewhere(named: &Named<'_>, cache: &Cache, progress: &mut dyn Progress) -> Result<Cell> {
    let place = Place::read(named.place)?;
    let work = tempfile::tempdir()?;
    let own = named.only(cache, work.path(), progress).await?;
    let client = kubeconfig::client(&own).await?;
    raise(named, place, &own, client, cache, progress).await
}

/// As [`elsewhere`], for the tests of one run: refused unless the cluster is empty, or was when this run began with it.
///
/// # Errors
/// Those of [`elsewhere`]; when somebody uses the cluster, before anything is changed there.
pub async fn for_tests(named: &Named<'_>, run: &str, cache: &Cache, progress: &mut dyn Progress) -> Result<Cell> {
    let place = Place::read(named.place)?;
    let work = tempfile::tempdir()?;
    let own = named.only(cache, work.path(), progress).await?;
    let client = kubeconfig::client(&own).await?;
    vacancy::occupy(&client, named, &place, run).await?;
    raise(named, place, &own, client, cache, progress).await
}

async fn raise(
    named: &Named<'_>,
    place: Place,
    own: &Path,
    client: Client,
    cache: &Cache,
    progress: &mut dyn Progress,
) -> Result<Cell> {
    let installer = Installer::new(cache, &chart(), progress).await?;

    let program = beside("steppe-operator")?;
    let services = tools::services(cache, progress).await?;
    let built = images::build(cache, &services, progress).await?;
    let operator = images::operator(cache, &program, progress).await?;
    progress.step(&format!("Pushing the images to {}", named.registry));
    let push = async |image| push::push(cache, image, named.registry, place.registry_certificates.as_deref()).await;
    let (operator, caddy, snac) = (push(&operator).await?, push(&built.caddy).await?, push(&built.snac).await?);

    let cell = cell(&place, &snac)?;
    let bucket = bucket(&place, &cell)?;
    let zone = cell.zone.to_string();
    let values = ChartValues::of_ground(&operator, &caddy, cell);
    progress.step("Installing Steppe's chart");
    let public_key = raise::install(&installer, &client, own, &program, &bucket, &values).await?;
    progress.step("Waiting for Steppe's programs");
    raise::programs_ready(&client).await?;
    let library = Library::prepare(cache).await?;
    let site = Site { client, zone, address: place.address, ca: place.authority, library };
    let how_to_look = format!("The cluster:\n  kubectl --context {} get instances,exports\n", named.context);
    let kubectl = named.kubectl(cache, progress).await?;
    Ok(Cell { site, bucket, public_key, kubectl, how_to_look })
}

fn cell(place: &Place, snac: &str) -> Result<CellSpec> {
    let mut cell = place.cell.clone();
    let fields = cell.as_object_mut().context("`cell` is not an object")?;
    fields.insert("versions".into(), json!([{ "flavour": "snac", "version": "2.75", "image": snac }]));
    serde_json::from_value(cell).context("`cell` is not what the chart calls so")
}

fn bucket(place: &Place, cell: &CellSpec) -> Result<Bucket> {
    let read = |path: &Path| -> Result<String> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(text.trim().to_owned())
    };
    let keys = |access: &Path, secret: &Path| -> Result<Keys> {
        Ok(Keys { access_key: read(access)?, secret_key: read(secret)? })
    };
    Ok(Bucket {
        endpoint: cell.object_store.endpoint.clone(),
        region: cell.object_store.region.clone(),
        name: cell.object_store.bucket.clone(),
        keys: keys(&place.access_key_file, &place.secret_key_file)?,
        purger_keys: keys(&place.purger_access_key_file, &place.purger_secret_key_file)?,
    })
}
