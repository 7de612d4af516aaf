//! The one folder of everything that is built or fetched, shared by all clones of one user.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::cli::Ambient;

/// Where things are kept. Below `root`: `target`, `go/mod`, `go/build`, `bin/CLONE`, `logs/CLONE`, `locks`, and
/// what `steppe-lab` keeps (`tools`, `rootfs`, `images`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    pub root: PathBuf,
    /// Cargo's build output.
    pub target: PathBuf,
    /// The lasting folder; differs from `root` in a cold run only.
    pub lasting: PathBuf,
    /// This clone's name in the shared folder.
    pub clone: String,
    /// Where that lies.
    repository: PathBuf,
}

/// The file that says whose a folder is.
const OF: &str = "of";

impl Cache {
    /// `STEPPE_CACHE`, else the user's cache folder. `CARGO_TARGET_DIR` moves cargo's output only, and not in a
    /// cold run, which must find nothing.
    pub fn locate(ambient: &Ambient, repository: &Path, cold: bool, process: u32) -> anyhow::Result<Self> {
        let lasting = match (&ambient.cache, &ambient.xdg_cache, &ambient.home) {
            (Some(cache), _, _) => cache.clone(),
            (None, Some(caches), _) if caches.is_absolute() => caches.join("steppe"),
            (None, _, Some(home)) => home.join(".cache/steppe"),
            (None, _, None) => bail!("no cache folder: set STEPPE_CACHE, XDG_CACHE_HOME or HOME"),
        };
        let lasting = std::path::absolute(&lasting).with_context(|| format!("cache folder {}", lasting.display()))?;
        let root = if cold { cold_sibling(&lasting, process) } else { lasting.clone() };
        let target = match &ambient.target_dir {
            Some(target) if !cold => std::path::absolute(target)?,
            _ => root.join("target"),
        };
        Ok(Self { root, target, lasting, clone: clone_name(repository), repository: repository.to_owned() })
    }

    pub fn cold(&self) -> bool {
        self.root != self.lasting
    }

    /// Makes the folders we write to ourselves. A cold folder that exists already is refused.
    pub fn create(&self) -> anyhow::Result<()> {
        if self.cold() && self.root.exists() {
            bail!("{} exists already: a cold run needs an empty folder, remove it", self.root.display());
        }
        for folder in [self.bin(), self.logs(), self.root.join("locks"), self.lasting.clone()] {
            std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        }
        let of = self.bin().join(OF);
        std::fs::write(&of, self.repository.as_os_str().as_encoded_bytes())
            .with_context(|| format!("writing {}", of.display()))
    }

    /// Removes the programs and logs of clones that are gone; their names.
    pub fn forget_gone(&self) -> anyhow::Result<Vec<String>> {
        let (bins, mut gone) = (self.root.join("bin"), Vec::new());
        for entry in std::fs::read_dir(&bins).with_context(|| format!("listing {}", bins.display()))? {
            let entry = entry?;
            // One without a note is not ours to judge.
            let Ok(of) = std::fs::read_to_string(entry.path().join(OF)) else { continue };
            if Path::new(&of).exists() {
                continue;
            }
            for folder in [entry.path(), self.root.join("logs").join(entry.file_name())] {
                if folder.exists() {
                    std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
                }
            }
            gone.push(entry.file_name().to_string_lossy().into_owned());
        }
        Ok(gone)
    }

    /// Our built programs: cargo's own folder is overwritten by the next clone that builds.
    pub fn bin(&self) -> PathBuf {
        self.root.join("bin").join(&self.clone)
    }

    pub fn logs(&self) -> PathBuf {
        self.root.join("logs").join(&self.clone)
    }

    pub fn history(&self) -> PathBuf {
        self.lasting.join("history.json")
    }

