//! Writing an image as a file: around its layers an OCI layout (containerd reads that, and takes the digest we computed)
//! and a docker-archive (other tools read that) which share all blobs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::layer::{self, digest};
pub use super::layer::{Content, Entry, Layer};
use super::{HOST, Image};
use crate::cache::Cache;

/// The date that images say they are of.
const CREATED: &str = "2025-01-01T00:00:00Z";

/// How to make an image.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The last part of its name.
    pub name: &'static str,
    /// Its tag; its own key if `None`.
    pub tag: Option<String>,
    /// Layers that are there already.
    pub base: Vec<Layer>,
    /// The layer above them.
    pub entries: Vec<Entry>,
    /// User, Env, Entrypoint, Cmd, WorkingDir as in the OCI image configuration.
    pub config: Value,
}

impl Recipe {
    /// The hash of all that decides what comes out.
    fn key(&self) -> Result<String> {
        let mut hash = Sha256::new();
        hash.update(format!("{} {:?} {}\n", self.name, self.tag, self.config));
        for layer in &self.base {
            hash.update(format!("{}\n", layer.digest));
        }
        for entry in &self.entries {
            let content = match &entry.content {
                Content::Copy(path) => format!("copy {}", digest(path)?),
                Content::Stripped(path) => format!("stripped {}", digest(path)?),
                Content::Folder | Content::Text(_) | Content::Link(_) => {
                    format!("{:?}", entry.content)
                }
            };
            hash.update(format!("{} {:o} {content}\n", entry.path, entry.mode));
        }
        Ok(hex::encode(hash.finalize())[..16].to_owned())
    }

    /// The image, made now unless the cache has it.
    pub fn make(&self, cache: &Cache) -> Result<Image> {
        let key = self.key()?;
        let archive = cache.keyed("images", &format!("{}-{key}.tar", self.name))?;
        let record = archive.with_extension("json");
        let _lock = cache.lock(&format!("image-{}-{key}", self.name))?;
        if archive.exists() && record.exists() {
            return serde_json::from_slice(&fs::read(&record)?)
                .map(|image: Image| Image { archive, ..image })
                .with_context(|| format!("{} does not describe an image", record.display()));
        }
        let work = tempfile::tempdir_in(cache.root()).context("no folder to make an image in")?;
        let tag = self.tag.clone().unwrap_or(key);
        let repository = format!("{HOST}/{}", self.name);
        let mut layers = self.base.clone();
        layers.push(layer::own(&self.entries, work.path())?);
        let digest = assemble(work.path(), &layers, &self.config, &repository, &tag)?;
        fs::rename(work.path().join("image.tar"), &archive)
            .with_context(|| format!("cannot move the image to {}", archive.display()))?;
        let image = Image { repository, tag, digest, archive };
        fs::write(&record, serde_json::to_vec_pretty(&image)?)
            .with_context(|| format!("cannot write {}", record.display()))?;
        Ok(image)
    }
}

/// The blobs of an image that is being laid out.
struct Blobs(PathBuf);

impl Blobs {
    /// Writes a blob of JSON; its descriptor.
    fn write(&self, media: &str, content: &Value) -> Result<Value> {
        let bytes = content.to_string();
        let hex = hex::encode(Sha256::digest(&bytes));
        fs::write(self.0.join(&hex), &bytes).context("cannot write a blob of an image")?;
        Ok(descriptor(media, &hex, bytes.len() as u64))
    }

    /// Takes a layer in by a link, for some are large; its descriptor. Two equal layers are one blob.
    fn link(&self, layer: &Layer) -> Result<Value> {
        let place = self.0.join(&layer.digest);
        if !place.exists() {
            fs::hard_link(&layer.path, &place)
                .or_else(|_| fs::copy(&layer.path, &place).map(drop))
                .with_context(|| format!("cannot take {} into an image", layer.path.display()))?;
        }
        let size = fs::metadata(&place)?.len();
        let media = "application/vnd.oci.image.layer.v1.tar";
        Ok(descriptor(media, &layer.digest, size))
    }
}

fn descriptor(media: &str, hex: &str, size: u64) -> Value {
    json!({"mediaType": media, "digest": format!("sha256:{hex}"), "size": size})
}

/// The OCI image configuration.
fn configuration(layers: &[Layer], config: &Value) -> Value {
    let diff_ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", layer.digest)).collect();
    json!({
        "created": CREATED,
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    })
}

