//! Paths inside a bundle's data.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A path below the root of the data: relative, without `.`, `..`, empty components or NUL.
///
/// Bytes, not text: a Unix file name need not be UTF-8, and data that cannot be named cannot be taken along.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(Box<[u8]>);

/// The bytes are no path a bundle may contain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the path `{path}` is refused: {why}")]
pub struct PathError {
    /// The path, escaped and shortened for reading.
    pub path: String,
    /// Which rule it breaks.
    pub why: &'static str,
}

impl RelPath {
    /// Longest path in bytes: Linux' `PATH_MAX` less the final NUL.
    pub const MAX: usize = 4095;
    /// Longest component in bytes: Linux' `NAME_MAX`.
    pub const MAX_NAME: usize = 255;

    /// Parses a path as it stands in an archive. One trailing slash, as `tar` puts behind a folder's name, is dropped.
    ///
    /// # Errors
    /// When the path is absolute, empty, too long, or has a component that is empty, `.`, `..`, too long or contains NUL.
    pub fn parse(bytes: &[u8]) -> Result<Self, PathError> {
        let wrong = |why| PathError { path: bytes[..bytes.len().min(200)].escape_ascii().to_string(), why };
        let path = bytes.strip_suffix(b"/").unwrap_or(bytes);
        if path.is_empty() {
            return Err(wrong("it is empty"));
        }
        if path.len() > Self::MAX {
            return Err(wrong("it is longer than 4095 bytes"));
        }
        if path[0] == b'/' {
            return Err(wrong("it is absolute"));
        }
        for component in path.split(|b| *b == b'/') {
            match component {
                b"" => return Err(wrong("it has an empty component")),
                b"." | b".." => return Err(wrong("it has a component `.` or `..`")),
                name if name.len() > Self::MAX_NAME => {
                    return Err(wrong("a component is longer than 255 bytes"));
                }
                name if name.contains(&0) => return Err(wrong("it contains NUL")),
                _ => {}
            }
        }
        Ok(Self(path.into()))
    }

    /// The path of `name` inside the folder `parent` (`None`: the root).
    ///
    /// # Errors
    /// When the result is no valid path, for example because it became too long.
    pub fn join(parent: Option<&Self>, name: &[u8]) -> Result<Self, PathError> {
        match parent {
            None => Self::parse(name),
            Some(parent) => Self::parse(&[&parent.0, b"/".as_slice(), name].concat()),
        }
    }

    /// The bytes, without a trailing slash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As a path relative to whatever root.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The folder it is in; `None` is the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let slash = self.0.iter().rposition(|b| *b == b'/')?;
        Some(Self(self.0[..slash].into()))
    }

    /// The last component.
    #[must_use]
    pub fn name(&self) -> &OsStr {
        let start = self.0.iter().rposition(|b| *b == b'/').map_or(0, |slash| slash + 1);
        OsStr::from_bytes(&self.0[start..])
    }

    /// Its components, from the top.
    pub fn components(&self) -> impl Iterator<Item = &OsStr> {
        self.0.split(|b| *b == b'/').map(OsStr::from_bytes)
    }

    /// How many components it has: 1 for a name at the top.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.iter().filter(|b| **b == b'/').count() + 1
    }
}

impl fmt::Display for RelPath {
    /// UTF-8 as it is, other bytes and control characters escaped, so that it cannot forge a line of a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(&self.0) {
            Ok(text) if !text.chars().any(char::is_control) => f.write_str(text),
            _ => write!(f, "{}", self.0.escape_ascii()),
        }
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_out_of_the_root_are_refused() {
        let long = vec![b'a'; 256];
        for bad in [
            b"".as_slice(),
            b"/",
            b"/etc",
            b"..",
            b"a/..",
            b"a/../b",
            b"./a",
            b"a/./b",
            b"a//b",
            b"a\0b",
            b"a//",
            &long,
        ] {
            assert!(RelPath::parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn parts_of_a_path() {
        let path = RelPath::parse(b"user/alice/\xff/").unwrap();
        assert_eq!(path.as_bytes(), b"user/alice/\xff");
        assert_eq!(path.parent().unwrap().as_bytes(), b"user/alice");
        assert_eq!(path.name(), OsStr::from_bytes(b"\xff"));
        assert_eq!(path.depth(), 3);
        assert_eq!(path.to_string(), "user/alice/\\xff");
        assert_eq!(RelPath::parse(b"a").unwrap().parent(), None);
    }
}