    /// What every program that we start finds in its environment.
    pub fn variables(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("STEPPE_CACHE", self.root.clone()),
            ("STEPPE_BIN", self.bin()),
            ("CARGO_TARGET_DIR", self.target.clone()),
            ("GOMODCACHE", self.root.join("go/mod")),
            ("GOCACHE", self.root.join("go/build")),
        ]
    }
}

fn cold_sibling(lasting: &Path, process: u32) -> PathBuf {
    let name = lasting.file_name().map_or_else(|| "steppe".into(), |name| name.to_string_lossy().into_owned());
    lasting.with_file_name(format!("{name}-cold-{process}"))
}

/// The folder's name for people, a hash of the whole path for uniqueness.
fn clone_name(repository: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    repository.hash(&mut hasher);
    let name = repository.file_name().map_or_else(|| "root".into(), |name| name.to_string_lossy().into_owned());
    format!("{name}-{:08x}", hasher.finish() >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ambient(cache: Option<&str>, target: Option<&str>) -> Ambient {
        Ambient {
            cache: cache.map(PathBuf::from),
            target_dir: target.map(PathBuf::from),
            ci: None,
            kubeconfig: None,
            test_ground: None,
            test_context: None,
            test_registry: None,
            test_place: None,
            xdg_cache: None,
            home: Some("/home/ada".into()),
            term: None,
        }
    }

    fn locate(ambient: &Ambient, cold: bool) -> Cache {
        Cache::locate(ambient, Path::new("/src/steppe"), cold, 42).unwrap()
    }

    #[test]
    fn the_users_cache_is_the_default() {
        let cache = locate(&ambient(None, None), false);
        assert_eq!(cache.root, Path::new("/home/ada/.cache/steppe"));
        assert_eq!(cache.target, Path::new("/home/ada/.cache/steppe/target"));
        assert!(!cache.cold());
    }

    #[test]
    fn a_target_folder_of_the_user_is_respected() {
        let cache = locate(&ambient(Some("/big"), Some("/fast/target")), false);
        assert_eq!(cache.root, Path::new("/big"));
        assert_eq!(cache.target, Path::new("/fast/target"));
    }

    #[test]
    fn a_cold_run_finds_nothing_but_the_history() {
        let cache = locate(&ambient(Some("/big/steppe"), Some("/fast/target")), true);
        assert_eq!(cache.root, Path::new("/big/steppe-cold-42"));
        assert_eq!(cache.target, Path::new("/big/steppe-cold-42/target"));
        assert_eq!(cache.history(), Path::new("/big/steppe/history.json"));
        assert!(cache.variables().iter().all(|(_, path)| path.starts_with("/big/steppe-cold-42")));
    }

    #[test]
    fn what_a_clone_that_is_gone_has_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let ambient = ambient(folder.path().join("cache").to_str(), None);
        let clone = |name: &str| {
            let repository = folder.path().join(name);
            std::fs::create_dir(&repository).unwrap();
            let cache = Cache::locate(&ambient, &repository, false, 42).unwrap();
            cache.create().unwrap();
            std::fs::write(cache.bin().join("steppe"), "").unwrap();
            cache
        };
        let (kept, gone) = (clone("kept"), clone("gone"));
        std::fs::create_dir(kept.root.join("bin/older")).unwrap();
        assert!(kept.forget_gone().unwrap().is_empty());
        std::fs::remove_dir(folder.path().join("gone")).unwrap();
        assert_eq!(kept.forget_gone().unwrap(), std::slice::from_ref(&gone.clone));
        assert!(!gone.bin().exists() && !gone.logs().exists());
        assert!(kept.bin().join("steppe").exists() && kept.logs().exists() && kept.root.join("bin/older").exists());
    }

    #[test]
    fn clones_of_one_name_are_told_apart() {
        let names = ["/a/steppe", "/b/steppe"].map(|path| clone_name(Path::new(path)));
        assert_ne!(names[0], names[1]);
        assert!(names[0].starts_with("steppe-"));
    }
}
