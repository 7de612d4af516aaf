//! Ids of our own things: a UUID of version 7 that knows what it is the id of.
//!
//! Shown to people as a prefix and 26 characters, `inst_01k9…`: whoever reads one in a log or a mail sees what it names,
//! and one cannot be given where another is wanted.

use std::str::FromStr;

use jiff::Timestamp;
use names::base32;
use uuid::Uuid;

/// A text that is no id, or one of another kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not an id of this kind: `{prefix}_` and 26 lower-case letters and digits")]
pub struct IdError {
    /// How ids of the wanted kind begin, without the underscore.
    pub prefix: &'static str,
    /// What was given, cut to 80 characters.
    pub given: String,
}

/// A UUID of version 7: the time in milliseconds, then chance. Later ones sort after earlier ones.
fn version_7(at: Timestamp, random: [u8; 10]) -> Uuid {
    let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid()
}

fn parse(prefix: &'static str, text: &str) -> Result<Uuid, IdError> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .and_then(base32::decode)
        .map(Uuid::from_u128)
        .ok_or_else(|| IdError { prefix, given: text.chars().take(80).collect() })
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// How its text begins, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new one.
            #[must_use]
            pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
                Self(version_7(at, random))
            }

            /// The id as the database has it.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), base32::encode(self.0.as_u128()))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse($prefix, text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+

        #[cfg(test)]
        const PREFIXES: &[&str] = &[$($prefix),+];
    };
}

ids! {
    /// A person who logs in.
    AccountId = "acc";
    /// Those on whose behalf servers are ordered and paid.
    OrganizationId = "org";
    /// A mailed invitation to an organization.
    InvitationId = "inv";
    /// A log-in, of a customer or of staff.
    SessionId = "ses";
    /// An API token.
    TokenId = "tok";
    /// One of us.
    StaffId = "stf";
    /// One version of something that can be ordered.
    OfferId = "ofr";
    /// A cluster with its operator.
    CellId = "cel";
    /// The wish for a server.
    OrderId = "ord";
    /// A server.
    InstanceId = "inst";
    /// A reason why a server is stopped.
    HoldId = "hld";
    /// A bundle that is made or was made.
    ExportId = "exp";
    /// A change to an account on a server, asked for from the dashboard.
    AccountChangeId = "chg";
    /// Something that is being done.
    OperationId = "op";
    /// A report of abuse.
    ReportId = "rep";
    /// A mail.
    MailId = "mail";
}

impl InstanceId {
    /// The name of its object in the cell: made from the id, so that a repeat finds what the first try made.
    #[must_use]
    pub fn object_name(self) -> names::InstanceId {
        names::InstanceId::numbered(self.0.as_u128())
    }
}

impl ExportId {
    /// The name of its object in the cell.
    #[must_use]
    pub fn object_name(self) -> String {
        format!("e-{}", base32::encode(self.0.as_u128()))
    }
}

impl AccountChangeId {
    /// The name of its object in the cell.
    #[must_use]
    pub fn object_name(self) -> String {
        format!("c-{}", base32::encode(self.0.as_u128()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn one_kind_is_not_taken_for_another() {
        let id = InstanceId::new(at(1_790_000_000), [7; 10]);
        let text = id.to_string();
        assert_eq!(text, "inst_01m3250v00ew3re1r70w3ge1r7");
        assert_eq!(text.parse(), Ok(id));
        let error = text.parse::<OrderId>().unwrap_err();
        assert_eq!(error.prefix, "ord");
        assert!(error.to_string().contains("`ord_` and 26"));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("{text:?}"));
        assert_eq!(serde_json::from_str::<InstanceId>(&format!("{text:?}")).unwrap(), id);
        assert!(serde_json::from_str::<OrderId>(&format!("{text:?}")).is_err());
    }

    #[test]
    fn only_the_canonical_text_is_taken() {
        let text = HoldId::from(Uuid::from_u128(0xabc)).to_string();
        for bad in [
            text.to_uppercase(),
            format!(" {text}"),
            format!("{text} "),
            text.replacen("hld_", "hld", 1),
            text.replacen("hld_", "hld-", 1),
            text.replacen("hld_", "", 1),
            text.replacen("hld_0", "hld_8", 1),
            text.replacen('0', "o", 1),
            "hld_".to_owned(),
            Uuid::from_u128(0xabc).to_string(),
            "é".repeat(100),
        ] {
            assert!(bad.parse::<HoldId>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn no_prefix_is_given_twice() {
        assert_eq!(PREFIXES.iter().collect::<BTreeSet<_>>().len(), PREFIXES.len());
    }

    #[test]
    fn it_is_a_uuid_of_version_7_and_an_early_clock_is_no_panic() {
        let uuid = MailId::new(at(1_790_000_000), [255; 10]).uuid();
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(MailId::new(at(-5), [0; 10]).uuid().get_version_num(), 7);
    }

    #[test]
    fn object_names_are_labels_of_their_kind() {
        let uuid = Uuid::from_u128(u128::MAX);
        assert_eq!(InstanceId::from(uuid).object_name().as_str(), "i-7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(ExportId::from(uuid).object_name(), "e-7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(AccountChangeId::from(uuid).object_name(), "c-7zzzzzzzzzzzzzzzzzzzzzzzzz");
    }

    proptest! {
        #[test]
        fn there_and_back(number: u128) {
            let id = AccountId::from(Uuid::from_u128(number));
            prop_assert_eq!(id.to_string().parse(), Ok(id));
        }

        #[test]
        fn whatever_is_taken_is_printed_the_same(text in "(op_)?[0-9a-zA-Z]{25,27}") {
            if let Ok(id) = text.parse::<OperationId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn a_later_one_sorts_later(first in 0_i64..4_000_000_000, wait in 1_i64..1000, a: [u8; 10], b: [u8; 10]) {
            let (early, late) = (OrderId::new(at(first), a), OrderId::new(at(first + wait), b));
            prop_assert!(early < late);
            prop_assert!(early.to_string() < late.to_string());
        }
    }
}
