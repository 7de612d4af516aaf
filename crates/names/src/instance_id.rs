use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{NameError, base32};

/// The name of an `Instance` object, unique in its cell and never shown to visitors of the server.
///
/// A DNS label of at most 40 characters that begins with a letter, so that the tenant's namespace (prefix + id) stays a
/// label of at most 63.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceId(String);

impl FromStr for InstanceId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fail = |rule| Err(NameError::new("instance name", text, rule));
        if text.is_empty() || text.len() > 40 {
            return fail("must have 1 to 40 characters");
        }
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !text.bytes().all(inner) || !text.starts_with(|c: char| c.is_ascii_lowercase()) || text.ends_with('-') {
            return fail("must begin with a letter and contain only lower-case letters, digits and inner hyphens");
        }
        Ok(Self(text.to_owned()))
    }
}

impl InstanceId {
    /// The name that is made from a number: `i-` and 26 characters of [`base32`]. Each number has one, and no two the
    /// same one.
    #[must_use]
    pub fn numbered(number: u128) -> Self {
        Self(format!("i-{}", base32::encode(number)))
    }
}

text_name!(InstanceId, max 40, pattern "^[a-z]([-a-z0-9]*[a-z0-9])?$", example "birds");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_made_from_a_number_keeps_the_rules() {
        for number in [0, 1, u128::MAX] {
            let id = InstanceId::numbered(number);
            assert_eq!(id.as_str().parse(), Ok(id.clone()), "{id}");
        }
    }

    #[test]
    fn rules() {
        for good in ["a", "birds", "inst-01h", "a0"] {
            assert!(good.parse::<InstanceId>().is_ok(), "{good:?} was refused");
        }
        for bad in ["", "0a", "-a", "a-", "A", "a.b", "a_b", &"a".repeat(41)] {
            assert!(bad.parse::<InstanceId>().is_err(), "{bad:?} was taken");
        }
    }
}
