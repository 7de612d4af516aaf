//! A bundle, downloaded as its owner would, and opened from outside.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use bundle::format::{Counts, Limits, Manifest, PublicKey};
use bundle::seal::Identities;
use bundle::stream::{self, Folder, Trust};
use crd::{Bundle, Export};
use lab::demo::Cell;
use lab::download;

/// A bundle whose signature and content were found good.
#[derive(Debug)]
pub struct Taken {
    /// The folder it lies in.
    pub folder: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// What an export made.
///
/// # Errors
/// When it made nothing.
pub fn made(export: &Export) -> Result<Bundle> {
    let status = export.status.clone().unwrap_or_default();
    status.bundle.with_context(|| format!("no bundle: {:?}", status.work))
}

impl Taken {
    /// Downloads what an export made to `folder`, checks that it is signed by the cell's key and reads all of it.
    ///
    /// # Errors
    /// When it is not what the export's status and its own manifest say.
    pub async fn from(cell: &Cell, export: &Export, folder: &Path) -> Result<Self> {
        let made = made(export)?;
        download::folder(&cell.bucket, &made.prefix, folder).await?;
        let source = Folder::new(folder.to_owned());
        let trust = Trust::Key(PublicKey::from_pem(&cell.public_key)?);
        let opened = stream::open(&source, &trust).await?;
        ensure!(opened.digest.to_string() == made.manifest_digest, "another manifest than the status names");
        ensure!(opened.manifest.counts.files == made.files, "{:?} and {made:?}", opened.manifest.counts);
        stream::verify(&source, &opened.manifest, |_| {}).await?;
        Ok(Self { folder: folder.to_owned(), manifest: opened.manifest })
    }

    /// Reads all data with the keys of a key file's text.
    ///
    /// # Errors
    /// When they do not open it.
    pub async fn opens(&self, key_file: &str) -> Result<Counts> {
        let identities = Identities::parse(key_file)?;
        let source = Folder::new(self.folder.clone());
        let limits = Limits::signed(&self.manifest);
        Ok(stream::list(&source, &self.manifest, &identities, limits, |_| {}).await?)
    }
}
