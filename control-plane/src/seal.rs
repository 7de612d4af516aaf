//! Secrets at rest: sealed to the platform's key with age, opened only where they are needed.
//!
//! The key is an age identity in a file; the database never sees it. What leaves the database in a backup is of no use
//! without that file.

use age::secrecy::ExposeSecret as _;
use age::x25519;
use secrecy::SecretString;

/// Why something cannot be sealed or opened. Never carries what was to be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key file holds no key. Its text is not shown: it may be a damaged secret.
    #[error("the key file holds no age identity: a line `AGE-SECRET-KEY-1…` is needed, as `age-keygen` writes it")]
    Key,
    /// Encryption failed.
    #[error("sealing failed: {0}")]
    Seal(String),
    /// Decryption failed: damaged, or sealed to another key.
    #[error("what was sealed cannot be opened with this key: {0}")]
    Open(String),
}

/// Seals and opens with one key.
#[derive(Clone)]
pub struct Seal(x25519::Identity);

impl Seal {
    /// Reads a key file: one `AGE-SECRET-KEY-1…` line, comments allowed.
    ///
    /// # Errors
    /// When there is no such line or it is damaged.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        text.lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with('#'))
            .and_then(|line| line.parse().ok())
            .map(Self)
            .ok_or(SealError::Key)
    }

    /// A new key, from the system's randomness: the only source that the age library takes.
    #[must_use]
    pub fn generate() -> Self {
        Self(x25519::Identity::generate())
    }

    /// What others seal to, so that this key opens it: `age1…`.
    #[must_use]
    pub fn recipient(&self) -> String {
        self.0.to_public().to_string()
    }

    /// Encrypts to this key.
    ///
    /// # Errors
    /// When the system's randomness fails.
    pub fn seal(&self, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        age::encrypt(&self.0.to_public(), secret).map_err(|error| SealError::Seal(error.to_string()))
    }

    /// Decrypts what was sealed to this key, binary or in ASCII armour.
    ///
    /// # Errors
    /// See [`SealError::Open`].
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        age::decrypt(&self.0, sealed).map_err(|error| SealError::Open(error.to_string()))
    }

    /// As [`Seal::open`], for texts.
    ///
    /// # Errors
    /// See [`SealError::Open`].
    pub fn open_text(&self, sealed: &[u8]) -> Result<SecretString, SealError> {
        let text = String::from_utf8(self.open(sealed)?);
        text.map(SecretString::from).map_err(|_| SealError::Open("it is no text".to_owned()))
    }

    /// The key itself, sealed to another: for one-time keys that wait in the database.
    ///
    /// # Errors
    /// See [`SealError::Seal`].
    pub fn seal_to(&self, other: &Self) -> Result<Vec<u8>, SealError> {
        other.seal(self.0.to_string().expose_secret().as_bytes())
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seal({})", self.recipient())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn only_the_same_key_opens() {
        let (ours, other) = (Seal::generate(), Seal::generate());
        let sealed = ours.seal(b"canary").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
        assert_eq!(ours.open_text(&sealed).unwrap().expose_secret(), "canary");
        assert!(other.open(&sealed).is_err());
    }

    #[test]
    fn a_one_time_key_waits_sealed() {
        let (ours, once) = (Seal::generate(), Seal::generate());
        let answer = once.seal(b"owner's password").unwrap();
        let waiting = once.seal_to(&ours).unwrap();
        let again = Seal::parse(ours.open_text(&waiting).unwrap().expose_secret()).unwrap();
        assert_eq!(again.open(&answer).unwrap(), b"owner's password");
    }

    #[test]
    fn a_damaged_key_is_not_shown() {
        let error = Seal::parse("AGE-SECRET-KEY-1DAMAGED").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("DAMAGED"));
        assert!(!format!("{:?}", Seal::generate()).contains("SECRET"));
    }
}
