//! The folder that a bundle is extracted into.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Visitor;
use crate::format::{Entry, EntryKind, RelPath};
use crate::root::{Root, Steps};

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It cannot be made, opened or written.
    #[error("the folder `{path}` cannot be used: {error}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// It has something in it. Nothing is ever overwritten.
    #[error("`{0}` is not empty: name a new or empty folder")]
    NotEmpty(PathBuf),
}

/// Puts entries into a folder that was empty: never outside of it, never over anything, never through a symbolic link.
///
/// Entries come through a [`crate::format::Guard`] before; the folder is the second line, and holds alone too.
#[derive(Debug)]
pub struct Target {
    root: Arc<Root>,
    steps: Steps,
    path: PathBuf,
    /// Folders get their permissions and times last, when nothing is put into them any more.
    folders: Vec<(RelPath, u32, u64)>,
}

impl Target {
    /// Makes the folder if needed and opens it. `lost+found` may be in it.
    ///
    /// # Errors
    /// When anything else is in it, or it cannot be made or opened.
    pub fn open(path: &Path) -> Result<Self, TargetError> {
        let unusable = |error| TargetError::Io { path: path.to_owned(), error };
        std::fs::create_dir_all(path).map_err(unusable)?;
        let root = Arc::new(Root::open(path).map_err(unusable)?);
        if !root.is_empty().map_err(unusable)? {
            return Err(TargetError::NotEmpty(path.to_owned()));
        }
        Ok(Self { steps: Steps::new(Arc::clone(&root)), root, path: path.to_owned(), folders: Vec::new() })
    }

    /// Gives the folders their permissions and times and waits until everything is on the disk.
    ///
    /// # Errors
    /// What the system says: the data may then not be complete.
    pub fn close(self) -> Result<(), TargetError> {
        // From the inside out: a folder's time changes when something inside is touched.
        let finish = |(path, mode, mtime): &(RelPath, u32, u64)| self.root.finish_directory(path, *mode, *mtime);
        let finished = self.folders.iter().rev().try_for_each(finish).and_then(|()| self.root.sync());
        finished.map_err(|error| TargetError::Io { path: self.path, error })
    }
}

impl Visitor for Target {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        match &entry.kind {
            EntryKind::Directory => {
                self.steps.create_directory(&entry.path)?;
                self.folders.push((entry.path.clone(), entry.mode, entry.mtime));
                Ok(())
            }
            EntryKind::File { .. } => {
                let mut file = self.steps.create_file(&entry.path)?;
                io::copy(content, &mut file)?;
                Root::finish_file(&file, entry.mode, entry.mtime)
            }
            EntryKind::HardLink { target } => self.steps.link(target, &entry.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, kind: EntryKind) -> Entry {
        Entry { path: RelPath::parse(path.as_bytes()).unwrap(), kind, mode: 0o755, mtime: 1 }
    }

    /// Whoever can write into the target during extraction gains nothing by it.
    #[test]
    fn symbolic_links_planted_during_extraction_lead_nowhere() {
        let room = tempfile::tempdir().unwrap();
        let (path, outside) = (room.path().join("target"), room.path().join("outside"));
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("secret"), "s").unwrap();
        let mut target = Target::open(&path).unwrap();
        std::os::unix::fs::symlink(&outside, path.join("folder")).unwrap();
        std::os::unix::fs::symlink(outside.join("new"), path.join("file")).unwrap();
        let mut put = |path, kind| target.entry(&entry(path, kind), &mut b"x".as_slice());
        put("folder/file", EntryKind::File { size: 1 }).unwrap_err();
        put("folder/sub", EntryKind::Directory).unwrap_err();
        put("folder", EntryKind::Directory).unwrap_err();
        put("file", EntryKind::File { size: 1 }).unwrap_err();
        let secret = RelPath::parse(b"folder/secret").unwrap();
        put("link", EntryKind::HardLink { target: secret }).unwrap_err();
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
        assert_eq!(std::fs::read(outside.join("secret")).unwrap(), b"s");
        assert!(!path.join("link").exists());
    }

    #[test]
    fn nothing_is_overwritten() {
        let room = tempfile::tempdir().unwrap();
        let mut target = Target::open(room.path()).unwrap();
        target.entry(&entry("a", EntryKind::File { size: 1 }), &mut b"1".as_slice()).unwrap();
        target.entry(&entry("a", EntryKind::File { size: 1 }), &mut b"2".as_slice()).unwrap_err();
        let first = RelPath::parse(b"a").unwrap();
        target.entry(&entry("a", EntryKind::HardLink { target: first }), &mut b"".as_slice()).unwrap_err();
        assert_eq!(std::fs::read(room.path().join("a")).unwrap(), b"1");
        assert!(matches!(Target::open(room.path()), Err(TargetError::NotEmpty(_))));
    }
}
