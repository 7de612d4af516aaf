//! Writing an image as a file: layers packed so that the same content gives the same bytes, and around them an OCI
//! layout (containerd reads that, and takes the digest we computed) and a docker-archive (other tools read that) which
//! share all blobs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{HOST, Image};
use crate::cache::Cache;
use crate::node::command::{run, text};

/// All files of our layers are of this date.
const MTIME: &str = "--mtime=@1735689600";
const CREATED: &str = "2025-01-01T00:00:00Z";

/// A packed layer, uncompressed: its digest is also its diff id.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The tar file.
    pub path: PathBuf,
    /// SHA-256 of the tar file, in hexadecimal.
    pub digest: String,
}

/// What a path of a layer is.
#[derive(Clone, Debug)]
pub enum Content {
    /// A folder.
    Folder,
    /// A file with this text.
    Text(String),
    /// A copy of a file of this machine.
    Copy(PathBuf),
    /// A copy of a program of this machine without its debug sections.
    Stripped(PathBuf),
    /// A symbolic link.
    Link(String),
}

/// One path of a layer.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Without the leading slash.
    pub path: String,
    /// Permissions; not of links.
    pub mode: u32,
    /// What is there.
    pub content: Content,
}

impl Entry {
    /// An entry.
    pub fn new(path: &str, mode: u32, content: Content) -> Self {
        Self {
            path: path.into(),
            mode,
            content,
        }
    }
}

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
        layers.push(self.own_layer(work.path())?);
        let digest = assemble(work.path(), &layers, &self.config, &repository, &tag)?;
        fs::rename(work.path().join("image.tar"), &archive)
            .with_context(|| format!("cannot move the image to {}", archive.display()))?;
        let image = Image {
            repository,
            tag,
            digest,
            archive,
        };
        fs::write(&record, serde_json::to_vec_pretty(&image)?)
            .with_context(|| format!("cannot write {}", record.display()))?;
        Ok(image)
    }

    fn own_layer(&self, work: &Path) -> Result<Layer> {
        let root = work.join("root");
        for entry in &self.entries {
            let path = root.join(&entry.path);
            folders(path.parent().unwrap_or(&root))
                .and_then(|()| place(&path, entry))
                .with_context(|| format!("cannot place {} in an image", entry.path))?;
        }
        pack(&root, &[], &work.join("layer.tar"))
    }
}

/// Makes the folders that are missing, readable by all whatever the umask is.
fn folders(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        folders(parent)?;
    }
    fs::create_dir(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn place(path: &Path, entry: &Entry) -> std::io::Result<()> {
    match &entry.content {
        Content::Folder => folders(path)?,
        Content::Text(text) => fs::write(path, text)?,
        Content::Copy(from) => drop(fs::copy(from, path)?),
        Content::Stripped(from) => {
            let mut strip = Command::new("strip");
            run(strip.arg("--strip-debug").arg("-o").arg(path).arg(from))
                .map_err(std::io::Error::other)?;
        }
        Content::Link(target) => return symlink(target, path),
    }
    fs::set_permissions(path, fs::Permissions::from_mode(entry.mode))
}

/// Packs a folder. The same files give the same bytes: sorted, of one date.
pub fn pack(folder: &Path, exclude: &[&str], out: &Path) -> Result<Layer> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name()))
                .collect::<std::io::Result<_>>()
        })
        .with_context(|| format!("cannot list {}", folder.display()))?;
    names.sort();
    let mut tar = Command::new("tar");
    tar.args([
        "--create",
        "--format=posix",
        "--sort=name",
        MTIME,
        "--numeric-owner",
        "--anchored",
    ]);
    // Without these the archive would hold the times of the process that packs.
    tar.arg("--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime");
    tar.args(exclude.iter().map(|pattern| format!("--exclude={pattern}")));
    run(tar
        .arg("--file")
        .arg(out)
        .arg("--directory")
        .arg(folder)
        .arg("--")
        .args(names))?;
    Ok(Layer {
        digest: digest(out)?,
        path: out.to_owned(),
    })
}

/// SHA-256 of a file, by sha256sum: in a debug build our own would take ten times as long.
pub fn digest(path: &Path) -> Result<String> {
    let line = text(Command::new("sha256sum").arg("--").arg(path))?;
    // A name with special characters makes the line begin with a backslash.
    let hex = line
        .trim_start_matches('\\')
        .split(' ')
        .next()
        .unwrap_or_default()
        .to_owned();
    anyhow::ensure!(hex.len() == 64, "sha256sum printed {line:?}");
    Ok(hex)
}

