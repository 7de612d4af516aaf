//! Passwords of accounts: which are taken, and a type that shows them to nobody.
//!
//! The rules are those of OWASP ASVS 5.0, chapter V6.2. The strength estimators that exist (zxcvbn 3) read the clock
//! and judge by a list of words of one language; a long list of what people really choose and a few plain rules say
//! the same more predictably, and each refusal names its rule.

use std::collections::HashSet;
use std::sync::LazyLock;

use secrecy::{ExposeSecret as _, SecretString};

use crate::Email;

/// The fewest characters. ASVS 5.0 V6.2.1 asks for 8 and strongly recommends 15; 10 shuts out what is guessed offline in
/// hours while the log-in is rate-limited anyway, and leaves room for two words.
pub const MIN: usize = 10;

/// The most characters. V6.2.9 wants at least 64 to be possible; a limit keeps hashing from being a lever.
pub const MAX: usize = 256;

/// 5,000 passwords of 10 characters and more, the most common ones first found in leaks, in lower case and sorted (V6.2.4
/// asks for 3,000). From SecLists, `10-million-password-list-top-1000000.txt` (MIT, © Daniel Miessler).
const COMMON: &str = include_str!("password/common.txt");

/// Words that are guessed first here (V6.2.11).
const OURS: [&str; 3] = ["steppe", "mastodon", "fediverse"];

/// A password as it was typed: not trimmed, not changed (V6.2.8). Printed by nobody, wiped when dropped.
#[derive(Clone)]
pub struct Password(SecretString);

/// Why a password is not taken. Says the rule, never the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`MIN`] characters.
    #[error("a password has at least 10 characters; a few words in a row are good")]
    TooShort,
    /// More than [`MAX`] characters.
    #[error("a password has at most 256 characters")]
    TooLong,
    /// One of those that everybody tries first.
    #[error("this is one of the most common passwords, which are tried first")]
    Common,
    /// The same few characters again and again, or a row of the alphabet or of digits.
    #[error("a repeated pattern or a row like 123456 is guessed at once")]
    Pattern,
    /// It contains the mail address, or the name of this service.
    #[error("a password must not contain your mail address or the name of this service")]
    Personal,
}

impl PasswordError {
    /// The stable word for it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort => "password-too-short",
            Self::TooLong => "password-too-long",
            Self::Common => "password-common",
            Self::Pattern => "password-pattern",
            Self::Personal => "password-personal",
        }
    }
}

impl Password {
    /// A new password for the account with this address. There are no rules about which kinds of characters it must
    /// have (V6.2.5).
    pub fn choose(text: String, email: &Email) -> Result<Self, PasswordError> {
        let password = Self::attempt(text)?;
        let text = password.0.expose_secret();
        if text.chars().count() < MIN {
            return Err(PasswordError::TooShort);
        }
        let lower = SecretString::from(text.to_lowercase());
        let lower = lower.expose_secret();
        if is_common(lower) {
            return Err(PasswordError::Common);
        }
        if is_pattern(lower) {
            return Err(PasswordError::Pattern);
        }
        if is_personal(lower, email) {
            return Err(PasswordError::Personal);
        }
        Ok(password)
    }

    /// What someone typed to log in. Only its length is looked at, so that nobody is made to hash a book; older rules
    /// must not lock anybody out.
    pub fn attempt(text: String) -> Result<Self, PasswordError> {
        let password = Self(SecretString::from(text));
        match password.0.expose_secret().chars().nth(MAX) {
            Some(_) => Err(PasswordError::TooLong),
            None => Ok(password),
        }
    }

