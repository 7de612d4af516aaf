//! A folder held open by a handle: nothing done through it can leave it, whatever symbolic links somebody puts inside.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, fchmod, fstatat, futimens, mkdirat};
use nix::sys::time::TimeSpec;
use nix::unistd::{linkat, syncfs};

use crate::format::RelPath;

/// The folder. Each path is walked component by component without following links, so a link inside is an error
/// (`ELOOP` or `ENOTDIR`), never a way out.
#[derive(Debug)]
pub struct Root(OwnedFd);

const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

impl Root {
    /// Opens a folder. `path` itself may be reached through links: it is the caller's choice.
    ///
    /// # Errors
    /// When it is missing, no folder, or not readable.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self(open(path, flags, Mode::empty())?))
    }

    /// Opens a folder inside; `None` is the root itself.
    ///
    /// # Errors
    /// When it is missing or not a folder all the way.
    pub fn directory(&self, path: Option<&RelPath>) -> io::Result<OwnedFd> {
        let mut here = openat(&self.0, ".", OFlag::O_RDONLY | DIRECTORY, Mode::empty())?;
        for name in path.into_iter().flat_map(RelPath::components) {
            here = openat(&here, name, OFlag::O_RDONLY | DIRECTORY, Mode::empty())?;
        }
        Ok(here)
    }

    /// Gives a file that was just written its permissions and time.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish_file(file: &File, mode: u32, mtime: u64) -> io::Result<()> {
        fchmod(file, Mode::from_bits_truncate(mode & 0o777))?;
        let time = TimeSpec::new(i64::try_from(mtime).unwrap_or(i64::MAX), 0);
        Ok(futimens(file, &time, &time)?)
    }

    /// Gives a folder its permissions and time; to be done when nothing more is put into it.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish_directory(&self, path: &RelPath, mode: u32, mtime: u64) -> io::Result<()> {
        let directory = File::from(self.directory(Some(path))?);
        Self::finish_file(&directory, mode, mtime)
    }

    /// Whether nothing is in it. A `lost+found`, which every fresh ext4 volume has, does not count.
    ///
    /// # Errors
    /// What the system says.
    pub fn is_empty(&self) -> io::Result<bool> {
        Ok(names(self.directory(None)?)?.iter().all(|name| name == b"lost+found"))
    }

    /// Waits until everything written is on the disk.
    ///
    /// # Errors
    /// What the system says: the data may then not be there.
    pub fn sync(&self) -> io::Result<()> {
        Ok(syncfs(&self.0)?)
    }
}

/// Walks through a root and remembers the folder of the last path: neighbours follow each other in a bundle, and opening
/// every folder on the way again for each file would cost more than the file.
#[derive(Debug)]
pub struct Steps {
    root: Arc<Root>,
    here: Option<(Option<RelPath>, OwnedFd)>,
}

impl Steps {
    /// Begins at the root.
    pub fn new(root: Arc<Root>) -> Self {
        Self { root, here: None }
    }

    fn parent(&mut self, path: &RelPath) -> io::Result<&OwnedFd> {
        let parent = path.parent();
        let here = match self.here.take() {
            Some(here) if here.0 == parent => here,
            _ => {
                let directory = self.root.directory(parent.as_ref())?;
                (parent, directory)
            }
        };
        Ok(&self.here.insert(here).1)
    }

    /// Opens a file for reading. Does not hang on a FIFO; what was opened must be checked by its metadata.
    ///
    /// # Errors
    /// When it is missing, a symbolic link, or not readable.
    pub fn file(&mut self, path: &RelPath) -> io::Result<File> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        Ok(File::from(openat(self.parent(path)?, path.name(), flags, Mode::empty())?))
    }

    /// Makes a new file for writing, readable by nobody else until [`Root::finish_file`].
    ///
    /// # Errors
    /// When anything of this name is there.
    pub fn create_file(&mut self, path: &RelPath) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(File::from(openat(self.parent(path)?, path.name(), flags, Mode::S_IRUSR | Mode::S_IWUSR)?))
    }

    /// Makes a folder that only its owner can use until [`Root::finish_directory`].
    ///
    /// # Errors
    /// When anything of this name is there.
    pub fn create_directory(&mut self, path: &RelPath) -> io::Result<()> {
        Ok(mkdirat(self.parent(path)?, path.name(), Mode::S_IRWXU)?)
    }

    /// Makes `path` a further name of the file `target`.
    ///
    /// # Errors
    /// When `target` is missing or `path` is there.
    pub fn link(&mut self, target: &RelPath, path: &RelPath) -> io::Result<()> {
        let from = self.root.directory(target.parent().as_ref())?;
        let to = self.parent(path)?;
        // No AT_SYMLINK_FOLLOW: the name itself is linked, whatever it is.
        Ok(linkat(from, target.name(), to, path.name(), AtFlags::empty())?)
    }
}

/// Names in an open folder, sorted by their bytes, without `.` and `..`.
///
/// # Errors
/// What the system says.
pub fn names(directory: OwnedFd) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::from_fd(directory)?.iter() {
        let entry = entry?;
        match entry.file_name().to_bytes() {
            b"." | b".." => {}
            name => names.push(name.to_vec()),
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// What `name` in an open folder is, without following it. `None`: it is gone.
///
/// # Errors
/// What the system says.
pub fn stat(directory: &OwnedFd, name: &std::ffi::OsStr) -> io::Result<Option<FileStat>> {
    match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::ENOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens the folder `name` in an open folder, without following a link.
///
/// # Errors
/// When it is missing or no folder.
pub fn open_child(directory: &OwnedFd, name: &std::ffi::OsStr) -> io::Result<OwnedFd> {
    Ok(openat(directory, name, OFlag::O_RDONLY | DIRECTORY, Mode::empty())?)
}
