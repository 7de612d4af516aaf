//! A folder as it is on the disk: what is where, and which names are the same file.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use bundle::format::Digest;

/// Everything in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    /// Folders, by path.
    pub folders: BTreeSet<PathBuf>,
    /// Files by path, with their content's length and digest.
    pub files: BTreeMap<PathBuf, (u64, Digest)>,
    /// Names of one file each, where it has more than one.
    pub links: BTreeSet<BTreeSet<PathBuf>>,
}

impl Tree {
    /// Reads a folder; `skip` are paths in it that are left out.
    ///
    /// # Errors
    /// When something in it cannot be read.
    pub fn read(root: &Path, skip: &[&str]) -> Result<Self> {
        let mut tree = Self::default();
        let mut inodes: BTreeMap<u64, BTreeSet<PathBuf>> = BTreeMap::new();
        let mut open = vec![PathBuf::new()];
        while let Some(folder) = open.pop() {
            let entries = std::fs::read_dir(root.join(&folder)).with_context(|| format!("in {}", root.display()))?;
            for entry in entries {
                let entry = entry?;
                let (path, meta) = (folder.join(entry.file_name()), entry.metadata()?);
                if skip.iter().any(|skip| Path::new(skip) == path) {
                    continue;
                }
                if meta.is_dir() {
                    tree.folders.insert(path.clone());
                    open.push(path);
                } else {
                    let content = std::fs::read(entry.path()).with_context(|| path.display().to_string())?;
                    tree.files.insert(path.clone(), (meta.len(), Digest::of(&content)));
                    inodes.entry(meta.ino()).or_default().insert(path);
                }
            }
        }
        tree.links = inodes.into_values().filter(|names| names.len() > 1).collect();
        Ok(tree)
    }

    /// How many files there are, each counted once however many names it has.
    #[must_use]
    pub fn inodes(&self) -> usize {
        self.files.len() - self.links.iter().map(|names| names.len() - 1).sum::<usize>()
    }
}
