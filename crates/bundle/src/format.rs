//! The format itself: what a bundle's manifest says, how it is written down and signed, and what an archive may contain.
//!
//! Pure: no runtime, no file system, no network, no clock. `docs/bundle-format.md` says the same in words.

mod canonical;
mod digest;
mod entry;
mod guard;
mod key;
mod manifest;
mod name;
mod path;
mod segment;
mod signature;
mod validity;

pub use canonical::canonical;
pub use digest::Digest;
pub use entry::{Entry, EntryKind};
pub use guard::{Guard, Hostile, Limits};
pub use key::{KeyId, KeyIdError};
pub use manifest::{
    ActorKey, Counts, Cut, Encryption, Freeze, Instance, KitFile, Manifest, ManifestError, Signing, Skipped,
    SkippedList, Software, Version,
};
pub use name::{NameError, ObjectName};
pub use path::{PathError, RelPath};
pub use segment::{PartRecord, SegmentRecord};
pub use signature::{PublicKey, SIGNATURE_BYTES, SignatureError, Signer};
pub use validity::Invalid;
