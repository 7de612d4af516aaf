//! Enums whose cases have a stable word: in the database, in the API, in the audit log.

/// A text that is none of the words of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a {what}")]
pub struct UnknownWord {
    /// The kind of word, for example `role`.
    pub what: &'static str,
    /// What was given, cut to 80 characters.
    pub given: String,
}

impl UnknownWord {
    /// For who parses words of a kind.
    #[must_use]
    pub fn new(what: &'static str, given: &str) -> Self {
        Self { what, given: given.chars().take(80).collect() }
    }
}

/// An enum without data and the one word for each of its cases, with parsing, printing and serde by that word. A word
/// never changes once it was written somewhere. Who uses it depends on serde.
#[macro_export]
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident, $what:literal {
            $($(#[$case_meta:meta])* $case:ident = $word:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$case_meta])* $case,)+
        }

        impl $name {
            /// All cases, in the order in which they are declared.
            pub const ALL: &'static [Self] = &[$(Self::$case),+];

            /// The stable word for it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$case => $word,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$case),)+
                    _ => Err($crate::UnknownWord::new($what, text)),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    words! {
        /// Weather.
        pub enum Weather, "kind of weather" {
            /// Water falls.
            Rain = "rain",
            /// It does not.
            Dry = "no-rain",
        }
    }

    #[test]
    fn there_and_back() {
        for weather in Weather::ALL {
            assert_eq!(weather.as_str().parse(), Ok(*weather));
            let json = serde_json::to_string(weather).unwrap();
            assert_eq!(json, format!("{:?}", weather.as_str()));
            assert_eq!(serde_json::from_str::<Weather>(&json).unwrap(), *weather);
        }
    }

    #[test]
    fn another_word_is_refused_by_its_kind() {
        let error = "Rain".parse::<Weather>().unwrap_err();
        assert_eq!(error.to_string(), "\"Rain\" is not a kind of weather");
        assert!("x".repeat(9000).parse::<Weather>().unwrap_err().to_string().len() < 120);
    }
}
