//! Names of the objects a bundle consists of.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of one object of a bundle, relative to the bundle's own folder or key prefix.
///
/// At most 128 characters out of `A-Z a-z 0-9 . _ -`, in at most three components joined by `/`; no component is empty
/// or begins with a dot. So a name is always safe as a path, as an object key and in a shell.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(String);

/// The text cannot be the name of an object in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be the name of an object in a bundle: {why}", .name.escape_default())]
pub struct NameError {
    name: String,
    why: &'static str,
}

impl ObjectName {
    /// Longest name, in bytes.
    pub const MAX: usize = 128;

    /// Parses a name.
    ///
    /// # Errors
    /// When the text breaks one of the rules above.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        let wrong = |why| NameError { name: name.chars().take(Self::MAX).collect(), why };
        if name.len() > Self::MAX {
            return Err(wrong("it is longer than 128 bytes"));
        }
        if name.split('/').count() > 3 {
            return Err(wrong("it has more than three components"));
        }
        for component in name.split('/') {
            if component.is_empty() || component.starts_with('.') {
                return Err(wrong("a component is empty or begins with a dot"));
            }
            if !component.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
                return Err(wrong("only letters, digits, `.`, `_` and `-` are allowed"));
            }
        }
        Ok(Self(name.to_owned()))
    }

    /// `manifest.json`
    #[must_use]
    pub fn manifest() -> Self {
        Self("manifest.json".into())
    }

    /// `manifest.sig`
    #[must_use]
    pub fn signature() -> Self {
        Self("manifest.sig".into())
    }

    /// The name of segment number `index`, for example `segment-0012`. Not an object: the folder of its parts.
    #[must_use]
    pub fn segment(index: usize) -> Self {
        Self(format!("segment-{index:04}"))
    }

    /// The name of part `part` of segment `segment`, for example `segment-0012/part-0003.tar.gz.age`.
    #[must_use]
    pub fn part(segment: usize, part: usize) -> Self {
        Self(format!("segment-{segment:04}/part-{part:04}.tar.gz.age"))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a kit file may have this name: it stands at the top and is none of the names the format uses itself.
    #[must_use]
    pub fn is_kit(&self) -> bool {
        !self.0.contains('/') && !self.0.starts_with("manifest.") && !self.0.starts_with("segment-")
    }
}

impl AsRef<str> for ObjectName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Serialize for ObjectName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ObjectName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_leave_the_folder_are_refused() {
        for bad in [
            "",
            "/",
            "..",
            "a/../b",
            "/etc/passwd",
            "a//b",
            "a/",
            "./a",
            ".git",
            "a b",
            "a\\b",
            "a\0",
            "ä",
            "a/b/c/d",
            &"x".repeat(129),
        ] {
            assert!(ObjectName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_made_here_parse() {
        for name in
            [ObjectName::manifest(), ObjectName::signature(), ObjectName::segment(3), ObjectName::part(70_000, 131_000)]
        {
            assert_eq!(ObjectName::parse(name.as_str()), Ok(name.clone()));
            assert!(!name.is_kit());
        }
        assert!(ObjectName::parse("restore.sh").is_ok_and(|n| n.is_kit()));
    }
}