    /// The bytes, for hashing and nothing else.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

impl<'de> serde::Deserialize<'de> for Password {
    /// As an attempt: whether it may be chosen is asked where the account is known.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::attempt(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Whether it is in the list, as it is or without the digits and signs that people put behind a word.
fn is_common(lower: &str) -> bool {
    static LIST: LazyLock<HashSet<&str>> = LazyLock::new(|| COMMON.lines().collect());
    let word = lower.trim_end_matches(|last: char| last.is_ascii_digit() || last.is_ascii_punctuation());
    LIST.contains(lower) || LIST.contains(word)
}

/// Whether it is one piece of up to four characters over and over, or a single run up or down the alphabet.
fn is_pattern(lower: &str) -> bool {
    let characters: Vec<u32> = lower.chars().map(u32::from).collect();
    let repeats = (1..=4).any(|length| characters.iter().zip(characters.iter().skip(length)).all(|(a, b)| a == b));
    let run = |step: i64| characters.windows(2).all(|pair| i64::from(pair[1]) - i64::from(pair[0]) == step);
    repeats || run(1) || run(-1)
}

/// Whether it has the mail address or its local part in it, or one of our own words. A local part of three letters alone
/// would be found in too many good passwords.
fn is_personal(lower: &str, email: &Email) -> bool {
    let local = email.local().to_ascii_lowercase();
    let address = lower.contains(&email.canonical());
    address || (local.len() >= 4 && lower.contains(&local)) || OURS.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_address_is_no_password_either() {
        let ada: Email = "ada@birds.example".parse().unwrap();
        assert_eq!(Password::choose("ADA@birds.example1".to_owned(), &ada).unwrap_err(), PasswordError::Personal);
        assert!(Password::choose("Canada geese at noon".to_owned(), &ada).is_ok());
    }

    fn choose(text: &str) -> Result<Password, PasswordError> {
        Password::choose(text.to_owned(), &"Adalovelace@birds.example".parse().unwrap())
    }

    #[test]
    fn the_list_is_long_enough() {
        let lines: Vec<_> = COMMON.lines().collect();
        assert!(lines.len() >= 3000, "ASVS 5.0 V6.2.4 asks for 3,000");
        assert!(lines.is_sorted_by(|a, b| a < b), "sorted, so that a change of it can be read");
        for line in &lines {
            assert!(is_common(line), "{line:?} was not found");
            assert!(line.chars().count() >= MIN && *line == line.to_lowercase(), "{line:?} is never asked for");
            assert!(choose(line).is_err(), "{line:?} was taken");
        }
    }

    #[test]
    fn taken() {
        for good in [
            "correct horse battery",
            "ölmühle am bach",
            "🐎🐎🔋📎🌧️🪁🧭🪵🧶",
            "   spaces count   ",
            "kohlrabi42",
            &"long but fine ".repeat(18),
        ] {
            assert!(choose(good).is_ok(), "{good:?}: {:?}", choose(good));
        }
    }

    #[test]
    fn refused_by_name_of_the_rule() {
        for (bad, error) in [
            ("", PasswordError::TooShort),
            ("kohlrabi4", PasswordError::TooShort),
            ("🐎🐎🔋", PasswordError::TooShort),
            (&"ab cd ef g".repeat(26), PasswordError::TooLong),
            ("password123", PasswordError::Common),
            ("PassWord123", PasswordError::Common),
            ("basketball2024!", PasswordError::Common),
            ("zzzzzzzzzzzzzzz", PasswordError::Pattern),
            ("xy7xy7xy7xy7", PasswordError::Pattern),
            ("abcdefghijklmno", PasswordError::Pattern),
            ("zyxwvutsrqpo", PasswordError::Pattern),
            ("my ADALovelace password", PasswordError::Personal),
            ("steppe is great", PasswordError::Personal),
        ] {
            assert_eq!(choose(bad).unwrap_err(), error, "{bad:?}");
        }
    }

    #[test]
    fn a_short_local_part_does_not_spoil_good_passwords() {
        let email = "al@birds.example".parse().unwrap();
        assert!(Password::choose("altogether now".to_owned(), &email).is_ok());
    }

    #[test]
    fn never_printed() {
        let password = choose("correct horse battery").unwrap();
        assert_eq!(format!("{password:?}"), "Password(…)");
        assert_eq!(password.expose(), b"correct horse battery");
        let error = serde_json::from_str::<Password>(&format!("{:?}", "horse ".repeat(100))).unwrap_err();
        assert!(!error.to_string().contains("horse"), "{error}");
    }

    #[test]
    fn logging_in_asks_for_length_only() {
        assert!(Password::attempt("x".to_owned()).is_ok());
        assert!(Password::attempt("ä".repeat(MAX)).is_ok());
        assert_eq!(Password::attempt("ä".repeat(MAX + 1)).unwrap_err(), PasswordError::TooLong);
    }

    proptest! {
        #[test]
        fn it_is_kept_to_the_byte(text in "\\PC{10,64}") {
            if let Ok(password) = choose(&text) {
                prop_assert_eq!(password.expose(), text.as_bytes());
            }
        }

        #[test]
        fn no_text_breaks_the_rules_apart(text in any::<String>()) {
            let _ = choose(&text);
        }
    }
}
