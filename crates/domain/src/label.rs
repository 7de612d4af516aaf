//! Names under a cell's zone: what a customer may call their server.

mod reserved;

use names::Hostname;

use reserved::is_reserved;

/// The fewest characters of a label. Shorter ones are few and are better given by hand.
pub const MIN: usize = 3;
/// The most characters of a label: it is typed, and read aloud.
pub const MAX: usize = 40;

/// A choice of names under a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerName;

/// Why a label cannot be a server's name. Says the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Too short or too long.
    #[error("must have 3 to 40 characters")]
    Length,
    /// Something else than letters, digits and hyphens.
    #[error("may contain only the letters a to z, digits and hyphens")]
    Characters,
    /// A hyphen at an end.
    #[error("must not begin or end with a hyphen")]
    Edge,
    /// Hyphens in third and fourth place: `xn--` and whatever else may be made of it.
    #[error("must not have two hyphens as third and fourth character, which marks encoded names")]
    Encoded,
    /// Digits only.
    #[error("must have a letter in it")]
    Digits,
    /// A name that belongs to the service, or would be taken for it.
    #[error("is kept for the service itself")]
    Reserved,
    /// The whole name would be too long.
    #[error("is too long under this zone")]
    Zone,
}

impl LabelError {
    /// The stable word for it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Length => "label-length",
            Self::Characters => "label-characters",
            Self::Edge => "label-edge",
            Self::Encoded => "label-encoded",
            Self::Digits => "label-digits",
            Self::Reserved => "label-reserved",
            Self::Zone => "label-zone",
        }
    }
}

impl ServerName {
    /// The host name that `label` becomes under `zone`. Capitals and blanks at the ends are forgiven.
    ///
    /// Names in other scripts are refused, as letters and as punycode: under one zone where all get their names, `аpple`
    /// with a Cyrillic а is a neighbour of `apple`, and browsers show it by its letters. RFC 5891 §4.2.3.1 keeps hyphens in
    /// third and fourth place for such encodings, those to come included.
    pub fn parse(label: &str, zone: &Hostname) -> Result<Hostname, LabelError> {
        let label = label.trim();
        if label.len() > 4 * MAX {
            return Err(LabelError::Length);
        }
        let label = label.to_ascii_lowercase();
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !label.bytes().all(inner) {
            return Err(LabelError::Characters);
        }
        if !(MIN..=MAX).contains(&label.len()) {
            return Err(LabelError::Length);
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(LabelError::Edge);
        }
        if label.as_bytes().get(2..4) == Some(b"--") {
            return Err(LabelError::Encoded);
        }
        if label.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            return Err(LabelError::Digits);
        }
        if is_reserved(&label) {
            return Err(LabelError::Reserved);
        }
        format!("{label}.{zone}").parse().map_err(|_| LabelError::Zone)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(label: &str) -> Result<String, LabelError> {
        ServerName::parse(label, &"social.example".parse().unwrap()).map(String::from)
    }

    #[test]
    fn taken() {
        for (given, kept) in [
            ("birds", "birds.social.example"),
            (" Birds ", "birds.social.example"),
            ("b1r", "b1r.social.example"),
            ("0day", "0day.social.example"),
            ("a-b-c", "a-b-c.social.example"),
            ("a--b", "a--b.social.example"),
            ("mailbox-club", "mailbox-club.social.example"),
            ("administration", "administration.social.example"),
            (&"a".repeat(40), &format!("{}.social.example", "a".repeat(40))),
        ] {
            assert_eq!(parse(given).as_deref(), Ok(kept));
        }
    }

    #[test]
    fn refused_by_name_of_the_rule() {
        for (given, error) in [
            ("", LabelError::Length),
            ("ab", LabelError::Length),
            (&"a".repeat(41), LabelError::Length),
            (&"a".repeat(10_000_000), LabelError::Length),
            ("b.rds", LabelError::Characters),
            ("b_rds", LabelError::Characters),
            ("b rds", LabelError::Characters),
            ("vögel", LabelError::Characters),
            ("аpple", LabelError::Characters),
            ("birds\u{200b}", LabelError::Characters),
            ("birds\0", LabelError::Characters),
            ("ＢＩＲＤＳ", LabelError::Characters),
            ("*.birds", LabelError::Characters),
            ("-birds", LabelError::Edge),
            ("birds-", LabelError::Edge),
            ("xn--pple-43d", LabelError::Encoded),
            ("XN--pple-43d", LabelError::Encoded),
            ("ab--birds", LabelError::Encoded),
            ("12345", LabelError::Digits),
            ("1-2", LabelError::Digits),
            ("www", LabelError::Reserved),
            ("WWW", LabelError::Reserved),
            ("postmaster", LabelError::Reserved),
            ("admin1", LabelError::Reserved),
            ("ad-min", LabelError::Reserved),
        ] {
            assert_eq!(parse(given).unwrap_err(), error, "{given:?}");
        }
    }

    #[test]
    fn the_zone_has_its_part_in_the_length() {
        let zone: Hostname =
            format!("{}.example", vec!["z".repeat(60); 4].join(".")[..240].to_owned()).parse().unwrap();
        assert_eq!(ServerName::parse("birds", &zone), Err(LabelError::Zone));
    }

    proptest! {
        #[test]
        fn what_is_taken_is_one_plain_label_under_the_zone(label in "\\PC{1,45}|[a-z0-9-]{1,45}") {
            let zone: Hostname = "social.example".parse().unwrap();
            if let Ok(name) = ServerName::parse(&label, &zone) {
                prop_assert!(name.is_in(&zone));
                let head = name.as_str().strip_suffix(".social.example").unwrap();
                prop_assert!((MIN..=MAX).contains(&head.len()) && !head.contains('.') && !head.starts_with("xn--"));
                prop_assert_eq!(ServerName::parse(head, &zone), Ok(name.clone()));
            }
        }
    }
}
