//! Writing and reading bundles: folder → tar → gzip → age → parts, and back.

mod cutter;
mod decode;
mod encode;
mod extract;
mod folder;
mod list;
mod objects;
mod open;
mod parts;
mod tar;
mod target;
mod verify;
mod writer;

pub use decode::{ReadError, Visitor, read_archive, read_segment};
pub use encode::EncodeError;
pub use extract::{ExtractError, extract};
pub use folder::{Folder, FolderError};
pub use list::list;
pub use objects::{BoxError, Part, PartSink, PartSource, SourceError};
pub use open::{OpenError, Opened, Trust, open};
pub use tar::TarError;
pub use target::{Target, TargetError};
pub use verify::{VerifyError, verify};
pub use writer::{Options, Outcome, WriteError, Writer, Written};
