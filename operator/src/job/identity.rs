//! What ties a volume to the server that was born on it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use names::{Handle, Hostname};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::durable;
use super::outcome::Failure;

/// The random id that an instance's identity Secret holds. Who has it may say that a volume is its own.
pub struct BirthId(String);

impl BirthId {
    /// Reads it from the mounted Secret.
    ///
    /// # Errors
    /// When the Secret is not mounted or holds something else.
    pub fn read(secret: &Path) -> Result<Self, Failure> {
        let path = secret.join("birth-id");
        let text = durable::read(&path)
            .map_err(|e| Failure::again(format!("reading the identity Secret at {}", path.display()), e))?
            .ok_or_else(|| Failure::identity(format!("the identity Secret has no birth-id at {}", path.display())))?;
        let text = text.trim();
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Failure::identity("the identity Secret's birth-id is not 64 hexadecimal digits"));
        }
        Ok(Self(text.to_owned()))
    }

    /// What the volume keeps of it: enough to know it again, useless to make it.
    #[must_use]
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }
}

/// `identity.json` at the top of a volume: whose data this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentityFile {
    /// See [`BirthId::digest`].
    pub birth_id_digest: String,
    /// SHA-256 over the owner's public key (DER `SubjectPublicKeyInfo`), hex.
    pub fingerprint: String,
    /// The server's public name.
    pub hostname: Hostname,
    /// The owner's account.
    pub handle: Handle,
    /// When it was made.
    pub born_at: Timestamp,
}

/// The layout of a volume.
///
/// ```text
/// identity.json   whose data this is
/// first-start     the server was let start at least once: the owner may have changed the password
/// work/UID.json   what a piece of work has done
/// d/              the server's own folder, the only thing that the server and a bundle know
/// d.partial/      a birth that has not ended
/// ```
#[derive(Debug, Clone)]
pub struct Volume(PathBuf);

impl Volume {
    /// The volume mounted at `path`.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Its top folder.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.0
    }

    /// The server's own folder.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.0.join("d")
    }

    /// Where a birth builds it.
    #[must_use]
    pub fn partial(&self) -> PathBuf {
        self.0.join("d.partial")
    }

    /// The record of one piece of work.
    #[must_use]
    pub fn marker(&self, work: &str) -> PathBuf {
        self.0.join("work").join(format!("{work}.json"))
    }

    /// Reads `identity.json`.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn identity(&self) -> Result<Option<IdentityFile>, Failure> {
        let path = self.0.join("identity.json");
        let text = durable::read(&path).map_err(|e| Failure::again(format!("reading {}", path.display()), e))?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|e| Failure::identity(format!("{} is damaged: {e}", path.display())))
    }

    /// Writes `identity.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_identity(&self, identity: &IdentityFile) -> Result<(), Failure> {
        let path = self.0.join("identity.json");
        let text = serde_json::to_vec_pretty(identity).map_err(|e| Failure::again("writing identity.json", e))?;
        durable::write(&path, &text, 0o640).map_err(|e| Failure::again(format!("writing {}", path.display()), e))
    }

    /// Whether the server was ever let start.
    #[must_use]
    pub fn was_started(&self) -> bool {
        self.0.join("first-start").exists()
    }

    /// Records that the server is let start.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn mark_started(&self) -> Result<(), Failure> {
        if self.was_started() {
            return Ok(());
        }
        durable::write(&self.0.join("first-start"), b"", 0o640)
            .map_err(|e| Failure::again("recording the first start on the volume", e))
    }

    /// Waits for other work on this volume to end.
    ///
    /// # Errors
    /// When the lock file cannot be made.
    pub fn lock(&self) -> Result<std::fs::File, Failure> {
        durable::lock(&self.0.join(".lock"))
            .map_err(|e| Failure::again(format!("locking the volume at {}", self.0.display()), e))
    }
}
