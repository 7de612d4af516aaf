use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::NameError;

/// The local part of an account's address, `alice` in `@alice@birds.example`.
///
/// The rule is the narrowest of the flavours': lower-case letters, digits and underscores, at most 30 (Mastodon's
/// `USERNAME_LENGTH_LIMIT`), because the same owner handle must survive a change of flavour in a bundle's reader.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Handle(String);

impl FromStr for Handle {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fail = |rule| Err(NameError::new("handle", text, rule));
        if text.is_empty() || text.len() > 30 {
            return fail("must have 1 to 30 characters");
        }
        if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return fail("may contain only lower-case letters, digits and underscores");
        }
        Ok(Self(text.to_owned()))
    }
}

text_name!(Handle, max 30, pattern "^[a-z0-9_]+$", example "alice");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        for good in ["alice", "a", "a_1", "0"] {
            assert!(good.parse::<Handle>().is_ok(), "{good:?} was refused");
        }
        for bad in ["", "Alice", "a-b", "a.b", "a b", "@alice", "ålice", "../etc", &"a".repeat(31)] {
            assert!(bad.parse::<Handle>().is_err(), "{bad:?} was taken");
        }
    }
}
