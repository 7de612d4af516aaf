//! Recipients and identities: who can open a bundle.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use age::secrecy::{ExposeSecret, SecretString};
use age::x25519;

use crate::format::{Encryption, KeyId};

/// A text is no key, or something cannot be sealed or opened with the keys given.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// No X25519 recipient.
    #[error("`{0}` is no age recipient: `age1…` as `age-keygen` prints it is needed")]
    Recipient(String),
    /// No identity in a key file.
    #[error("the key file holds no age identity: a line `AGE-SECRET-KEY-1…` is needed")]
    NoIdentity,
    /// A line of a key file is broken. The line itself is not shown: it may be a secret with a typing error.
    #[error("line {0} of the key file is no age identity")]
    Identity(usize),
    /// The key file is itself encrypted with a passphrase.
    #[error("the key file is protected by a passphrase: open it first with `age -d KEYFILE > key.txt`")]
    Protected,
    /// Nobody to seal to.
    #[error("no recipient was given: nobody could open the bundle")]
    NoRecipient,
    /// Too many to seal to.
    #[error("{0} recipients were given; {most} are possible", most = Encryption::MAX_RECIPIENTS)]
    TooManyRecipients(usize),
    /// The age library refused.
    #[error("sealing failed: {0}")]
    Seal(#[from] age::EncryptError),
    /// None of the identities fits, or the ciphertext was changed.
    #[error("opening failed: {0}")]
    Open(#[from] age::DecryptError),
}

/// One recipient of a bundle: an age X25519 public key.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(x25519::Recipient);

impl Recipient {
    /// Its id, as it stands in the manifest. `printf %s age1… | sha256sum | cut -c1-32` gives the same.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId::of(self.to_string())
    }
}

impl FromStr for Recipient {
    type Err = SealError;

    fn from_str(text: &str) -> Result<Self, SealError> {
        text.trim().parse().map(Self).map_err(|_| SealError::Recipient(text.trim().chars().take(80).collect()))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({self})")
    }
}

/// The recipients of one bundle: at least one, each once.
#[derive(Debug, Clone)]
pub struct Recipients(Arc<[Recipient]>);

impl Recipients {
    /// A set of recipients; the same one twice counts once.
    ///
    /// # Errors
    /// When there is none, or more than [`Encryption::MAX_RECIPIENTS`].
    pub fn new(recipients: impl IntoIterator<Item = Recipient>) -> Result<Self, SealError> {
        let mut recipients: Vec<_> = recipients.into_iter().collect();
        recipients.sort_by_key(Recipient::id);
        recipients.dedup();
        match recipients.len() {
            0 => Err(SealError::NoRecipient),
            many if many > Encryption::MAX_RECIPIENTS => Err(SealError::TooManyRecipients(many)),
            _ => Ok(Self(recipients.into())),
        }
    }

    /// Their ids, sorted.
    #[must_use]
    pub fn ids(&self) -> Vec<KeyId> {
        self.0.iter().map(Recipient::id).collect()
    }

    /// What the manifest says about them.
    #[must_use]
    pub fn encryption(&self) -> Encryption {
        Encryption { scheme: Encryption::AGE.into(), recipients: self.ids() }
    }

    pub(crate) fn encryptor(&self) -> Result<age::Encryptor, SealError> {
        Ok(age::Encryptor::with_recipients(self.0.iter().map(|recipient| &recipient.0 as &dyn age::Recipient))?)
    }

    /// Seals something small, such as the identity of another key, to all of them. Binary age v1.
    ///
    /// # Errors
    /// When the age library refuses.
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let failed = |error| SealError::Seal(age::EncryptError::Io(error));
        let mut writer = self.encryptor()?.wrap_output(Vec::new()).map_err(failed)?;
        std::io::Write::write_all(&mut writer, plain).map_err(failed)?;
        writer.finish().map_err(failed)
    }
}

/// Identities that may open a bundle. Debug shows ids only.
#[derive(Clone)]
pub struct Identities(Arc<[x25519::Identity]>);

