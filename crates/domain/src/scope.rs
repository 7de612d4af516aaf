//! What an API token may do: less than its person, never more.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::{Right, Role, UnknownWord};

words! {
    /// A part of what a role may do, as an API token is given it.
    pub enum Scope, "scope" {
        /// See servers, their operations and history.
        InstancesRead = "instances:read",
        /// Change servers: settings, pause, people on them.
        InstancesWrite = "instances:write",
        /// See which bundles there are.
        ExportsRead = "exports:read",
        /// Start exports.
        ExportsWrite = "exports:write",
        /// See orders and what is offered.
        OrdersRead = "orders:read",
        /// Order servers, cancel and retry orders.
        OrdersWrite = "orders:write",
        /// See the organization, its members and its audit log.
        OrganizationRead = "organization:read",
        /// Rename the organization, invite and manage its members.
        OrganizationWrite = "organization:write",
    }
}

impl Scope {
    /// What it allows. Writing does not contain reading: a token that only starts exports at night need see nothing.
    ///
    /// Nothing that [`Right::needs_password`] is in any scope: a token cannot enter a password again, so a stolen one
    /// takes no bundle away, ends no server and makes no further tokens. Money is left out until it is more than a page.
    #[must_use]
    pub const fn rights(self) -> &'static [Right] {
        match self {
            Self::InstancesRead | Self::ExportsRead | Self::OrdersRead => &[Right::See],
            Self::InstancesWrite => &[Right::Settings, Right::Pause, Right::UndoClose, Right::AddUsers],
            Self::ExportsWrite => &[Right::Export],
            Self::OrdersWrite => &[Right::Order],
            Self::OrganizationRead => &[Right::SeeMembers, Right::SeeAudit],
            Self::OrganizationWrite => &[Right::Members, Right::Invite, Right::Rename],
        }
    }
}

/// The scopes of one token. Written as words with blanks between them, in the order of the list of scopes (RFC 6749
/// §3.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Whether one of the token's scopes is this one.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// The scopes, in order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    /// Whether there is none: such a token is of no use and is not made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a token may do something where its person has this role: the role must allow it today, and the request
    /// must be one of a scope that the token has.
    #[must_use]
    pub fn may(&self, role: Role, scope: Scope, right: Right) -> bool {
        self.has(scope) && scope.rights().contains(&right) && role.may(right)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl FromStr for Scopes {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::*;

    #[test]
    fn no_token_does_what_hurts() {
        for scope in Scope::ALL {
            assert!(scope.rights().iter().all(|right| !right.needs_password()), "{scope}");
        }
    }

    #[test]
    fn every_right_that_asks_for_no_password_can_be_given_except_money() {
        let given: BTreeSet<_> = Scope::ALL.iter().flat_map(|scope| scope.rights()).collect();
        let missing: Vec<_> =
            Right::ALL.iter().filter(|right| !right.needs_password() && !given.contains(right)).collect();
        assert_eq!(missing, [&Right::Billing]);
    }

    #[test]
    fn each_is_a_noun_to_read_or_write() {
        for scope in Scope::ALL {
            let (noun, verb) = scope.as_str().split_once(':').unwrap();
            assert!(!noun.is_empty() && ["read", "write"].contains(&verb), "{scope}");
        }
    }

    #[test]
    fn parsed_in_any_order_and_printed_in_one() {
        let scopes: Scopes = " exports:write instances:read\texports:write".parse().unwrap();
        assert_eq!(scopes.to_string(), "instances:read exports:write");
        assert!("instances:read instances:delete".parse::<Scopes>().is_err());
        assert!("".parse::<Scopes>().unwrap().is_empty());
        assert_eq!(serde_json::to_string(&scopes).unwrap(), r#"["instances:read","exports:write"]"#);
        assert!(serde_json::from_str::<Scopes>(r#"["*"]"#).is_err());
    }

    #[test]
    fn a_token_loses_what_its_person_loses() {
        let scopes: Scopes = "exports:write".parse().unwrap();
        assert!(scopes.may(Role::Admin, Scope::ExportsWrite, Right::Export));
        assert!(!scopes.may(Role::Moderator, Scope::ExportsWrite, Right::Export));
        assert!(!scopes.may(Role::Owner, Scope::ExportsRead, Right::See));
        assert!(!scopes.may(Role::Owner, Scope::ExportsWrite, Right::Download));
    }

    proptest! {
        #[test]
        fn never_more_than_the_role(
            scopes in subsequence(Scope::ALL.to_vec(), 0..=Scope::ALL.len()), role in select(Role::ALL),
            scope in select(Scope::ALL), right in select(Right::ALL),
        ) {
            let scopes: Scopes = scopes.into_iter().collect();
            let again: Scopes = scopes.to_string().parse().unwrap();
            prop_assert_eq!(&again, &scopes);
            prop_assert!(!scopes.may(role, scope, right) || (role.may(right) && scopes.has(scope)));
        }
    }
}
