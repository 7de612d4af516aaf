//! Mail addresses.

use std::str::FromStr;

use email_address::{EmailAddress, Options};
use names::Hostname;
use serde::{Deserialize, Serialize};

/// The most characters an address may have (RFC 5321's path of 256 without its brackets; RFC 3696 errata 1690).
pub const MAX: usize = 254;

/// A mail address that a letter can be written to: `Ada@birds.example`.
///
/// The part before the @ is kept as typed, because its server may tell capitals apart; two addresses are one person's
/// when their [`Email::canonical`] forms are equal. Quoted local parts, comments and addresses that need SMTPUTF8 are
/// refused: nearly nobody has them, and each of them is a way to smuggle something into a header.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email {
    text: String,
    at: usize,
}

/// Why a text is no mail address. Says the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Longer than [`MAX`].
    #[error("a mail address has at most 254 characters")]
    TooLong,
    /// Control characters, blanks inside, quotes, or letters outside of ASCII before the @.
    #[error("a mail address has only plain letters, digits and signs before the @, no blanks and no quotes")]
    Characters,
    /// Not of the form `name@domain`.
    #[error("a mail address looks like name@domain.example")]
    Form,
    /// The part behind the @ is no public domain.
    #[error("the part behind the @ is not the name of a domain")]
    Domain,
}

impl EmailError {
    /// The stable word for it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "email-too-long",
            Self::Characters => "email-characters",
            Self::Form => "email-form",
            Self::Domain => "email-domain",
        }
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        // People paste addresses with blanks around them.
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if text.len() > 4 * MAX {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError::Form)?;
        if !local.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"') {
            return Err(EmailError::Characters);
        }
        let domain: Hostname = domain.parse().map_err(|_| EmailError::Domain)?;
        let text = format!("{local}@{domain}");
        if text.chars().count() > MAX {
            return Err(EmailError::TooLong);
        }
        let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
        EmailAddress::parse_with_options(&text, options).map_err(|_| EmailError::Form)?;
        Ok(Self { at: local.len(), text })
    }
}

impl Email {
    /// The address, for writing to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form in which addresses are compared and must be unique: lower case, as Postgres' `lower()` makes it.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.text.to_ascii_lowercase()
    }

    /// The part before the @.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.text[..self.at]
    }

    /// The part behind the @, in lower-case ASCII.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl Eq for Email {}

impl std::hash::Hash for Email {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl std::fmt::Display for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn taken() {
        for (given, kept) in [
            ("ada@birds.example", "ada@birds.example"),
            (" Ada.Lovelace+steppe@Birds.EXAMPLE\n", "Ada.Lovelace+steppe@birds.example"),
            ("o'neill@birds.example", "o'neill@birds.example"),
            ("ada@vögel.example", "ada@xn--vgel-5qa.example"),
            ("a@b.test", "a@b.test"),
        ] {
            assert_eq!(given.parse::<Email>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn refused() {
        let long = format!("{}@birds.example", "a".repeat(65));
        for (given, error) in [
            ("", EmailError::Form),
            ("ada", EmailError::Form),
            ("@birds.example", EmailError::Form),
            ("ada@", EmailError::Domain),
            ("ada@birds", EmailError::Domain),
            ("ada@localhost", EmailError::Domain),
            ("ada@127.0.0.1", EmailError::Domain),
            ("ada@[127.0.0.1]", EmailError::Domain),
            ("ada@birds.example\r\nBcc: eve@birds.example", EmailError::Characters),
            ("ada@birds.example\0", EmailError::Domain),
            ("a da@birds.example", EmailError::Characters),
            ("Ada <ada@birds.example>", EmailError::Characters),
            ("\"ada\"@birds.example", EmailError::Characters),
            ("ådå@birds.example", EmailError::Characters),
            ("ada\u{202e}@birds.example", EmailError::Characters),
            (".ada@birds.example", EmailError::Form),
            ("a..da@birds.example", EmailError::Form),
            ("ada@eve@birds.example", EmailError::Form),
            ("ada,eve@birds.example", EmailError::Form),
            (&long, EmailError::Form),
        ] {
            assert_eq!(given.parse::<Email>().unwrap_err(), error, "{given:?}");
        }
    }

    #[test]
    fn at_most_254_characters() {
        let domain = |length: usize| format!("{}.example", vec!["b".repeat(47); 4].join(".")[..length - 8].to_owned());
        let fits = format!("{}@{}", "a".repeat(64), domain(189));
        assert_eq!(fits.len(), MAX);
        assert!(fits.parse::<Email>().is_ok());
        let over = format!("{}@{}", "a".repeat(64), domain(190));
        assert_eq!(over.parse::<Email>().unwrap_err(), EmailError::TooLong);
        assert_eq!("a".repeat(10_000_000).parse::<Email>().unwrap_err(), EmailError::TooLong);
    }

    #[test]
    fn capitals_make_no_other_person() {
        let (one, other): (Email, Email) = ("Ada@birds.example".parse().unwrap(), "ada@BIRDS.example".parse().unwrap());
        assert_eq!(one, other);
        assert_eq!(one.canonical(), "ada@birds.example");
        assert_eq!((one.local(), one.domain()), ("Ada", "birds.example"));
    }

    proptest! {
        #[test]
        fn what_is_taken_is_safe_in_a_header_and_stays(text in "\\PC{0,20}@\\PC{1,10}\\.example") {
            if let Ok(email) = text.parse::<Email>() {
                prop_assert!(email.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
                let again: Email = email.as_str().parse().unwrap();
                prop_assert_eq!(again.as_str(), email.as_str());
                prop_assert_eq!(email.canonical().parse::<Email>().unwrap(), email);
            }
        }
    }
}
