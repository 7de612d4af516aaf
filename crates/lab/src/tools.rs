//! Programs built from Go modules into the cache: Kubernetes itself and the services around it. The modules are
//! compiled into this crate, so a built program does not depend on where the repository lies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::cache::Cache;

/// The version of Kubernetes in `tools/kubernetes/go.mod`.
pub const KUBERNETES: &str = "1.35.4";

/// The environment of programs written in Go: memory is to be had, and with the usual 100 a quarter of an API server's
/// work is looking for garbage (measured on the light ground: 117 s of processor time became 85).
pub const SPARING: (&str, &str) = ("GOGC", "400");

/// Told what is being done. Both are called often and must be quick.
pub trait Progress: Send {
    /// The next piece of work begins.
    fn step(&mut self, what: &str);
    /// A line of detail about the piece of work that began last.
    fn detail(&mut self, _line: &str) {}
}

/// Says nothing.
#[derive(Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn step(&mut self, _what: &str) {}
}

/// A folder of built programs.
#[derive(Clone, Debug)]
pub struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// The path of the program `name`, which is the last element of its package's path.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder that holds them, for a PATH.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// A Go module of ours and what to build from it.
struct Module {
    name: &'static str,
    title: &'static str,
    /// Path in the module and text of every file.
    files: &'static [(&'static str, &'static str)],
    /// Packages, grouped by the calls of `go build` that make them.
    packages: &'static [&'static [&'static str]],
    ldflags: &'static str,
}

/// Settings that are part of Go's own cache keys: changing one rebuilds the world, so all builds use these.
const GOFLAGS: &str = "-buildvcs=false -trimpath";
const CGO_ENABLED: &str = "0";

const KUBERNETES_MODULE: Module = Module {
    name: "kubernetes",
    title: "Kubernetes 1.35.4 from source (cold: about 20 minutes on two cores)",
    files: &[
        ("go.mod", include_str!("../tools/kubernetes/go.mod")),
        ("go.sum", include_str!("../tools/kubernetes/go.sum")),
    ],
    packages: &[&[
        "k8s.io/kubernetes/cmd/kube-apiserver",
        "k8s.io/kubernetes/cmd/kube-controller-manager",
        "k8s.io/kubernetes/cmd/kube-proxy",
        "k8s.io/kubernetes/cmd/kube-scheduler",
        "k8s.io/kubernetes/cmd/kubectl",
        "k8s.io/kubernetes/cmd/kubelet",
    ]],
    // Without the version, clients see v0.0.0 and some refuse to talk to it.
    ldflags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.35.4 \
              -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35",
};

const SERVICES_MODULE: Module = Module {
    name: "services",
    title: "DNS, ingress, object store, volumes and Helm from source (cold: about 6 minutes on two cores)",
    files: &[
        ("go.mod", include_str!("../tools/services/go.mod")),
        ("go.sum", include_str!("../tools/services/go.sum")),
        ("coredns/main.go", include_str!("../tools/services/coredns/main.go")),
        ("probe/main.go", include_str!("../tools/services/probe/main.go")),
    ],
    packages: &[
        &[
            "./coredns",
            "./probe",
            "github.com/caddyserver/caddy/v2/cmd/caddy",
            "github.com/versity/versitygw/cmd/versitygw",
            "helm.sh/helm/v3/cmd/helm",
        ],
        // It spells logrus's path with a capital, and Go refuses both spellings in one call.
        &["github.com/rancher/local-path-provisioner"],
    ],
    ldflags: "-s -w",
};

const MAIL_MODULE: Module = Module {
    name: "mail",
    title: "The mail server from source (cold: under a minute on two cores)",
    files: &[("go.mod", include_str!("../tools/mail/go.mod")), ("go.sum", include_str!("../tools/mail/go.sum"))],
    packages: &[&["github.com/axllent/mailpit"]],
    ldflags: "-s -w",
};

/// kube-apiserver, kube-controller-manager, kube-scheduler, kubelet, kube-proxy and kubectl.
pub async fn kubernetes(cache: &Cache, progress: &mut dyn Progress) -> Result<Tools> {
    build(&KUBERNETES_MODULE, cache, progress).await
}

/// coredns, probe, caddy, local-path-provisioner, versitygw and helm.
pub async fn services(cache: &Cache, progress: &mut dyn Progress) -> Result<Tools> {
    build(&SERVICES_MODULE, cache, progress).await
}

/// mailpit.
pub async fn mail(cache: &Cache, progress: &mut dyn Progress) -> Result<Tools> {
    build(&MAIL_MODULE, cache, progress).await
}

impl Module {
    /// The hash of all that decides what comes out, but for the Go version: an old program built by another Go is
    /// still the program.
    fn key(&self) -> String {
        let mut hash = Sha256::new();
        for (path, text) in self.files {
            hash.update(format!("{path} {}\n{text}", text.len()));
        }
        hash.update(format!("{GOFLAGS}\n{CGO_ENABLED}\n{}\n{}", self.ldflags, self.packages.concat().join(" ")));
        format!("{}-{}", self.name, &hex::encode(hash.finalize())[..16])
    }

