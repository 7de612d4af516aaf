//! What two runs of the same thing differ in by nature, taken out of texts.

use super::call::Call;

/// Replaces what differs between runs of the same thing, such as a run's name; UUIDs always.
#[derive(Clone, Debug, Default)]
pub struct Mask(Vec<(String, String)>);

impl Mask {
    /// Replaces `from` by `to`.
    #[must_use]
    pub fn replace(mut self, from: &str, to: &str) -> Self {
        self.0.push((from.to_owned(), to.to_owned()));
        self
    }

    /// The text with all replacements made.
    pub fn text(&self, text: &str) -> String {
        uuids(&self.0.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)))
    }

    /// The call with its names masked.
    pub fn call(&self, call: &Call) -> Call {
        Call { namespace: self.text(&call.namespace), name: self.text(&call.name), ..call.clone() }
    }
}

/// The text with every time such as `2026-01-02T03:04:05Z` replaced.
pub(super) fn times(text: &str) -> String {
    const SHAPE: &str = "0000-00-00T00:00:00";
    let begins = |text: &str| {
        text.len() >= SHAPE.len()
            && text.bytes().zip(SHAPE.bytes()).all(|(found, wanted)| match wanted {
                b'0' => found.is_ascii_digit(),
                _ => found == wanted,
            })
    };
    let (mut out, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        if begins(rest) {
            out.push_str("TIME");
            let end = |byte: u8| !byte.is_ascii_digit() && byte != b'.';
            rest = &rest[SHAPE.len()..];
            rest = &rest[rest.bytes().position(end).unwrap_or(rest.len())..];
            rest = rest.strip_prefix('Z').unwrap_or(rest);
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// The text with every UUID replaced.
fn uuids(text: &str) -> String {
    const SHAPE: [usize; 5] = [8, 4, 4, 4, 12];
    let is_uuid = |text: &str| {
        let mut parts = text.split('-');
        let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
        SHAPE.iter().all(|length| parts.next().is_some_and(|part| part.len() == *length && hex(part)))
            && parts.next().is_none()
    };
    let (mut out, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        match rest.get(..36) {
            Some(candidate) if is_uuid(candidate) => {
                out.push_str("UUID");
                rest = &rest[36..];
            }
            _ => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_hold_an_uid_are_equal() {
        let mask = Mask::default().replace("r1x", "RUN");
        let volume = |uid: &str| Call::of("PATCH", &format!("/api/v1/persistentvolumes/pvc-{uid}"), "");
        let one = mask.call(&volume("0f8fad5b-d9cb-469f-a165-70867728950e"));
        assert_eq!(one.name, "pvc-UUID");
        assert_eq!(one, mask.call(&volume("7c9e6679-7425-40de-944b-e07fc1f90ae7")));
        assert_eq!(mask.text("r1x-birds and 7c9e6679-7425"), "RUN-birds and 7c9e6679-7425");
    }

    #[test]
    fn times_are_found_inside_of_text() {
        assert_eq!(times("2026-01-02T03:04:05Z begun"), "TIME begun");
        assert_eq!(times("at 2026-01-02T03:04:05.125Z, later"), "at TIME, later");
        assert_eq!(times("2026-01-02 is no time, nor is 12:00"), "2026-01-02 is no time, nor is 12:00");
    }
}
