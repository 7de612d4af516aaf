//! The subset of tar that a bundle uses: GNU headers, files, folders, hard links, long names. Nothing else is written,
//! nothing else is read. `docs/bundle-format.md` lists every field.

use std::io::{self, Read, Write};

use tokio_tar::{EntryType, Header};

use crate::format::{Entry, EntryKind, PathError, RelPath};

const BLOCK: usize = 512;
/// Longest name that fits into a header; a longer one has a record of its own.
const SHORT: usize = 100;
const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// An archive is broken or holds something that a bundle must not hold.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The stream below failed: broken gzip, changed ciphertext, missing part.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The archive ends in the middle.
    #[error("the archive ends before its end mark")]
    Truncated,
    /// Something stands behind the end mark.
    #[error("something stands behind the end of the archive")]
    Trailing,
    /// A header is broken.
    #[error("header number {number} of the archive is broken: {why}")]
    Header {
        /// Its number, from 1, long-name records included.
        number: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Something else than a file, a folder or a hard link.
    #[error("`{path}` is of type `{}`: only files, folders and hard links are allowed", .kind.escape_ascii())]
    Kind {
        /// Its path, escaped.
        path: String,
        /// The type byte of its header.
        kind: u8,
    },
    /// A path that leaves the folder or cannot exist.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// The bytes that stand before an entry's content.
pub(super) fn header(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::with_capacity(BLOCK);
    let mut name = entry.path.as_bytes().to_vec();
    let mut header = Header::new_gnu();
    match &entry.kind {
        EntryKind::Directory => {
            name.push(b'/');
            header.set_entry_type(EntryType::Directory);
        }
        EntryKind::File { size } => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(*size);
        }
        EntryKind::HardLink { target } => {
            header.set_entry_type(EntryType::Link);
            short_or_record(EntryType::GNULongLink, target.as_bytes(), &mut header.as_old_mut().linkname, &mut out);
        }
    }
    short_or_record(EntryType::GNULongName, &name, &mut header.as_old_mut().name, &mut out);
    header.set_size(entry.size());
    finish(&mut header, entry.mode, entry.mtime);
    out.extend_from_slice(header.as_bytes());
    out
}

fn short_or_record(kind: EntryType, name: &[u8], field: &mut [u8; SHORT], out: &mut Vec<u8>) {
    let short = &name[..name.len().min(SHORT)];
    field[..short.len()].copy_from_slice(short);
    if name.len() > SHORT {
        let mut record = Header::new_gnu();
        record.as_old_mut().name[..13].copy_from_slice(b"././@LongLink");
        record.set_entry_type(kind);
        record.set_size(name.len() as u64 + 1);
        finish(&mut record, 0o644, 0);
        out.extend_from_slice(record.as_bytes());
        out.extend_from_slice(name);
        out.resize(out.len() + 1 + padding(name.len() as u64 + 1), 0);
    }
}

fn finish(header: &mut Header, mode: u32, mtime: u64) {
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(mtime);
    header.set_cksum();
}

/// How many zeros follow content of this length.
pub(super) fn padding(size: u64) -> usize {
    ((BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64) as usize
}

/// Writes the end mark: two blocks of zeros.
pub(super) fn end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&ZEROS)?;
    out.write_all(&ZEROS)
}

/// Writes the zeros behind content of this length.
pub(super) fn pad(out: &mut impl Write, size: u64) -> io::Result<()> {
    out.write_all(&ZEROS[..padding(size)])
}

/// Reads an archive entry by entry.
pub(super) struct TarReader<R> {
    input: R,
    /// Content of the current entry that was not read yet.
    left: u64,
    /// Zeros behind it.
    pad: usize,
    headers: u64,
}

