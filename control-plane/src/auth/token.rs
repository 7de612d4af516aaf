//! The text of an API token: `stp_`, 256 random bits and a checksum.
//!
//! `stp_` followed by 72 hexadecimal digits: 64 of the secret, and the first 8 of the SHA-256 of those 64 as text. Programs that
//! look for secrets in published code find it by `stp_[0-9a-f]{72}` and can tell by the checksum that it is one; what is
//! mistyped or made up is refused without a look into the database.

use sha2::{Digest as _, Sha256};

use super::secret::Secret;

/// How every token begins.
pub const PREFIX: &str = "stp_";
const SECRET: usize = 64;
const CHECK: usize = 8;
const HINT: usize = 8;

/// The text that is handed out, once.
#[must_use]
pub fn text(secret: &Secret) -> String {
    let digits = hex::encode(secret.bytes());
    format!("{PREFIX}{digits}{}", checksum(&digits))
}

/// The first characters, for recognising it in a list: the other 224 bits cannot be guessed from them.
#[must_use]
pub fn hint(secret: &Secret) -> String {
    let digits = hex::encode(secret.bytes());
    format!("{PREFIX}{}", digits.get(..HINT).unwrap_or_default())
}

/// Reads a token that somebody brings; none when it cannot be one.
#[must_use]
pub fn parse(text: &str) -> Option<Secret> {
    let rest = text.strip_prefix(PREFIX)?;
    let (digits, check) = rest.split_at_checked(SECRET)?;
    // Digits in capitals would be a second text for one token.
    let plain = check.len() == CHECK && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !plain || checksum(digits) != check {
        return None;
    }
    let bytes: [u8; 32] = hex::decode(digits).ok()?.try_into().ok()?;
    Some(Secret::new(bytes))
}

fn checksum(digits: &str) -> String {
    hex::encode(&Sha256::digest(digits.as_bytes())[..CHECK / 2])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_scanner_knows_it_by_prefix_length_and_checksum() {
        let token = text(&Secret::new([0xab; 32]));
        assert_eq!(token.len(), 4 + 72);
        // As a scanner would compute it: `printf %s abab…ab | sha256sum`.
        assert_eq!(token, format!("stp_{}{}", "ab".repeat(32), "271a413b"));
        assert_eq!(hint(&Secret::new([0xab; 32])), "stp_abababab");
    }

    #[test]
    fn what_is_none_is_refused_before_the_database_is_asked() {
        let good = text(&Secret::new([0x5a; 32]));
        assert!(parse(&good).is_some());
        let mut typo = good.clone();
        typo.replace_range(10..11, "b");
        for bad in [
            "",
            "stp_",
            &good[1..],
            &good[..75],
            &format!("{good}0"),
            &typo,
            &good.to_uppercase(),
            &good.replace("5a", "5A"),
            &format!("stp_{}", "ä".repeat(36)),
            &"a".repeat(100_000),
        ] {
            assert!(parse(bad).is_none(), "{bad:.100}");
        }
    }

    proptest! {
        #[test]
        fn there_and_back(bytes: [u8; 32]) {
            let secret = Secret::new(bytes);
            prop_assert_eq!(parse(&text(&secret)).unwrap().hash(), secret.hash());
        }
    }
}