impl Identities {
    /// Reads a key file as `age-keygen` writes it: one `AGE-SECRET-KEY-1…` a line; empty lines and `#` comments are skipped.
    ///
    /// # Errors
    /// When a line is something else, none is there, or the file is itself encrypted.
    pub fn parse(file: &str) -> Result<Self, SealError> {
        if file.starts_with("age-encryption.org/") || file.starts_with("-----BEGIN AGE ENCRYPTED FILE-----") {
            return Err(SealError::Protected);
        }
        let lines =
            file.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let identities = lines
            .map(|(index, line)| line.parse().map_err(|_| SealError::Identity(index + 1)))
            .collect::<Result<Vec<_>, _>>()?;
        if identities.is_empty() { Err(SealError::NoIdentity) } else { Ok(Self(identities.into())) }
    }

    /// The recipients that belong to them.
    #[must_use]
    pub fn recipients(&self) -> Vec<Recipient> {
        self.0.iter().map(|identity| Recipient(identity.to_public())).collect()
    }

    pub(crate) fn as_dyn(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.0.iter().map(|identity| identity as &dyn age::Identity)
    }

    /// Opens something small that was sealed with [`Recipients::seal`] or `age -r`.
    ///
    /// # Errors
    /// When no identity fits or the ciphertext was changed.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut plain = Vec::new();
        let mut reader = age::Decryptor::new(sealed)?.decrypt(self.as_dyn())?;
        std::io::Read::read_to_end(&mut reader, &mut plain).map_err(age::DecryptError::Io)?;
        Ok(plain)
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identities").field(&self.recipients()).finish()
    }
}

/// A key made for one bundle, for customers without a recipient of their own. Keep [`BundleKey::sealed`], hand over the
/// text at download. The randomness is that of the operating system, inside the age library.
#[derive(Debug)]
pub struct BundleKey(Identities);

impl BundleKey {
    /// Makes a new key.
    #[must_use]
    pub fn generate() -> Self {
        Self(Identities(Arc::new([x25519::Identity::generate()])))
    }

    /// The public half.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.0[0].to_public())
    }

    /// The identity, for reading the bundle here.
    #[must_use]
    pub fn identities(&self) -> Identities {
        self.0.clone()
    }

    /// The text of a key file: a comment with the recipient, and the secret.
    #[must_use]
    pub fn key_file(&self) -> SecretString {
        let secret = self.0.0[0].to_string();
        SecretString::from(format!("# public key: {}\n{}\n", self.recipient(), secret.expose_secret()))
    }

    /// The key file, sealed to `keepers`: this may be stored.
    ///
    /// # Errors
    /// When the age library refuses.
    pub fn sealed(&self, keepers: &Recipients) -> Result<Vec<u8>, SealError> {
        keepers.seal(self.key_file().expose_secret().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_file_goes_round_and_debug_keeps_the_secret() {
        let key = BundleKey::generate();
        let text = key.key_file();
        let again = Identities::parse(text.expose_secret()).unwrap();
        assert_eq!(again.recipients(), [key.recipient()]);
        assert!(!format!("{key:?}{again:?}").contains("SECRET"));
        let keeper = BundleKey::generate();
        let sealed = key.sealed(&Recipients::new([keeper.recipient()]).unwrap()).unwrap();
        assert_eq!(keeper.identities().open(&sealed).unwrap(), text.expose_secret().as_bytes());
        assert!(matches!(key.identities().open(&sealed), Err(SealError::Open(age::DecryptError::NoMatchingKeys))));
    }

    #[test]
    fn broken_keys_are_named_without_showing_them() {
        assert!(matches!("age1nonsense".parse::<Recipient>(), Err(SealError::Recipient(_))));
        assert!(matches!(Identities::parse("# only a comment\n"), Err(SealError::NoIdentity)));
        assert!(matches!(Identities::parse("age-encryption.org/v1\n"), Err(SealError::Protected)));
        let error = Identities::parse("\nAGE-SECRET-KEY-1TYPO\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2 of the key file is no age identity");
        assert!(matches!(Recipients::new([]), Err(SealError::NoRecipient)));
    }

    #[test]
    fn the_same_recipient_counts_once() {
        let recipient = BundleKey::generate().recipient();
        let recipients = Recipients::new([recipient.clone(), recipient.clone()]).unwrap();
        assert_eq!(recipients.ids(), [recipient.id()]);
    }
}
