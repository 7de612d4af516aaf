//! Signing and checking a manifest.

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::{KeyId, Signing};

/// Length of `manifest.sig`: a raw Ed25519 signature, as `openssl pkeyutl -verify -rawin -sigfile` takes it.
pub const SIGNATURE_BYTES: usize = 64;

const PEM_BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const PEM_END: &str = "-----END PUBLIC KEY-----";

/// A key or signature is broken, or does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not an Ed25519 public key in PEM.
    #[error("this is no Ed25519 public key in PEM (`-----BEGIN PUBLIC KEY-----`)")]
    PublicKey,
    /// Not an Ed25519 private key in PEM.
    #[error("this is no Ed25519 private key in PKCS #8 PEM: make one with `openssl genpkey -algorithm ed25519`")]
    PrivateKey,
    /// `manifest.sig` has another length than a signature.
    #[error("the signature has {0} bytes instead of 64")]
    Length(usize),
    /// Somebody else signed, or something was changed after signing.
    #[error(
        "the signature was not made over this manifest by key {0}: the bundle is not what it was, or not from there"
    )]
    Mismatch(KeyId),
    /// The manifest names another key than the one that is expected.
    #[error("the manifest names signing key {found}, expected was {expected}")]
    OtherKey {
        /// The id that is trusted.
        expected: KeyId,
        /// The id in the manifest.
        found: KeyId,
    },
}

/// The private half: signs manifests. Debug shows the id only.
pub struct Signer(SigningKey);

/// The public half: checks signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl Signer {
    /// The key that belongs to a secret seed. The seed comes from the caller's source of randomness.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads a private key as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// When the text is something else.
    pub fn from_pem(pem: &str) -> Result<Self, SignatureError> {
        SigningKey::from_pkcs8_pem(pem).map(Self).map_err(|_| SignatureError::PrivateKey)
    }

    /// The private key in PKCS #8 PEM. Secret.
    ///
    /// # Errors
    /// Never for a key that was made here; the encoder's type allows it.
    pub fn to_pem(&self) -> Result<String, SignatureError> {
        self.0.to_pkcs8_pem(LineEnding::LF).map(|pem| pem.to_string()).map_err(|_| SignatureError::PrivateKey)
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The content of `manifest.sig` for these bytes of `manifest.json`.
    #[must_use]
    pub fn sign(&self, manifest: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(manifest).to_bytes()
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.public().id())
    }
}

impl PublicKey {
    /// Reads a public key in PEM, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// When the text is something else.
    pub fn from_pem(pem: &str) -> Result<Self, SignatureError> {
        VerifyingKey::from_public_key_pem(pem.trim()).map(Self).map_err(|_| SignatureError::PublicKey)
    }

    /// Reads a public key as it stands in a manifest: the middle line of the PEM.
    ///
    /// # Errors
    /// When the text is something else.
    pub fn from_base64(line: &str) -> Result<Self, SignatureError> {
        let key = Self::from_pem(&format!("{PEM_BEGIN}\n{line}\n{PEM_END}\n"))?;
        if key.to_base64() == line { Ok(key) } else { Err(SignatureError::PublicKey) }
    }

    /// The key in PEM, for `openssl pkeyutl -verify -pubin`.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }

    /// The middle line of the PEM.
    #[must_use]
    pub fn to_base64(&self) -> String {
        self.to_pem().lines().filter(|line| !line.starts_with('-')).collect()
    }

    /// Its id: over the DER `SubjectPublicKeyInfo`, so that `openssl pkey -pubin -outform DER | sha256sum` shows it too.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.0.to_public_key_der().map(|der| KeyId::of(der.as_bytes())).unwrap_or_else(|_| KeyId::of([]))
    }

    /// What a manifest says about this key.
    #[must_use]
    pub fn signing(&self) -> Signing {
        Signing { algorithm: Signing::ED25519.into(), key_id: self.id(), public_key: self.to_base64() }
    }

    /// Checks the content of `manifest.sig` against the bytes of `manifest.json`.
    ///
    /// # Errors
    /// When it is no signature of this key over these bytes.
    pub fn verify(&self, manifest: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let signature = Signature::from_slice(signature).map_err(|_| SignatureError::Length(signature.len()))?;
        self.0.verify_strict(manifest, &signature).map_err(|_| SignatureError::Mismatch(self.id()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_text_forms() {
        let signer = Signer::from_seed(&[7; 32]);
        let again = Signer::from_pem(&signer.to_pem().unwrap()).unwrap();
        assert_eq!(again.public(), signer.public());
        assert_eq!(PublicKey::from_pem(&signer.public().to_pem()), Ok(signer.public()));
        assert_eq!(PublicKey::from_base64(&signer.public().to_base64()), Ok(signer.public()));
        assert!(!format!("{signer:?}").contains(&hex::encode([7; 32])));
    }

    #[test]
    fn one_changed_bit_is_noticed() {
        let signer = Signer::from_seed(&[7; 32]);
        let signature = signer.sign(b"manifest");
        assert_eq!(signer.public().verify(b"manifest", &signature), Ok(()));
        assert_eq!(
            signer.public().verify(b"manifesT", &signature),
            Err(SignatureError::Mismatch(signer.public().id()))
        );
        let mut other = signature;
        other[63] ^= 1;
        assert!(signer.public().verify(b"manifest", &other).is_err());
        assert_eq!(signer.public().verify(b"manifest", &signature[1..]), Err(SignatureError::Length(63)));
        assert!(Signer::from_seed(&[8; 32]).public().verify(b"manifest", &signature).is_err());
    }
}
