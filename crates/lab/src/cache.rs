//! The one folder for everything that is built or downloaded once: Cargo's and Go's output, tools, root file systems
//! and images. Clones of the repository share it; locks keep two builders of the same thing apart.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The cache folder.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// Holds one named lock of the cache until it is dropped. The kernel lets go of it when the process dies.
#[derive(Debug)]
pub struct CacheLock {
    _file: File,
}

impl Cache {
    /// Opens the cache at `root`, or at its usual place ([`Cache::usual`]), and creates the folder if it is missing.
    pub fn open(root: Option<&Path>) -> Result<Self> {
        let root = match root {
            Some(root) => root.to_owned(),
            None => Self::usual()?,
        };
        fs::create_dir_all(root.join("locks"))
            .with_context(|| format!("cannot create the cache folder {}", root.display()))?;
        let root = root.canonicalize().with_context(|| format!("cannot resolve {}", root.display()))?;
        Ok(Self { root })
    }

    /// Where the cache is when nobody names it: `STEPPE_CACHE`, else `$XDG_CACHE_HOME/steppe`, else `~/.cache/steppe`.
    #[allow(clippy::disallowed_methods)] // The one door: the cache is found before any configuration is.
    pub fn usual() -> Result<PathBuf> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty()).map(PathBuf::from);
        set("STEPPE_CACHE")
            .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("steppe")))
            .or_else(|| set("HOME").map(|home| home.join(".cache/steppe")))
            .context("no cache folder: set STEPPE_CACHE, or HOME")
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path inside the cache. Nothing is created.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The place of one thing named by the hash of what it is made from: `<kind>/<key>`. The kind's folder is created,
    /// the thing is not: whoever makes it writes beside it and renames, under [`Cache::lock`].
    pub fn keyed(&self, kind: &str, key: &str) -> Result<PathBuf> {
        let folder = self.root.join(kind);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder.join(key))
    }

    /// Waits for the lock called `name` and takes it. Blocks the thread: in asynchronous code take it on a blocking
    /// thread, or where waiting for another process is all there is to do.
    pub fn lock(&self, name: &str) -> Result<CacheLock> {
        let path = self.lock_path(name);
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(CacheLock { _file: file })
    }

    /// Takes the lock called `name` if it is free; `None` when somebody else holds it.
    pub fn try_lock(&self, name: &str) -> Result<Option<CacheLock>> {
        let path = self.lock_path(name);
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(CacheLock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }

    fn lock_path(&self, name: &str) -> PathBuf {
        self.root.join("locks").join(format!("{}.lock", name.replace('/', "-")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_excludes_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap();
        let held = cache.lock("tools/kubernetes").unwrap();
        assert!(cache.try_lock("tools/kubernetes").unwrap().is_none());
        assert!(cache.try_lock("tools/services").unwrap().is_some());
        drop(held);
        assert!(cache.try_lock("tools/kubernetes").unwrap().is_some());
    }

    #[test]
    fn a_keyed_place_has_its_parent() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(&folder.path().join("not/yet"))).unwrap();
        let place = cache.keyed("tools", "abc").unwrap();
        assert!(!place.exists());
        assert!(place.parent().unwrap().is_dir());
    }
}