impl<R: Read> TarReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, left: 0, pad: 0, headers: 0 }
    }

    /// The next entry; what is left of the one before is skipped. Its content is then read through [`Read`]. `None` after the end mark, when nothing but zeros follows.
    pub(super) fn entry(&mut self) -> Result<Option<Entry>, TarError> {
        io::copy(self, &mut io::sink())?;
        self.skip_padding()?;
        let (mut long_name, mut long_link) = (None, None);
        loop {
            let Some(header) = self.block()? else {
                return if long_name.is_none() && long_link.is_none() {
                    Ok(None)
                } else {
                    Err(self.broken("a long name without an entry"))
                };
            };
            match header.as_old().linkflag[0] {
                b'L' if long_name.is_none() => long_name = Some(self.long(&header)?),
                b'K' if long_link.is_none() => long_link = Some(self.long(&header)?),
                _ => return self.describe(&header, long_name, long_link).map(Some),
            }
        }
    }

    /// Gives the input back.
    pub(super) fn into_inner(self) -> R {
        self.input
    }

    fn describe(
        &mut self,
        header: &Header,
        long_name: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> Result<Entry, TarError> {
        let name = long_name.unwrap_or_else(|| header.path_bytes().into_owned());
        let size = header.raw_entry_size().map_err(|e| self.broken(&e))?;
        let mode = header.mode().map_err(|e| self.broken(&e))?;
        let mtime = header.mtime().map_err(|e| self.broken(&e))?;
        let folder = name.ends_with(b"/");
        let only_for_links = long_link.is_some();
        let in_header = || header.link_name_bytes().unwrap_or_default().into_owned();
        let target = long_link.unwrap_or_else(in_header);
        let kind = match header.as_old().linkflag[0] {
            b'0' | 0 if !folder && !only_for_links => EntryKind::File { size },
            b'5' if size == 0 && !only_for_links => EntryKind::Directory,
            b'1' if size == 0 && !folder => EntryKind::HardLink { target: RelPath::parse(&target)? },
            b'0' | 0 | b'1' | b'5' => {
                return Err(self.broken("type, name and size do not fit together"));
            }
            kind => {
                return Err(TarError::Kind { path: name.escape_ascii().to_string(), kind });
            }
        };
        let entry = Entry { path: RelPath::parse(&name)?, kind, mode, mtime };
        self.left = entry.size();
        self.pad = padding(self.left);
        Ok(entry)
    }

    fn long(&mut self, header: &Header) -> Result<Vec<u8>, TarError> {
        let size = header.raw_entry_size().map_err(|e| self.broken(&e))?;
        // One for the NUL at the end, one for the slash behind a folder's name.
        if size == 0 || size > RelPath::MAX as u64 + 2 {
            return Err(self.broken("a long name of this length is not allowed"));
        }
        let mut name = vec![0; size as usize];
        self.fill(&mut name)?;
        self.pad = padding(size);
        self.skip_padding()?;
        if name.pop() != Some(0) || name.contains(&0) {
            return Err(self.broken("a long name does not end with the only NUL in it"));
        }
        Ok(name)
    }

    fn skip_padding(&mut self) -> Result<(), TarError> {
        let mut zeros = [0; BLOCK];
        let pad = std::mem::take(&mut self.pad);
        self.fill(&mut zeros[..pad])
    }

    /// The next header, or `None` after a proper end.
    fn block(&mut self) -> Result<Option<Header>, TarError> {
        let mut block = [0; BLOCK];
        self.fill(&mut block)?;
        if block == ZEROS {
            self.fill(&mut block)?;
            if block != ZEROS {
                return Err(self.broken("a lone block of zeros"));
            }
            self.only_zeros()?;
            return Ok(None);
        }
        self.headers += 1;
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(&block);
        if header.as_gnu().is_none() && header.as_ustar().is_none() {
            return Err(self.broken("neither a GNU nor a POSIX header"));
        }
        let claimed = header.cksum().map_err(|e| self.broken(&e))?;
        header.set_cksum();
        if header.cksum().ok() != Some(claimed) {
            return Err(self.broken("wrong checksum"));
        }
        Ok(Some(header))
    }

    fn only_zeros(&mut self) -> Result<(), TarError> {
        let mut block = [0; BLOCK];
        loop {
            match self.input.read(&mut block)? {
                0 => return Ok(()),
                read if block[..read].iter().all(|b| *b == 0) => {}
                _ => return Err(TarError::Trailing),
            }
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), TarError> {
        self.input.read_exact(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                return TarError::Truncated;
            }
            TarError::Read(error)
        })
    }

    fn broken(&self, why: &(impl ToString + ?Sized)) -> TarError {
        TarError::Header { number: self.headers, why: why.to_string() }
    }
}

impl<R: Read> Read for TarReader<R> {
    /// Content of the current entry. 0 only at its end: an input that ends earlier is an error.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.input.read(&mut buffer[..most])?;
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends inside a file"));
        }
        self.left -= read as u64;
        Ok(read)
    }
}
