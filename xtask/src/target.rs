//! The build folder that clones share. Cargo names what it builds after the package and not after where that lies, so two
//! clones' own crates have the same names there: who builds after another clone forgets what that one built of them, and what
//! was built is kept apart before the next one builds.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cache::Cache;
use crate::cargo::Executable;

/// Whose crates are in the folder.
const OWNER: &str = "built-by";

/// Makes the folder this clone's: with another's fingerprints there, cargo would take its crates for ours when our files
/// are older. To be called by who holds the build lock.
pub fn claim(target: &Path, root: &Path, packages: &[String]) -> anyhow::Result<()> {
    let owner = target.join(OWNER);
    let mine = root.display().to_string();
    match fs::read_to_string(&owner) {
        Ok(text) if text == mine => return Ok(()),
        Ok(_) => forget(target, packages)?,
        Err(error) if error.kind() == ErrorKind::NotFound => forget(target, packages)?,
        Err(error) => return Err(error).with_context(|| format!("reading {}", owner.display())),
    }
    fs::create_dir_all(target)?;
    fs::write(&owner, mine).with_context(|| format!("writing {}", owner.display()))
}

/// Removes cargo's fingerprints of these packages, in every profile; cargo then builds them anew. The executables go too: all
/// are ours, will be linked anew, and under another name when a dependency has changed. Clones that keep theirs have links.
fn forget(target: &Path, packages: &[String]) -> anyhow::Result<()> {
    for profile in folders(target)? {
        for file in executables(&profile.join("deps"))? {
            fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
        }
        for print in folders(&profile.join(".fingerprint"))? {
            let name = print.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let package = name.rsplit_once('-').map_or(name.as_str(), |(package, _)| package);
            if packages.iter().any(|ours| ours == package) {
                fs::remove_dir_all(&print).with_context(|| format!("removing {}", print.display()))?;
            }
        }
    }
    Ok(())
}

fn folders(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// Libraries and what is noted of them have an extension.
fn executables(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.extension().is_none() && path.is_file()).collect())
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("listing {}", folder.display())),
    };
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Puts programs and test programs where no other clone's build replaces them, and says where they are now. Test
/// programs lie one folder below the programs, as in cargo's own folder.
pub fn keep(cache: &Cache, built: Vec<Executable>) -> anyhow::Result<Vec<Executable>> {
    let (programs, tests) = (cache.bin(), cache.bin().join("tests"));
    fs::create_dir_all(&tests).with_context(|| format!("making {}", tests.display()))?;
    let place = |mut one: Executable| {
        let kept = match (one.test, one.kind.as_str()) {
            (true, _) => tests.join(one.path.file_name().unwrap_or_default()),
            (false, "bin") => programs.join(&one.target),
            (false, _) => return Ok(one),
        };
        link(&one.path, &kept)?;
        one.path = kept;
        Ok(one)
    };
    built.into_iter().map(place).collect()
}

/// A link where that is possible: the programs are large.
fn link(from: &Path, to: &Path) -> anyhow::Result<()> {
    if to.exists() {
        fs::remove_file(to).with_context(|| format!("replacing {}", to.display()))?;
    }
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_clones_crates_are_not_taken_for_ours() {
        let folder = tempfile::tempdir().unwrap();
        let prints = folder.path().join("debug/.fingerprint");
        let there = |name: &str| prints.join(name).is_dir();
        let build = || {
            ["names-0f0f", "control-plane-0f0f", "serde-0f0f"]
                .map(|name| fs::create_dir_all(prints.join(name)).unwrap())
        };
        let ours = ["names".to_owned(), "control-plane".to_owned()];
        let deps = folder.path().join("debug/deps");
        fs::create_dir_all(&deps).unwrap();
        for name in ["light_purge-0f0f", "libserde-0f0f.rlib"] {
            fs::write(deps.join(name), "").unwrap();
        }
        build();
        claim(folder.path(), Path::new("/a/steppe"), &ours).unwrap();
        assert!(
            !there("names-0f0f") && !there("control-plane-0f0f") && there("serde-0f0f"),
            "nobody knows whose they were"
        );
        assert!(!deps.join("light_purge-0f0f").exists() && deps.join("libserde-0f0f.rlib").exists());
        build();
        claim(folder.path(), Path::new("/a/steppe"), &ours).unwrap();
        assert!(there("names-0f0f"), "its own are kept");
        claim(folder.path(), Path::new("/b/steppe"), &ours).unwrap();
        assert!(!there("names-0f0f") && there("serde-0f0f"));
    }

    #[test]
    fn a_kept_program_survives_the_next_build() {
        let folder = tempfile::tempdir().unwrap();
        let (built, kept) = (folder.path().join("built"), folder.path().join("kept"));
        fs::write(&built, "one").unwrap();
        link(&built, &kept).unwrap();
        fs::remove_file(&built).unwrap();
        fs::write(&built, "another clone's").unwrap();
        assert_eq!(fs::read_to_string(&kept).unwrap(), "one");
        link(&built, &kept).unwrap();
        assert_eq!(fs::read_to_string(&kept).unwrap(), "another clone's");
    }
}
