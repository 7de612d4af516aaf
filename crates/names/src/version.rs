use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::NameError;

/// A version of a flavour's software as its makers write it, for example `2.75` or `v4.6.5`. The cell maps it to an
/// image; nothing is computed from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(String);

impl FromStr for Version {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fail = |rule| Err(NameError::new("version", text, rule));
        if text.is_empty() || text.len() > 40 {
            return fail("must have 1 to 40 characters");
        }
        let inner = |b: u8| b.is_ascii_alphanumeric() || b"._+-".contains(&b);
        if !text.bytes().all(inner) || !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return fail(
                "must begin with a letter or digit and contain only letters, digits, dots, pluses and hyphens",
            );
        }
        Ok(Self(text.to_owned()))
    }
}

text_name!(Version, max 40, pattern "^[A-Za-z0-9][-A-Za-z0-9._+]*$", example "2.75");
