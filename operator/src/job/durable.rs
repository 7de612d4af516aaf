//! Files that are either there in full or not at all, whatever is killed when.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Replaces a file: a reader sees the old content or the new one, and after this returns the new one survives a crash.
///
/// # Errors
/// What the system says; then the old file is as it was.
pub fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let partial = sibling(path);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&partial)?;
    // A file that an earlier run left behind keeps its own mode, and a new one loses bits to the umask.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&partial, path)?;
    sync_folder_of(path)
}

/// Renames and makes it last.
///
/// # Errors
/// What the system says.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder_of(to)
}

/// Makes everything below a folder, and the folder itself, last.
///
/// # Errors
/// What the system says.
pub fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync_tree(&entry.path())?;
        } else if kind.is_file() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}

/// Reads a file that may be missing.
///
/// # Errors
/// What the system says, other than that it is not there.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a folder with all in it, if it is there.
///
/// # Errors
/// What the system says, other than that it is not there.
pub fn remove_tree(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Waits until no other program works on the same data; held until dropped. A program that is killed lets go.
///
/// # Errors
/// What the system says.
pub fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.lock()?;
    Ok(file)
}

fn sibling(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".steppe-partial");
    path.with_file_name(name)
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_file_of_an_earlier_run_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("user.json");
        fs::write(folder.path().join("user.json.steppe-partial"), "half of something longer").unwrap();
        write(&path, b"whole", 0o660).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), "whole");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn missing_things_are_no_errors() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("none")).unwrap(), None);
        remove_tree(&folder.path().join("none")).unwrap();
    }
}
