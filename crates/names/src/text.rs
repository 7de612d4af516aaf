//! What all text names share: one error, and serde, display and schema derived from `FromStr`.

/// Why a text is not the name it claims to be. Says the rule, so that it can be shown to the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {given:?} {rule}")]
pub struct NameError {
    /// The kind of name, for example `host name`.
    pub what: &'static str,
    /// What was given, cut to 80 characters.
    pub given: String,
    /// The broken rule, as the end of a sentence: `must not be longer than 253 characters`.
    pub rule: &'static str,
}

impl NameError {
    pub(crate) fn new(what: &'static str, given: &str, rule: &'static str) -> Self {
        Self { what, given: given.chars().take(80).collect(), rule }
    }
}

/// Gives a newtype over `String` that implements `FromStr` its text traits. The pattern is what the API server
/// enforces; it may be looser than `FromStr`, never stricter.
macro_rules! text_name {
    ($name:ident, max $max:literal, pattern $pattern:literal, example $example:literal) => {
        impl $name {
            /// The name as text, in its canonical form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::NameError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "minLength": 1,
                    "maxLength": $max,
                    "pattern": $pattern,
                    "example": $example,
                })
            }
        }
    };
}
