//! Files that keep all that a program said.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

#[derive(Debug)]
pub struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// A log that cannot be written must not stop what it tells of.
    pub fn line(&mut self, text: &str) {
        writeln!(self.file, "{text}").ok();
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}
