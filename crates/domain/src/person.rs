//! Names that people give to themselves and to their organizations, and words they write to each other.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most characters a name may have.
pub const MAX: usize = 100;

/// What a person or an organization is called: 1 to 100 characters of any script, without blanks at the ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

/// Text of several lines that a person wrote for another to read: a reason, a report. 1 to `MAX` characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prose<const MAX: usize>(String);

/// Why a text is not taken. Says the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but blanks.
    #[error("must not be empty")]
    Empty,
    /// Too many characters.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// Characters that cannot be seen, or that turn the direction of what stands around them.
    #[error("must not have control characters or invisible ones")]
    Characters,
}

impl TextError {
    /// The stable word for a name that is not taken.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "name-empty",
            Self::TooLong(_) => "name-too-long",
            Self::Characters => "name-characters",
        }
    }

    /// The stable word for a longer text that is not taken.
    #[must_use]
    pub const fn text_code(self) -> &'static str {
        match self {
            Self::Empty => "text-empty",
            Self::TooLong(_) => "text-too-long",
            Self::Characters => "text-characters",
        }
    }
}

/// Characters that are not seen or change how others are read: one could pass for somebody else with them ("Trojan
/// Source", CVE-2021-42574), or have a name that nobody can see. Joiners stay where scripts and emoji need them:
/// between two other characters.
const fn is_treacherous(character: char) -> bool {
    matches!(character,
        '\u{061c}' | '\u{200e}' | '\u{200f}'    // marks of direction
        | '\u{202a}'..='\u{202e}'               // embeddings and overrides
        | '\u{2066}'..='\u{2069}'               // isolates
        | '\u{2028}' | '\u{2029}'               // separators of lines and paragraphs
        | '\u{00ad}' | '\u{034f}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{feff}' // nothing to see
        | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' // blanks that count as letters or signs
        | '\u{fff0}'..='\u{fffb}'               // specials
        | '\u{e0000}'..='\u{e0fff}'             // tags: letters that are not seen
    )
}

const fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

fn parse(text: &str, max: usize, lines: bool) -> Result<String, TextError> {
    // A text of megabytes is not looked at.
    if text.len() > 16 * max.max(MAX) {
        return Err(TextError::TooLong(max));
    }
    let text = text.trim().replace("\r\n", "\n");
    let allowed = |character: char| lines && matches!(character, '\n' | '\t');
    if text.chars().any(|character| is_treacherous(character) || (character.is_control() && !allowed(character))) {
        return Err(TextError::Characters);
    }
    if text.starts_with(is_joiner) || text.ends_with(is_joiner) {
        return Err(TextError::Characters);
    }
    match text.chars().count() {
        0 => Err(TextError::Empty),
        count if count > max => Err(TextError::TooLong(max)),
        _ => Ok(text),
    }
}

impl FromStr for PersonName {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        parse(text, MAX, false).map(Self)
    }
}

impl PersonName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for PersonName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PersonName {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        text.parse()
    }
}

impl From<PersonName> for String {
    fn from(name: PersonName) -> Self {
        name.0
    }
}

impl<const MAX: usize> FromStr for Prose<MAX> {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        parse(text, MAX, true).map(Self)
    }
}

impl<const MAX: usize> Prose<MAX> {
    /// The text, with plain line ends.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Prose<MAX> {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        text.parse()
    }
}

impl<const MAX: usize> From<Prose<MAX>> for String {
    fn from(prose: Prose<MAX>) -> Self {
        prose.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_are_called_many_things() {
        for (given, kept) in [
            ("Ada", "Ada"),
            ("  Ada Lovelace \n", "Ada Lovelace"),
            ("Ó Súilleabháin", "Ó Súilleabháin"),
            ("李小龍", "李小龍"),
            ("شيماء", "شيماء"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("👩\u{200d}🚀 club", "👩\u{200d}🚀 club"),
            ("<b>Bobby'); --", "<b>Bobby'); --"),
            (&"ä".repeat(100), &"ä".repeat(100)),
        ] {
            assert_eq!(given.parse::<PersonName>().unwrap().as_str(), kept);
        }
    }

    #[test]
    fn refused_by_name_of_the_rule() {
        for (given, code) in [
            ("", "name-empty"),
            (" \t\u{a0}\n", "name-empty"),
            (&"ä".repeat(101), "name-too-long"),
            (&"a".repeat(10_000_000), "name-too-long"),
            ("Ada\nLovelace", "name-characters"),
            ("Ada\0", "name-characters"),
            ("Ada\u{1b}[31m", "name-characters"),
            ("Ada \u{202e}gnp", "name-characters"),
            ("\u{2066}Ada", "name-characters"),
            ("A\u{200b}da", "name-characters"),
            ("\u{200d}", "name-characters"),
            ("\u{3164}", "name-characters"),
            ("Ada\u{e0041}", "name-characters"),
        ] {
            assert_eq!(given.parse::<PersonName>().unwrap_err().code(), code, "{given:?}");
        }
    }

    #[test]
    fn prose_has_lines() {
        let prose: Prose<20> = " First.\r\nSecond.\n".parse().unwrap();
        assert_eq!(prose.as_str(), "First.\nSecond.");
        assert_eq!("x".repeat(21).parse::<Prose<20>>(), Err(TextError::TooLong(20)));
        assert_eq!("a\u{202e}b".parse::<Prose<20>>().unwrap_err().text_code(), "text-characters");
        assert!(serde_json::from_str::<Prose<20>>("\"\"").is_err());
    }

    proptest! {
        #[test]
        fn what_is_taken_is_kept_and_taken_again(text in any::<String>()) {
            if let Ok(name) = text.parse::<PersonName>() {
                prop_assert!((1..=MAX).contains(&name.as_str().chars().count()));
                prop_assert!(!name.as_str().chars().any(char::is_control));
                prop_assert_eq!(name.as_str().parse::<PersonName>(), Ok(name));
            }
        }
    }
}
