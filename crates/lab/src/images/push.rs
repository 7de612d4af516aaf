//! Images for a cluster of one's own: to a registry that it can pull from.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{HOST, Image};
use crate::cache::Cache;
use crate::node::command::{run, text};

/// Pushes an image to `registry` (`host[:port][/path]`) by buildah, which finds the log-in where `buildah login`,
/// `podman login` and `docker login` leave it. `certificates` is a folder with the registry's private CA (`ca.crt`),
/// where the machine does not trust it anyway. Returns the image's name there, pinned by the digest that the registry
/// gave it: buildah compresses the layers, so it is not the local one. Plain HTTP is used for loopback addresses only.
pub async fn push(cache: &Cache, image: &Image, registry: &str, certificates: Option<&Path>) -> Result<String> {
    let (cache, image, registry) = (cache.clone(), image.clone(), registry.to_owned());
    let certificates = certificates.map(Path::to_owned);
    let task = move || push_now(&cache, &image, &registry, certificates.as_deref());
    tokio::task::spawn_blocking(task).await?
}

fn push_now(cache: &Cache, image: &Image, registry: &str, certificates: Option<&Path>) -> Result<String> {
    let name = image.repository.strip_prefix(&format!("{HOST}/")).unwrap_or(&image.repository);
    let repository = format!("{}/{name}", registry.trim_end_matches('/'));
    let _lock = cache.lock("buildah")?;
    let work = tempfile::tempdir_in(cache.root()).context("no folder for buildah to work in")?;
    let source = format!("docker-archive:{}", image.archive.display());
    let id = text(buildah(work.path()).args(["pull", "--quiet"]).arg(source))?;
    let digest = work.path().join("digest");
    let mut push = buildah(work.path());
    push.args(["push", "--quiet", &format!("--tls-verify={}", !is_loopback(registry)), "--digestfile"]).arg(&digest);
    if let Some(certificates) = certificates {
        push.arg("--cert-dir").arg(certificates);
    }
    let target = format!("docker://{repository}:{}", image.tag);
    run(push.arg(id.trim()).arg(&target)).with_context(|| format!("cannot push {target}"))?;
    let digest = std::fs::read_to_string(&digest).context("buildah wrote no digest")?;
    ensure!(digest.trim().starts_with("sha256:"), "buildah wrote {digest:?} for a digest");
    Ok(format!("{repository}@{}", digest.trim()))
}

/// Its storage is thrown away with the work folder: the images' place is the cache.
fn buildah(work: &Path) -> Command {
    let mut command = Command::new("buildah");
    command.arg("--root").arg(work.join("storage")).arg("--runroot").arg(work.join("run"));
    command.args(["--storage-driver", "vfs"]);
    command
}

fn is_loopback(registry: &str) -> bool {
    let host = registry.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host == "localhost" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_spoken_to_without_tls() {
        for registry in ["localhost:5000", "127.0.0.1:5000/x", "127.1.2.3"] {
            assert!(is_loopback(registry), "{registry}");
        }
        for registry in ["registry.example:5000", "10.0.0.1:5000", "localhost.example"] {
            assert!(!is_loopback(registry), "{registry}");
        }
    }
}
