//! The keys of a workshop: files, which stay when it goes on with another database.

use std::path::PathBuf;

use age::secrecy::ExposeSecret as _;
use anyhow::{Context as _, Result};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use tempfile::TempDir;

/// The file with the platform's own key.
pub(super) fn own(folder: &TempDir) -> Result<PathBuf> {
    let key = folder.path().join("key");
    if !key.exists() {
        std::fs::write(&key, age::x25519::Identity::generate().to_string().expose_secret())?;
    }
    Ok(key)
}

/// A folder with a key that signs staff's tokens.
pub(super) fn staff(folder: &TempDir) -> Result<PathBuf> {
    let keys = folder.path().join("staff-keys");
    std::fs::create_dir_all(&keys)?;
    let pem = SigningKey::from_bytes(&[7; 32]).to_pkcs8_pem(LineEnding::LF).context("a key for staff's tokens")?;
    std::fs::write(keys.join("2026-12.pem"), pem.as_bytes())?;
    Ok(keys)
}
