//! One-time age keys, as a customer's program makes them to receive a secret through an object anybody may read.

use std::io::Read as _;

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use anyhow::{Context as _, Result};

/// A one-time key. The public half goes into a spec, the sealed answer comes back in a status.
#[derive(Clone)]
pub struct Claim(Identity);

impl Claim {
    /// A new key.
    #[must_use]
    pub fn new() -> Self {
        Self(Identity::generate())
    }

    /// The public half, `age1…`.
    #[must_use]
    pub fn recipient(&self) -> String {
        self.0.to_public().to_string()
    }

    /// The secret half as an age identity file holds it.
    #[must_use]
    pub fn identity_file(&self) -> String {
        format!("{}\n", self.0.to_string().expose_secret())
    }

    /// Opens what was sealed to it.
    ///
    /// # Errors
    /// When the text is not age armour or sealed to another key.
    pub fn open(&self, sealed: &str) -> Result<String> {
        let decryptor =
            age::Decryptor::new(age::armor::ArmoredReader::new(sealed.as_bytes())).context("not a sealed secret")?;
        let mut reader =
            decryptor.decrypt(std::iter::once(&self.0 as &dyn age::Identity)).context("sealed to another key")?;
        let mut text = String::new();
        reader.read_to_string(&mut text)?;
        Ok(text)
    }
}

impl Default for Claim {
    fn default() -> Self {
        Self::new()
    }
}
