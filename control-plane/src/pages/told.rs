//! What a page tells its reader when they come to it from a form: `/account?told=saved`.
//!
//! A word in the address rather than a cookie: nothing to keep, nothing to clear. Only words of this list are told, in texts of
//! ours, so that a link made by others can say nothing but that.

/// The words; each has a text `told-WORD`.
const WORDS: &[&str] = &[
    "agreed",
    "answered",
    "approved",
    "confirmation-sent",
    "confirmed",
    "declined",
    "deleted",
    "email-changed",
    "email-sent",
    "handed-over",
    "held",
    "hold-lifted",
    "invitation-revoked",
    "invited",
    "joined",
    "left",
    "logged-out",
    "member-removed",
    "organization-deleted",
    "password-changed",
    "report-closed",
    "reset",
    "retried",
    "role-changed",
    "saved",
    "session-ended",
    "sessions-ended",
    "token-revoked",
];

/// The word in a path and query, if there is one of ours.
#[must_use]
pub fn read(path: &str) -> Option<&'static str> {
    let (_, query) = path.split_once('?')?;
    let word = query.split('&').find_map(|pair| pair.strip_prefix("told="))?;
    WORDS.iter().copied().find(|known| *known == word)
}

#[cfg(test)]
mod tests {
    use domain::Locale;

    use super::*;
    use crate::text::Texts;

    #[test]
    fn only_our_own_words_are_told() {
        assert_eq!(read("/account?told=saved"), Some("saved"));
        assert_eq!(read("/account?x=1&told=saved"), Some("saved"));
        for other in
            ["/account", "/account?told=", "/account?told=You+have+won", "/account?untold=saved", "/told=saved"]
        {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn each_has_a_text() {
        for word in WORDS {
            let id = format!("told-{word}");
            assert_ne!(Texts::new(Locale::En).get(&id), id);
        }
    }
}
