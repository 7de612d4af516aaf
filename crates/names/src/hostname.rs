use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::NameError;

/// The public name of a server, for example `birds.example`, in its canonical ASCII form: lower case, international
/// labels in punycode (UTS 46), no dot at the end.
///
/// It is part of a server's identity on the network and can never change after the first federated message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hostname(String);

const WHAT: &str = "host name";

/// Zones that cannot carry a public server: RFC 6761 and 6762 special names, Tor's, and `localhost`, which resolvers
/// inside pods map to loopback. `.test` is left in: local clusters live there.
const SPECIAL: [&str; 6] = ["localhost", "local", "invalid", "onion", "arpa", "internal"];

impl FromStr for Hostname {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fail = |rule| Err(NameError::new(WHAT, text, rule));
        if text.len() > 1024 {
            return fail("must not be longer than 253 characters");
        }
        let Ok(ascii) = idna::domain_to_ascii_strict(text) else {
            return fail("must consist of labels of letters, digits and inner hyphens, like birds.example");
        };
        if ascii.len() > 253 {
            return fail("must not be longer than 253 characters");
        }
        let labels: Vec<&str> = ascii.split('.').collect();
        if labels.len() < 2 {
            return fail("must have at least two labels, like birds.example");
        }
        if labels.iter().any(|label| !is_ldh(label)) {
            return fail("must consist of labels of letters, digits and inner hyphens, like birds.example");
        }
        let top = labels.last().copied().unwrap_or_default();
        if top.bytes().all(|b| b.is_ascii_digit()) {
            return fail("must not be an IP address");
        }
        if SPECIAL.contains(&top) {
            return fail("must not lie in a zone that is reserved for machines' own use");
        }
        Ok(Self(ascii))
    }
}

fn is_ldh(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl Hostname {
    /// Whether the name lies in `zone` (one or more labels below it; a zone is not in itself).
    #[must_use]
    pub fn is_in(&self, zone: &Hostname) -> bool {
        self.0.strip_suffix(zone.as_str()).is_some_and(|head| head.ends_with('.'))
    }
}

text_name!(Hostname, max 253, pattern "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$", example "birds.example");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form() {
        for (given, canonical) in [
            ("birds.example", "birds.example"),
            ("Birds.EXAMPLE", "birds.example"),
            ("vögel.example", "xn--vgel-5qa.example"),
            ("a-b.c1.test", "a-b.c1.test"),
        ] {
            assert_eq!(given.parse::<Hostname>().unwrap().as_str(), canonical);
        }
    }

    #[test]
    fn refused() {
        for given in [
            "",
            "birds",
            ".",
            "birds.",
            "birds..example",
            "-a.example",
            "a-.example",
            "a_b.example",
            "a b.example",
            "127.0.0.1",
            "10.1",
            "a.localhost",
            "printer.local",
            "x.onion",
            "birds.example/x",
            "birds.example:443",
            "https://birds.example",
            "*.example",
        ] {
            assert!(given.parse::<Hostname>().is_err(), "{given:?} was taken");
        }
        assert!(format!("{}.example", "a".repeat(64)).parse::<Hostname>().is_err());
        assert!("a.".repeat(200).parse::<Hostname>().is_err());
        assert!("a".repeat(100_000).parse::<Hostname>().unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn lies_in_a_zone() {
        let zone: Hostname = "steppe.test".parse().unwrap();
        assert!("a.steppe.test".parse::<Hostname>().unwrap().is_in(&zone));
        assert!(!"asteppe.test".parse::<Hostname>().unwrap().is_in(&zone));
        assert!(!zone.is_in(&zone));
    }
}
