//! Secrets that we hand out: in cookies, links and tokens. The database has their hash only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// 256 random bits. Never printed by accident; [`Secret::text`] is called where it is handed out.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret of these random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bits themselves, for other ways to write them.
    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads a secret that somebody brings back; none when it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The text that is handed out: 43 characters that are safe in links and cookies.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What the database keeps. A plain hash is enough for 256 random bits, and can be looked up by an index without telling
    /// anything by its time.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0).to_vec()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went_out() {
        let secret = Secret::new([7; 32]);
        assert_eq!(Secret::parse(&secret.text()).unwrap().hash(), secret.hash());
        assert_eq!(secret.text().len(), 43);
        assert!(!format!("{secret:?}").contains(&secret.text()));
    }

    #[test]
    fn what_is_none_is_none() {
        for text in ["", "a", "Bw", &"A".repeat(42), &"A".repeat(44), &"ä".repeat(43), &"A".repeat(100_000)] {
            assert!(Secret::parse(text).is_none(), "{} characters", text.len());
        }
    }
}
