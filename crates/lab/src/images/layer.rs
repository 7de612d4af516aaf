//! Layers of images: packed so that the same content gives the same bytes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::node::command::{run, text};

/// All files of our layers are of this date.
const MTIME: &str = "--mtime=@1735689600";

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
        Self { path: path.into(), mode, content }
    }
}

/// Lays out the entries below `work` and packs them.
pub fn own(entries: &[Entry], work: &Path) -> Result<Layer> {
    let root = work.join("root");
    for entry in entries {
        let path = root.join(&entry.path);
        folders(path.parent().unwrap_or(&root))
            .and_then(|()| place(&path, entry))
            .with_context(|| format!("cannot place {} in an image", entry.path))?;
    }
    pack(&root, &[], &work.join("layer.tar"))
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
            run(strip.arg("--strip-debug").arg("-o").arg(path).arg(from)).map_err(std::io::Error::other)?;
        }
        Content::Link(target) => return symlink(target, path),
    }
    fs::set_permissions(path, fs::Permissions::from_mode(entry.mode))
}

/// Packs a folder. The same files give the same bytes: sorted, of one date.
pub fn pack(folder: &Path, exclude: &[&str], out: &Path) -> Result<Layer> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>())
        .with_context(|| format!("cannot list {}", folder.display()))?;
    names.sort();
    let mut tar = Command::new("tar");
    tar.args(["--create", "--format=posix", "--sort=name", MTIME, "--numeric-owner", "--anchored"]);
    // Without these the archive would hold the times of the process that packs.
    tar.arg("--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime");
    tar.args(exclude.iter().map(|pattern| format!("--exclude={pattern}")));
    run(tar.arg("--file").arg(out).arg("--directory").arg(folder).arg("--").args(names))?;
    Ok(Layer { digest: digest(out)?, path: out.to_owned() })
}

/// SHA-256 of a file, by sha256sum: in a debug build our own would take ten times as long.
pub fn digest(path: &Path) -> Result<String> {
    let line = text(Command::new("sha256sum").arg("--").arg(path))?;
    // A name with special characters makes the line begin with a backslash.
    let hex = line.trim_start_matches('\\').split(' ').next().unwrap_or_default().to_owned();
    anyhow::ensure!(hex.len() == 64, "sha256sum printed {line:?}");
    Ok(hex)
}
