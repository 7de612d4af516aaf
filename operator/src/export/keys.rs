//! The platform's keys: one signs manifests, one keeps the keys of bundles that have no recipient.

use std::path::Path;

use age::secrecy::{ExposeSecret as _, SecretString};
use bundle::format::Signer;

use crate::clock::Random;
use crate::seal::Identity;

/// The file with the Ed25519 key that signs manifests, PKCS #8 PEM.
pub const SIGNING: &str = "signing.pem";
/// The file with the age identity that bundles' own keys are sealed to.
pub const WRAPPING: &str = "wrapping.txt";

/// The platform's keys. Debug shows public halves only.
#[derive(Debug)]
pub struct PlatformKeys {
    /// Signs manifests.
    pub signer: Signer,
    /// Opens what is kept.
    pub wrapping: Identity,
}

/// Why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; make keys with `steppe-operator keys generate` and name their Secret in the chart")]
pub struct NoKeys(String);

impl PlatformKeys {
    /// Reads both files from a folder, as a Secret is mounted. Read anew for each use, so that keys can be rotated.
    ///
    /// # Errors
    /// When a file is missing or holds no key.
    pub fn read(folder: &Path) -> Result<Self, NoKeys> {
        let file = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).map_err(|e| NoKeys(format!("reading {}: {e}", path.display())))
        };
        let wrong =
            |name: &str, error: &dyn std::fmt::Display| NoKeys(format!("{}: {error}", folder.join(name).display()));
        Ok(Self {
            signer: Signer::from_pem(&file(SIGNING)?).map_err(|e| wrong(SIGNING, &e))?,
            wrapping: Identity::parse(&file(WRAPPING)?).map_err(|e| wrong(WRAPPING, &e))?,
        })
    }

    /// The keys' public halves, for whoever checks bundles.
    #[must_use]
    pub fn public(&self) -> String {
        let signing = self.signer.public();
        format!("signing key {}\n{}wrapping recipient {}\n", signing.id(), signing.to_pem(), self.wrapping.recipient())
    }
}

/// Makes new keys; gives the content of both files.
///
/// # Errors
/// When the system has no randomness to give.
pub fn generate(random: &dyn Random) -> std::io::Result<[(&'static str, SecretString); 2]> {
    let mut seed = [0; 32];
    random.fill(&mut seed)?;
    let signing = Signer::from_seed(&seed).to_pem().map_err(std::io::Error::other)?;
    let wrapping = Identity::generate();
    let text = format!("# public key: {}\n{}\n", wrapping.recipient(), wrapping.secret().expose_secret());
    Ok([(SIGNING, signing.into()), (WRAPPING, text.into())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::fake::SeededRandom;

    #[test]
    fn generated_keys_are_read_back_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        assert!(PlatformKeys::read(folder.path()).unwrap_err().to_string().contains("signing.pem"));
        for (name, content) in generate(&SeededRandom::new(3)).unwrap() {
            std::fs::write(folder.path().join(name), content.expose_secret()).unwrap();
        }
        let keys = PlatformKeys::read(folder.path()).unwrap();
        let shown = format!("{keys:?} {}", keys.public());
        assert!(!shown.contains("SECRET") && !shown.contains("PRIVATE"), "{shown}");
    }
}
