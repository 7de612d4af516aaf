//! A number of 128 bits as 26 characters that are safe to say, to type and to put into a DNS label.

/// Crockford's alphabet, lower case: without i, l, o and u, which are taken for others or make words
/// (<https://www.crockford.com/base32.html>).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// How many characters a number has.
pub const LENGTH: usize = 26;

/// The number, most significant digit first, so that texts sort as their numbers do.
#[must_use]
pub fn encode(number: u128) -> String {
    (0..LENGTH).rev().map(|place| char::from(ALPHABET[(number >> (5 * place)) as usize & 31])).collect()
}

/// The number that [`encode`] makes this very text of. `None` for every other text: Crockford's permissive readings
/// (upper case, `o` for 0) would give one thing several names.
#[must_use]
pub fn decode(text: &str) -> Option<u128> {
    // 26 digits have room for 130 bits.
    if text.len() != LENGTH || text.as_bytes().first().is_none_or(|first| *first > b'7') {
        return None;
    }
    text.bytes().try_fold(0_u128, |number, character| {
        let digit = ALPHABET.iter().position(|one| *one == character)?;
        Some(number << 5 | digit as u128)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (number, text) in [
            (0, "00000000000000000000000000"),
            (31, "0000000000000000000000000z"),
            (32, "00000000000000000000000010"),
            (u128::MAX, "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
        ] {
            assert_eq!(encode(number), text);
            assert_eq!(decode(text), Some(number));
        }
    }

    #[test]
    fn a_number_has_one_text_only() {
        for text in [
            "",
            "0000000000000000000000000",
            "000000000000000000000000000",
            "80000000000000000000000000",
            "0000000000000000000000000Z",
            "0000000000000000000000000o",
            "0000000000000000000000000l",
            "0000000000000000000000000u",
            "0000000000000000000000000-",
            "000000000000000000000000é",
        ] {
            assert_eq!(decode(text), None, "{text:?} was taken");
        }
    }
}
