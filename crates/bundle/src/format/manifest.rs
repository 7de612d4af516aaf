//! The manifest: what a bundle contains, how much of it, and how to know that nothing is missing.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::{Digest, Invalid, KeyId, ObjectName, SegmentRecord, canonical};

/// The whole of `manifest.json`.
///
/// Fields that a reader does not know are ignored: a minor version only adds what may be ignored. Whatever a reader must
/// understand raises the major version, and [`Manifest::parse`] refuses an unknown one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always [`Manifest::FORMAT`].
    pub format: String,
    /// Version of the format.
    pub version: Version,
    /// The bundle's own id: the uid of the export that made it.
    pub bundle: Uuid,
    /// Whose data it is.
    pub instance: Instance,
    /// The software that can read the data.
    pub software: Software,
    /// When the copy was finished.
    pub created_at: Timestamp,
    /// How long the server was stopped for the copy, and what that cost.
    pub freeze: Freeze,
    /// How much there is.
    pub counts: Counts,
    /// What was found in the source and left out, because the format cannot carry it.
    pub skipped: SkippedList,
    /// The data, in order: a later segment may hold hard links to files of an earlier one.
    pub segments: Vec<SegmentRecord>,
    /// Files that help to restore; not encrypted.
    pub kit: Vec<KitFile>,
    /// How the parts are encrypted.
    pub encryption: Encryption,
    /// Which key signed this manifest.
    pub signing: Signing,
}

/// Version of the format, written `"1.0"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Raised by a change that older readers must not ignore.
    pub major: u32,
    /// Raised by an addition that older readers may ignore.
    pub minor: u32,
}

/// Whose data it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Uid of the Instance object.
    pub uid: Uuid,
    /// Public host name, lower case ASCII: the data works under this name only.
    pub hostname: String,
    /// Fingerprints of the keys that other servers know the accounts by.
    pub actor_keys: Vec<ActorKey>,
}

/// The key by which other servers know one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorKey {
    /// The account's local name.
    pub actor: String,
    /// SHA-256 over the public key's DER `SubjectPublicKeyInfo`.
    pub sha256: Digest,
}

/// The software that can read the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Software {
    /// `snac`, `mastodon`, …: lower case letters, digits and `-`.
    pub flavour: String,
    /// Its version as it names it itself, for example `2.75`: letters, digits and `.+~_-`.
    pub version: String,
}

/// How long the server was stopped for the copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// From the last answer of the server to its next start, in milliseconds. 0: it was not stopped.
    pub milliseconds: u64,
    /// What was lost by the stop. Empty: nothing.
    pub cut: Vec<Cut>,
}

/// One kind of thing that was lost by the stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// In words, for example `pending deliveries`.
    pub what: String,
    /// How many.
    pub count: u64,
}

/// How much there is. The last four are exact and checked at extraction; users and posts are the flavour's own counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Local accounts.
    pub users: u64,
    /// Posts of local accounts.
    pub posts: u64,
    /// Regular files.
    pub files: u64,
    /// Folders.
    pub directories: u64,
    /// Further names of files.
    pub hard_links: u64,
    /// Bytes of content of all files.
    pub bytes: u64,
}

/// What was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedList {
    /// How many things altogether.
    pub total: u64,
    /// The first [`SkippedList::LISTED`] of them.
    pub listed: Vec<Skipped>,
}

/// One thing that was left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skipped {
    /// Its path; bytes that are not UTF-8 are escaped as `\xNN`.
    pub path: String,
    /// Why, for example `symbolic link`.
    pub why: String,
}

/// A file that helps to restore, stored as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KitFile {
    /// Its name, at the top of the bundle.
    pub name: ObjectName,
    /// Length in bytes, at most [`KitFile::MAX`].
    pub size: u64,
    /// SHA-256 over its bytes.
    pub sha256: Digest,
}

/// How the parts are encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// Always [`Encryption::AGE`].
    pub scheme: String,
    /// Ids of the recipients. Each of them can open every segment alone.
    pub recipients: Vec<KeyId>,
}

/// Which key signed the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signing {
    /// Always [`Signing::ED25519`].
    pub algorithm: String,
    /// Id of the public key.
    pub key_id: KeyId,
    /// The public key: base64 of its DER `SubjectPublicKeyInfo`, that is the middle line of its PEM. Inside the signed
    /// bytes it proves nothing by itself: trust comes from a key or a key id that the reader has from elsewhere.
    pub public_key: String,
}

