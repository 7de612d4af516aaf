//! Sealing small secrets, so that they can travel through objects that others may read.
//!
//! Sealed is: encrypted to one age X25519 recipient, in ASCII armour. Only who made the recipient's identity can open it.

use std::fmt;
use std::str::FromStr;

use age::secrecy::{ExposeSecret as _, SecretString};
use age::x25519;

/// Why something cannot be sealed or opened. Never carries what was to be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text is no recipient.
    #[error("{0:?} is not an age recipient: it must begin with age1 and its checksum must fit")]
    Recipient(String),
    /// The text is no identity. It is not shown, because it may be a damaged secret.
    #[error("the text is not an age identity: it must begin with AGE-SECRET-KEY-1 and its checksum must fit")]
    Identity,
    /// Encryption failed.
    #[error("sealing failed: {0}")]
    Seal(String),
    /// Decryption failed.
    #[error("the sealed text cannot be opened with this identity: {0}")]
    Open(String),
}

/// A public key that something can be sealed to.
#[derive(Clone)]
pub struct Recipient(x25519::Recipient);

impl Recipient {
    /// Encrypts `secret` to this recipient; ASCII armour.
    ///
    /// # Errors
    /// When encryption fails, which means that the system's randomness failed.
    pub fn seal(&self, secret: &[u8]) -> Result<String, SealError> {
        age::encrypt_and_armor(&self.0, secret).map_err(|e| SealError::Seal(e.to_string()))
    }
}

impl FromStr for Recipient {
    type Err = SealError;

    fn from_str(text: &str) -> Result<Self, SealError> {
        text.parse().map(Self).map_err(|_| SealError::Recipient(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({self})")
    }
}

/// A private key that opens what was sealed to its recipient. Never printed.
#[derive(Clone)]
pub struct Identity(x25519::Identity);

impl Identity {
    /// Makes a new one from the system's randomness (the only source that the age library takes).
    #[must_use]
    pub fn generate() -> Self {
        Self(x25519::Identity::generate())
    }

    /// Reads an identity file: one `AGE-SECRET-KEY-1…` line, comments allowed.
    ///
    /// # Errors
    /// When there is no such line or it is damaged.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        text.lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with('#'))
            .and_then(|line| line.parse().ok())
            .map(Self)
            .ok_or(SealError::Identity)
    }

    /// What can be sealed to it.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }

    /// Its text, as an identity file holds it.
    #[must_use]
    pub fn secret(&self) -> SecretString {
        self.0.to_string()
    }

    /// Opens what was sealed to its recipient, in armour or binary.
    ///
    /// # Errors
    /// When it is damaged or was sealed to another recipient.
    pub fn open(&self, sealed: impl AsRef<[u8]>) -> Result<Vec<u8>, SealError> {
        age::decrypt(&self.0, sealed.as_ref()).map_err(|e| SealError::Open(e.to_string()))
    }

    /// Seals this identity itself to another recipient, so that its owner can open what this one opens.
    ///
    /// # Errors
    /// See [`Recipient::seal`].
    pub fn seal_to(&self, recipient: &Recipient) -> Result<String, SealError> {
        recipient.seal(self.secret().expose_secret().as_bytes())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity(of {})", self.recipient())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_claim_opens_it() {
        let (mine, other) = (Identity::generate(), Identity::generate());
        let sealed = mine.recipient().seal(b"canary").unwrap();
        assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
        assert!(!sealed.contains("canary"));
        assert_eq!(mine.open(&sealed).unwrap(), b"canary");
        assert!(other.open(&sealed).is_err());
    }

    #[test]
    fn a_sealed_identity_opens_what_it_is_for() {
        let (bundle, claim) = (Identity::generate(), Identity::generate());
        let sealed = bundle.seal_to(&claim.recipient()).unwrap();
        let text = String::from_utf8(claim.open(&sealed).unwrap()).unwrap();
        let opened = Identity::parse(&format!("# bundle key\n\n{text}\n")).unwrap();
        assert_eq!(opened.recipient().to_string(), bundle.recipient().to_string());
    }

    #[test]
    fn a_mistyped_recipient_is_refused() {
        let good = Identity::generate().recipient().to_string();
        assert_eq!(good.parse::<Recipient>().unwrap().to_string(), good);
        let mut bad = good.clone();
        bad.replace_range(10..11, if &good[10..11] == "q" { "p" } else { "q" });
        assert!(bad.parse::<Recipient>().is_err());
        assert!("".parse::<Recipient>().is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let identity = Identity::generate();
        let shown = format!("{identity:?}");
        assert!(!shown.contains("AGE-SECRET-KEY"), "{shown}");
        assert!(!format!("{:?}", Identity::parse("AGE-SECRET-KEY-1DAMAGED")).contains("DAMAGED"));
    }
}
