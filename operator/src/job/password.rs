//! New passwords.

use std::io;

use age::secrecy::SecretString;

use crate::clock::Random;

/// Letters and digits that nobody mistakes for each other: no `0 o 1 l i`.
const ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// Groups of five, because people read and type them.
const GROUPS: usize = 5;

/// A new password: 25 characters of 31 in groups of five, that is 123 bits.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn generate(random: &dyn Random) -> io::Result<SecretString> {
    let mut text = String::with_capacity(GROUPS * 6);
    for group in 0..GROUPS {
        if group > 0 {
            text.push('-');
        }
        for _ in 0..5 {
            text.push(character(random)?);
        }
    }
    Ok(text.into())
}

/// One character, each with the same chance: a byte beyond the last whole round of the alphabet is thrown away.
fn character(random: &dyn Random) -> io::Result<char> {
    let round = 256 - 256 % ALPHABET.len();
    loop {
        let mut byte = [0_u8];
        random.fill(&mut byte)?;
        let n = usize::from(byte[0]);
        if n < round {
            return Ok(char::from(ALPHABET[n % ALPHABET.len()]));
        }
    }
}

#[cfg(test)]
mod tests {
    use age::secrecy::ExposeSecret as _;

    use super::*;
    use crate::clock::fake::SeededRandom;

    #[test]
    fn readable_and_long_and_not_printed() {
        let random = SeededRandom::new(1);
        let (one, two) = (generate(&random).unwrap(), generate(&random).unwrap());
        assert_ne!(one.expose_secret(), two.expose_secret());
        let text = one.expose_secret();
        assert_eq!(text.len(), 29);
        assert_eq!(text.split('-').count(), 5);
        assert!(text.bytes().all(|b| b == b'-' || ALPHABET.contains(&b)));
        assert!(!format!("{one:?}").contains(text));
    }

    #[test]
    fn every_character_comes() {
        let random = SeededRandom::new(2);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..40 {
            seen.extend(generate(&random).unwrap().expose_secret().bytes().filter(|b| *b != b'-'));
        }
        assert_eq!(seen.len(), ALPHABET.len());
    }
}
