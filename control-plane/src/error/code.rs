//! The stable words for what can go wrong. Each has a title and an explanation in the texts: `problem-CODE` and its `.help`.

use http::StatusCode;

macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $word:literal, $status:ident;)+) => {
        /// What went wrong, for programs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$meta])* $name,)+
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The status it is answered with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }
        }
    };
}

codes! {
    /// A defect of ours.
    Internal = "internal", INTERNAL_SERVER_ERROR;
    /// A system of ours does not answer just now.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE;
    /// Fields are missing or cannot be used; they are named.
    Invalid = "invalid", UNPROCESSABLE_ENTITY;
    /// The request itself cannot be read: broken JSON, wrong encoding.
    Malformed = "malformed", BAD_REQUEST;
    /// Larger than anything we take.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE;
    /// A body of a type we do not read.
    UnsupportedType = "unsupported-type", UNSUPPORTED_MEDIA_TYPE;
    /// There is no such thing, or it is somebody else's.
    NotFound = "not-found", NOT_FOUND;
    /// The address is right, the method is not.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED;
    /// Nobody is logged in, or the token is not good.
    Unauthenticated = "unauthenticated", UNAUTHORIZED;
    /// The role or the token's scope does not allow it.
    Forbidden = "forbidden", FORBIDDEN;
    /// The password has to be entered again first.
    PasswordNeeded = "password-needed", FORBIDDEN;
    /// The mail address has to be confirmed first.
    Unconfirmed = "unconfirmed", FORBIDDEN;
    /// A form was sent from another site.
    CrossSite = "cross-site", FORBIDDEN;
    /// Mail address or password are wrong.
    WrongLogin = "wrong-login", UNPROCESSABLE_ENTITY;
    /// A link from a mail is used up, too old or damaged.
    LinkDead = "link-dead", GONE;
    /// Too many tries.
    TooMany = "too-many", TOO_MANY_REQUESTS;
    /// Somebody changed it meanwhile.
    Stale = "stale", PRECONDITION_FAILED;
    /// `If-Match` is needed.
    PreconditionNeeded = "precondition-needed", PRECONDITION_REQUIRED;
    /// It is not in a state in which this can be done.
    WrongState = "wrong-state", CONFLICT;
    /// The same `Idempotency-Key` with another request.
    KeyReused = "key-reused", UNPROCESSABLE_ENTITY;
    /// The first request with this `Idempotency-Key` is still being answered.
    KeyBusy = "key-busy", CONFLICT;
    /// The host name is taken.
    NameTaken = "name-taken", CONFLICT;
    /// The organization has as many servers as it may.
    LimitReached = "limit-reached", CONFLICT;
    /// Servers are still there.
    ServersLeft = "servers-left", CONFLICT;
    /// Organizations with other people in them are still theirs.
    OrganizationsLeft = "organizations-left", CONFLICT;
    /// Another account has this mail address.
    AddressTaken = "address-taken", CONFLICT;
    /// An invitation for somebody else's address.
    NotInvited = "not-invited", FORBIDDEN;
    /// An offer that is not offered any more, or not at this price.
    OfferChanged = "offer-changed", CONFLICT;
    /// The same person is a member already, or was invited.
    AlreadyMember = "already-member", CONFLICT;
    /// Bundles wait a day after the password or the address was changed.
    DownloadPaused = "download-paused", FORBIDDEN;
    /// It was shown once and is gone.
    ShownOnce = "shown-once", GONE;
    /// A part of a file that is not there.
    RangeNotSatisfiable = "range-not-satisfiable", RANGE_NOT_SATISFIABLE;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_statuses_are_errors() {
        let words: std::collections::BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| code.status().is_client_error() || code.status().is_server_error()));
    }
}