/// The bytes are no manifest that this program may use.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Too big to be read at all.
    #[error("the manifest has {0} bytes; at most {max} are read", max = Manifest::MAX_BYTES)]
    TooLarge(usize),
    /// No JSON of this shape.
    #[error("the manifest cannot be read: {0}")]
    Shape(#[from] serde_json::Error),
    /// Another format.
    #[error("the manifest is of format `{}`, not `{}`", .0.escape_default(), Manifest::FORMAT)]
    Format(String),
    /// A major version that came after this program.
    #[error("the bundle has format version {0}; this program reads {major}.x: use a newer steppe-bundle", major = Version::CURRENT.major)]
    Version(Version),
    /// Readable, but not written in the canonical form.
    #[error(
        "the manifest is not in canonical form: it was changed, or written by a program that does not follow the format"
    )]
    NotCanonical,
    /// It contradicts itself or breaks a limit.
    #[error("the manifest is not valid: {0}")]
    Invalid(#[from] Invalid),
}

impl Manifest {
    /// The format's name.
    pub const FORMAT: &str = "steppe-bundle";
    /// Longest manifest that is read. [`Manifest::MAX_PARTS`] parts need about 40 MiB.
    pub const MAX_BYTES: usize = 64 << 20;
    /// Most parts of all segments together: 2 TiB of ciphertext.
    pub const MAX_PARTS: usize = 262_144;
    /// Most segments.
    pub const MAX_SEGMENTS: usize = 65_536;
    /// Most kit files, actor keys or kinds of cuts.
    pub const MAX_LIST: usize = 100_000;

    /// The bytes of `manifest.json`: these are stored, signed, and hashed.
    ///
    /// # Errors
    /// When the manifest breaks a rule that [`Manifest::parse`] would refuse it for.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        self.check()?;
        let bytes = canonical(&serde_json::to_value(self)?);
        if bytes.len() > Self::MAX_BYTES {
            return Err(ManifestError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    }

    /// Reads a manifest. Checks format, version, canonical form, names, sums and limits, but not the signature:
    /// see [`super::PublicKey::verify`].
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: Version,
        }
        if bytes.len() > Self::MAX_BYTES {
            return Err(ManifestError::TooLarge(bytes.len()));
        }
        let head: Head = serde_json::from_slice(bytes)?;
        if head.format != Self::FORMAT {
            return Err(ManifestError::Format(head.format.chars().take(80).collect()));
        }
        if head.version.major != Version::CURRENT.major {
            return Err(ManifestError::Version(head.version));
        }
        let manifest: Self = serde_json::from_slice(bytes)?;
        if canonical(&serde_json::from_slice(bytes)?) != bytes {
            return Err(ManifestError::NotCanonical);
        }
        manifest.check()?;
        Ok(manifest)
    }

    /// The digest that names the whole bundle: SHA-256 over the manifest's bytes.
    #[must_use]
    pub fn digest(bytes: &[u8]) -> Digest {
        Digest::of(bytes)
    }

    /// Every object that must be there besides `manifest.json` and `manifest.sig`: name, size, digest; the kit first.
    pub fn objects(&self) -> impl Iterator<Item = (&ObjectName, u64, Digest)> {
        let kit = self.kit.iter().map(|k| (&k.name, k.size, k.sha256));
        kit.chain(self.segments.iter().flat_map(|s| &s.parts).map(|p| (&p.name, p.size, p.sha256)))
    }

    /// Bytes of all objects that [`Manifest::objects`] names.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.objects().fold(0, |sum, (_, size, _)| sum.saturating_add(size))
    }
}

impl KitFile {
    /// Longest kit file: 8 MiB.
    pub const MAX: u64 = 8 << 20;

    /// The record of a kit file with this content.
    #[must_use]
    pub fn of(name: ObjectName, content: &[u8]) -> Self {
        Self { name, size: content.len() as u64, sha256: Digest::of(content) }
    }
}

impl SkippedList {
    /// How many are listed by name.
    pub const LISTED: usize = 100;

    /// Adds one.
    pub fn push(&mut self, skipped: Skipped) {
        self.total += 1;
        if self.listed.len() < Self::LISTED {
            self.listed.push(skipped);
        }
    }
}

impl Encryption {
    /// Each segment is one binary age v1 file to X25519 recipients.
    pub const AGE: &str = "age-v1";
    /// Most recipients. With them the header of an age file stays below 16 KiB, the most that is read.
    pub const MAX_RECIPIENTS: usize = 64;
}

impl Signing {
    /// Pure Ed25519 (RFC 8032) over the bytes of `manifest.json`; 64 bytes in `manifest.sig`.
    pub const ED25519: &str = "ed25519";
}

impl Version {
    /// The version that this program writes.
    pub const CURRENT: Self = Self { major: 1, minor: 0 };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let number = |text: &str| text.parse::<u32>().ok().filter(|n| n.to_string() == text);
        let (major, minor) = text.split_once('.').ok_or("a version is written MAJOR.MINOR")?;
        let parsed = number(major).zip(number(minor));
        parsed.map(|(major, minor)| Self { major, minor }).ok_or("a version is written MAJOR.MINOR")
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
