//! Short names of keys.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Digest;

/// The short name of a public key: the first 128 bits of a SHA-256 digest, as 32 lower-case hexadecimal digits.
///
/// Of an age recipient it is the digest of its text (`age1…`, no newline), of a signing key that of its DER
/// `SubjectPublicKeyInfo`. 128 bits cannot be hit a second time on purpose, so an id is enough to pin a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 16]);

/// The text is no key id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a key id: 32 lower-case hexadecimal digits are needed")]
pub struct KeyIdError(String);

impl KeyId {
    /// The id of a key given as the bytes that stand for it (see the type).
    #[must_use]
    pub fn of(public: impl AsRef<[u8]>) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&Digest::of(public).as_bytes()[..16]);
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let wrong = || KeyIdError(text.chars().take(80).collect());
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(wrong());
        }
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id).map_err(|_| wrong())?;
        Ok(Self(id))
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