/// Writes `image.tar` in `work`; returns the digest of the image's manifest.
fn assemble(
    work: &Path,
    layers: &[Layer],
    config: &Value,
    repository: &str,
    tag: &str,
) -> Result<String> {
    let stage = work.join("stage");
    let blobs = stage.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("cannot create {}", blobs.display()))?;
    let blob = |media: &str, bytes: &[u8]| -> Result<Value> {
        let hex = hex::encode(Sha256::digest(bytes));
        fs::write(blobs.join(&hex), bytes).context("cannot write a blob of an image")?;
        Ok(descriptor(media, &hex, bytes.len() as u64))
    };
    let mut described = Vec::new();
    for layer in layers {
        let place = blobs.join(&layer.digest);
        // A link, for some layers are large. Two equal layers are one blob.
        if !place.exists() {
            fs::hard_link(&layer.path, &place)
                .or_else(|_| fs::copy(&layer.path, &place).map(drop))?;
        }
        let size = fs::metadata(&place)?.len();
        described.push(descriptor(
            "application/vnd.oci.image.layer.v1.tar",
            &layer.digest,
            size,
        ));
    }
    let diff_ids: Vec<String> = layers
        .iter()
        .map(|layer| format!("sha256:{}", layer.digest))
        .collect();
    let configuration = json!({
        "created": CREATED,
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let configuration = blob(
        "application/vnd.oci.image.config.v1+json",
        configuration.to_string().as_bytes(),
    )?;
    let media = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": media, "config": configuration, "layers": described});
    let manifest = blob(media, manifest.to_string().as_bytes())?;
    let digest = manifest["digest"].as_str().unwrap_or_default().to_owned();
    // One image under two names: by tag, and by digest so that a pod may pin it without a registry.
    let named = |name: String| {
        let mut named = manifest.clone();
        named["annotations"] =
            json!({"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag});
        named
    };
    let names = [
        named(format!("{repository}:{tag}")),
        named(format!("{repository}@{digest}")),
    ];
    let file_of = |described: &Value| {
        described["digest"]
            .as_str()
            .unwrap_or_default()
            .replace(':', "/")
    };
    let files: Vec<String> = described
        .iter()
        .map(|layer| format!("blobs/{}", file_of(layer)))
        .collect();
    let docker = json!([{
        "Config": format!("blobs/{}", file_of(&configuration)),
        "RepoTags": [format!("{repository}:{tag}")],
        "Layers": files,
    }]);
    fs::write(
        stage.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )?;
    fs::write(
        stage.join("index.json"),
        json!({"schemaVersion": 2, "manifests": names}).to_string(),
    )?;
    fs::write(stage.join("manifest.json"), docker.to_string())?;
    pack(&stage, &[], &work.join("image.tar"))?;
    Ok(digest)
}

fn descriptor(media: &str, hex: &str, size: u64) -> Value {
    json!({"mediaType": media, "digest": format!("sha256:{hex}"), "size": size})
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let other = recipe("hello")
            .make(&Cache::open(Some(two.path())).unwrap())
            .unwrap();
        assert_eq!(
            (other.digest.as_str(), other.tag.as_str()),
            (first.digest.as_str(), first.tag.as_str())
        );
        assert_eq!(
            digest(&other.archive).unwrap(),
            digest(&first.archive).unwrap()
        );
        assert_ne!(recipe("bye").make(&cache).unwrap().digest, first.digest);
        assert_eq!(
            first.pinned(),
            format!("steppe.local/thing@{}", first.digest)
        );
    }

    #[test]
    fn the_archive_names_its_blobs_truly() {
        let folder = tempfile::tempdir().unwrap();
        let image = recipe("hello")
            .make(&Cache::open(Some(folder.path())).unwrap())
            .unwrap();
        let out = folder.path().join("out");
        fs::create_dir(&out).unwrap();
        run(Command::new("tar")
            .arg("-xf")
            .arg(&image.archive)
            .arg("-C")
            .arg(&out))
        .unwrap();
        for blob in fs::read_dir(out.join("blobs/sha256")).unwrap() {
            let path = blob.unwrap().path();
            assert_eq!(
                digest(&path).unwrap(),
                path.file_name().unwrap().to_str().unwrap()
            );
        }
        let index: Value =
            serde_json::from_slice(&fs::read(out.join("index.json")).unwrap()).unwrap();
        let names: Vec<&str> = (0..2)
            .map(|i| {
                index["manifests"][i]["annotations"]["io.containerd.image.name"]
                    .as_str()
                    .unwrap()
            })
            .collect();
        assert_eq!(names, [image.tagged(), image.pinned()]);
        let docker: Value =
            serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
        let layer = out.join(docker[0]["Layers"][0].as_str().unwrap());
        let list = text(Command::new("tar").arg("-tvf").arg(layer)).unwrap();
        assert!(
            list.contains("-rwxr-xr-x 0/0") && list.contains("bin/hi -> hello"),
            "{list}"
        );
    }
}
