//! One segment back: age → gzip → tar → a visitor. Believes nothing that it reads.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::GzDecoder;

use super::tar::{TarError, TarReader};
#[cfg(doc)]
use crate::format::Encryption;
use crate::format::{Counts, Entry, EntryKind, Guard, Hostile};
use crate::seal::Identities;

/// Longest header of an age file that is read: room for [`Encryption::MAX_RECIPIENTS`]. The age library parses the header
/// anew with each line of it, so a long one made of short lines would keep it busy for hours.
const AGE_HEADER: u64 = 16 << 10;
const BUFFER: usize = 64 << 10;

/// Takes the entries of a bundle one after the other. Each has passed the guard.
pub trait Visitor {
    /// Takes one entry. Content that is not read is skipped.
    ///
    /// # Errors
    /// Whatever stops the visitor; reading ends with it.
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()>;
}

/// A segment cannot be read, or must not be.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It breaks a rule against hostile archives.
    #[error("refused: {0}")]
    Hostile(#[from] Hostile),
    /// It is no archive of the kind a bundle holds.
    #[error("refused: {0}")]
    Tar(#[from] TarError),
    /// It cannot be decrypted: wrong key, or changed data.
    #[error("cannot be decrypted: {0}")]
    Decrypt(#[from] age::DecryptError),
    /// Something stands behind the compressed archive.
    #[error("refused: something stands behind the end of the compressed data")]
    Trailing,
    /// The visitor stopped.
    #[error("`{path}`: {error}")]
    Visit {
        /// The entry it was at.
        path: crate::format::RelPath,
        /// Why.
        #[source]
        error: io::Error,
    },
}

/// Reads one decrypted segment, a gzip-compressed tar archive, from `compressed`. Gives what it counted.
///
/// # Errors
/// See [`ReadError`]. Entries before the error were visited.
pub fn read_archive(compressed: impl Read, guard: &mut Guard, visitor: &mut dyn Visitor) -> Result<Counts, ReadError> {
    let stored = Rc::new(Cell::new(0));
    let counted = Counted { inner: compressed, count: Rc::clone(&stored) };
    let gzip = GzDecoder::new(BufReader::with_capacity(BUFFER, counted));
    let refused = Rc::new(Cell::new(None));
    let growth = Growth { inner: gzip, plain: 0, stored, ratio: guard.ratio(), refused: Rc::clone(&refused) };
    let mut tar = TarReader::new(growth);
    let counts = visit(&mut tar, guard, visitor).map_err(|error| match refused.take() {
        Some(hostile) => ReadError::Hostile(hostile),
        None => error,
    })?;
    let mut rest = tar.into_inner().inner.into_inner();
    match rest.fill_buf() {
        Ok([]) => Ok(counts),
        Ok(_) => Err(ReadError::Trailing),
        Err(error) => Err(TarError::Read(error).into()),
    }
}

/// Reads one segment as its parts joined: an age file around what [`read_archive`] reads.
///
/// # Errors
/// See [`ReadError`]. Entries before the error were visited.
pub fn read_segment(
    sealed: impl Read,
    identities: &Identities,
    guard: &mut Guard,
    visitor: &mut dyn Visitor,
) -> Result<Counts, ReadError> {
    let left = Rc::new(Cell::new(Some(AGE_HEADER)));
    let limited = HeaderLimit { inner: sealed, left: Rc::clone(&left) };
    let decryptor = age::Decryptor::new_buffered(BufReader::with_capacity(BUFFER, limited))?;
    left.set(None);
    read_archive(decryptor.decrypt(identities.as_dyn())?, guard, visitor)
}

fn visit(tar: &mut TarReader<impl Read>, guard: &mut Guard, visitor: &mut dyn Visitor) -> Result<Counts, ReadError> {
    let mut counts = Counts::default();
    while let Some(entry) = tar.entry()? {
        guard.admit(&entry)?;
        match entry.kind {
            EntryKind::Directory => counts.directories += 1,
            EntryKind::File { size } => {
                counts.files += 1;
                counts.bytes = counts.bytes.saturating_add(size);
            }
            EntryKind::HardLink { .. } => counts.hard_links += 1,
        }
        visitor.entry(&entry, tar).map_err(|error| ReadError::Visit { path: entry.path, error })?;
    }
    Ok(counts)
}

/// Counts what passes.
struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get().saturating_add(read as u64));
        Ok(read)
    }
}

/// Stops a stream that grows out of proportion, before what is too much is used.
struct Growth<R> {
    inner: R,
    plain: u64,
    stored: Rc<Cell<u64>>,
    ratio: u64,
    refused: Rc<Cell<Option<Hostile>>>,
}

impl<R: Read> Read for Growth<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.plain = self.plain.saturating_add(read as u64);
        Guard::growth(self.plain, self.stored.get(), self.ratio).map_err(|hostile| {
            let error = io::Error::other(hostile.to_string());
            self.refused.set(Some(hostile));
            error
        })?;
        Ok(read)
    }
}

/// Stops an age header that does not end.
struct HeaderLimit<R> {
    inner: R,
    left: Rc<Cell<Option<u64>>>,
}

impl<R: Read> Read for HeaderLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self.left.get() else {
            return self.inner.read(buffer);
        };
        if left == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the age header does not end"));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        self.left.set(Some(left - read as u64));
        Ok(read)
    }
}
