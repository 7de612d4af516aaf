//! Who does something: written beside everything that is done.

use std::net::IpAddr;

use domain::id::{AccountId, StaffId, TokenId};

use crate::request::Request;

/// Who does something, from where.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Who.
    pub who: Who,
    /// A name for people, as it was then.
    pub name: String,
    /// From where; absent for our own programs.
    pub address: Option<IpAddr>,
    /// The request it was asked for in.
    pub request_id: Option<String>,
}

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Nobody is known yet: signing up, reporting abuse.
    Visitor,
    /// A customer in a browser.
    Account(AccountId),
    /// A program with a customer's token.
    Token(TokenId),
    /// One of us.
    Staff(StaffId),
    /// A program of ours, by itself.
    System,
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Visitor => f.write_str("visitor"),
            Self::Account(id) => write!(f, "account:{id}"),
            Self::Token(id) => write!(f, "token:{id}"),
            Self::Staff(id) => write!(f, "staff:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}

impl Who {
    /// Who is meant by the text that [`Display`](std::fmt::Display) made; nobody by any other one.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("account", id)) => id.parse().ok().map(Self::Account),
            Some(("token", id)) => id.parse().ok().map(Self::Token),
            Some(("staff", id)) => id.parse().ok().map(Self::Staff),
            None if text == "system" => Some(Self::System),
            None if text == "visitor" => Some(Self::Visitor),
            Some(_) | None => None,
        }
    }
}

impl Actor {
    /// A program of ours, by itself.
    #[must_use]
    pub fn system() -> Self {
        Self { who: Who::System, name: "Steppe".to_owned(), address: None, request_id: None }
    }

    /// Whoever sent a request.
    #[must_use]
    pub fn of(request: &Request, who: Who, name: impl Into<String>) -> Self {
        Self { who, name: name.into(), address: Some(request.address), request_id: Some(request.id.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_written_is_read() {
        let id = uuid::Uuid::from_u128(7);
        let all = [Who::Visitor, Who::Account(id.into()), Who::Token(id.into()), Who::Staff(id.into()), Who::System];
        for who in all {
            assert_eq!(Who::read(&who.to_string()), Some(who));
        }
        for wrong in ["", "staff", "staff:", "staff:x", "system:x", "somebody"] {
            assert_eq!(Who::read(wrong), None, "{wrong}");
        }
    }
}