    fn complete(&self, folder: &Path) -> bool {
        self.packages.concat().iter().all(|package| folder.join(base_name(package)).is_file())
    }

    fn write(&self, folder: &Path) -> Result<()> {
        for (path, text) in self.files {
            let path = folder.join(path);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

fn base_name(package: &str) -> &str {
    package.rsplit('/').next().unwrap_or(package)
}

async fn build(module: &Module, cache: &Cache, progress: &mut dyn Progress) -> Result<Tools> {
    let key = module.key();
    let folder = cache.keyed("tools", &key)?;
    if module.complete(&folder) {
        return Ok(Tools { folder });
    }
    progress.step(module.title);
    let locked = cache.clone();
    let lock = tokio::task::spawn_blocking(move || locked.lock(&format!("tools-{key}"))).await??;
    if !module.complete(&folder) {
        // A folder of its own beside the final one, so that a killed build leaves nothing that looks finished.
        let fresh = folder.with_extension("new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).with_context(|| format!("cannot clear {}", fresh.display()))?;
        }
        let source = fresh.join("source");
        module.write(&source)?;
        for packages in module.packages {
            run_go(module, packages, cache, &source, &fresh, progress).await?;
        }
        fs::remove_dir_all(&source).with_context(|| format!("cannot clear {}", source.display()))?;
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {}", folder.display()))?;
        }
        fs::rename(&fresh, &folder).with_context(|| format!("cannot move the programs to {}", folder.display()))?;
    }
    drop(lock);
    Ok(Tools { folder })
}

async fn run_go(
    module: &Module,
    packages: &[&str],
    cache: &Cache,
    source: &Path,
    out: &Path,
    progress: &mut dyn Progress,
) -> Result<()> {
    let mut command = Command::new("go");
    command.args(["build", "-mod=readonly", "-v", "-ldflags", module.ldflags, "-o"]).arg(out).args(packages);
    command.env("GOFLAGS", GOFLAGS).env("CGO_ENABLED", CGO_ENABLED).env("GOTOOLCHAIN", "local");
    command.env("GOMODCACHE", cache.path("go/mod")).env("GOCACHE", cache.path("go/build"));
    command.current_dir(source).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("cannot run go: install Go 1.26 and put it on the PATH")?;
    let stderr = child.stderr.take().context("go has no output to read")?;
    let mut lines = BufReader::new(stderr).lines();
    // With -v each line is the name of a package that was compiled; what else is said is an error or a download.
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await? {
        progress.detail(&line);
        said.push(line);
    }
    let status = child.wait().await.context("cannot wait for go")?;
    if !status.success() {
        let tail = said[said.len().saturating_sub(20)..].join("\n");
        bail!("building {} failed ({status}):\n{tail}", module.name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_follows_the_sources() {
        let key = SERVICES_MODULE.key();
        assert!(key.starts_with("services-") && key.len() == "services-".len() + 16);
        let changed = Module { files: &[("go.mod", "module other\n")], ..SERVICES_MODULE };
        assert_ne!(key, changed.key());
        let flagged = Module { ldflags: "", ..SERVICES_MODULE };
        assert_ne!(key, flagged.key());
    }

    #[test]
    fn a_folder_is_complete_with_the_last_program() {
        let folder = tempfile::tempdir().unwrap();
        for package in &SERVICES_MODULE.packages.concat()[1..] {
            fs::write(folder.path().join(base_name(package)), "").unwrap();
        }
        assert!(!SERVICES_MODULE.complete(folder.path()));
        fs::write(folder.path().join("coredns"), "").unwrap();
        assert!(SERVICES_MODULE.complete(folder.path()));
    }

    #[test]
    fn the_version_is_the_pinned_one() {
        assert!(KUBERNETES_MODULE.ldflags.contains(&format!("gitVersion=v{KUBERNETES} ")));
        assert!(KUBERNETES_MODULE.files[0].1.contains(&format!("k8s.io/kubernetes v{KUBERNETES}")));
    }
}
