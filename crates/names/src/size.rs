use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::NameError;

/// How much room a server has. What a size means in cores, memory and disk is the flavour's business.
///
/// Sizes are ordered; a server may grow and never shrink, because a volume cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// For one person or a family: up to about 50 active accounts.
    Small,
    /// For a club: up to about 500 active accounts.
    Medium,
    /// For a town: up to about 5,000 active accounts.
    Large,
}

impl Size {
    /// All sizes, smallest first.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// The name as written in objects.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Size {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::ALL
            .into_iter()
            .find(|size| size.as_str() == text)
            .ok_or_else(|| NameError::new("size", text, "must be small, medium or large"))
    }
}