/// Writes `image.tar` in `work`; returns the digest of the image's manifest.
fn assemble(work: &Path, layers: &[Layer], config: &Value, repository: &str, tag: &str) -> Result<String> {
    let stage = work.join("stage");
    let blobs = Blobs(stage.join("blobs/sha256"));
    fs::create_dir_all(&blobs.0).with_context(|| format!("cannot create {}", blobs.0.display()))?;
    let linked: Vec<Value> = layers.iter().map(|layer| blobs.link(layer)).collect::<Result<_>>()?;
    let media = "application/vnd.oci.image.config.v1+json";
    let config = blobs.write(media, &configuration(layers, config))?;
    let media = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": media, "config": config, "layers": linked});
    let manifest = blobs.write(media, &manifest)?;
    let text = |descriptor: &Value| descriptor["digest"].as_str().unwrap_or_default().to_owned();
    let digest = text(&manifest);
    // One image under two names: by tag, and by digest so that a pod may pin it without a registry.
    let named = |name: String| {
        let mut named = manifest.clone();
        named["annotations"] = json!({"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag});
        named
    };
    let names = [named(format!("{repository}:{tag}")), named(format!("{repository}@{digest}"))];
    let file = |descriptor: &Value| format!("blobs/{}", text(descriptor).replace(':', "/"));
    let docker = json!([{
        "Config": file(&config),
        "RepoTags": [format!("{repository}:{tag}")],
        "Layers": linked.iter().map(file).collect::<Vec<_>>(),
    }]);
    let put = |name: &str, content: Value| {
        fs::write(stage.join(name), content.to_string()).with_context(|| format!("cannot write {name} of an image"))
    };
    put("oci-layout", json!({"imageLayoutVersion": "1.0.0"}))?;
    put("index.json", json!({"schemaVersion": 2, "manifests": names}))?;
    put("manifest.json", docker)?;
    layer::pack(&stage, &[], &work.join("image.tar"))?;
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::node::command::{run, text};

    fn recipe(text: &str) -> Recipe {
        Recipe {
            name: "thing",
            tag: None,
            base: Vec::new(),
            entries: vec![
                Entry::new("bin/hello", 0o755, Content::Text(text.into())),
                Entry::new("bin/hi", 0, Content::Link("hello".into())),
                Entry::new("tmp", 0o1777, Content::Folder),
            ],
            config: json!({"User": "1000:1000"}),
        }
    }

    #[test]
    fn the_same_recipe_gives_the_same_digest_in_any_cache() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cache = Cache::open(Some(one.path())).unwrap();
        let first = recipe("hello").make(&cache).unwrap();
        assert_eq!(recipe("hello").make(&cache).unwrap(), first);
        let other = recipe("hello").make(&Cache::open(Some(two.path())).unwrap()).unwrap();
        assert_eq!((other.digest.as_str(), other.tag.as_str()), (first.digest.as_str(), first.tag.as_str()));
        assert_eq!(digest(&other.archive).unwrap(), digest(&first.archive).unwrap());
        assert_ne!(recipe("bye").make(&cache).unwrap().digest, first.digest);
        assert_eq!(first.pinned(), format!("steppe.local/thing@{}", first.digest));
    }

    #[test]
    fn the_archive_names_its_blobs_truly() {
        let folder = tempfile::tempdir().unwrap();
        let image = recipe("hello").make(&Cache::open(Some(folder.path())).unwrap()).unwrap();
        let out = folder.path().join("out");
        fs::create_dir(&out).unwrap();
        run(Command::new("tar").arg("-xf").arg(&image.archive).arg("-C").arg(&out)).unwrap();
        for blob in fs::read_dir(out.join("blobs/sha256")).unwrap() {
            let path = blob.unwrap().path();
            assert_eq!(digest(&path).unwrap(), path.file_name().unwrap().to_str().unwrap());
        }
        let index: Value = serde_json::from_slice(&fs::read(out.join("index.json")).unwrap()).unwrap();
        let names: Vec<&str> = (0..2)
            .map(|i| index["manifests"][i]["annotations"]["io.containerd.image.name"].as_str().unwrap())
            .collect();
        assert_eq!(names, [image.tagged(), image.pinned()]);
        let docker: Value = serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
        let layer = out.join(docker[0]["Layers"][0].as_str().unwrap());
        let list = text(Command::new("tar").arg("-tvf").arg(layer)).unwrap();
        assert!(list.contains("-rwxr-xr-x 0/0") && list.contains("bin/hi -> hello"), "{list}");
    }
}
