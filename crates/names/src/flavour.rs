use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::NameError;

/// Which Mastodon-compatible software a server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "kebab-case")]
pub enum Flavour {
    /// Mastodon as its makers ship it.
    Mastodon,
    /// The glitch-soc fork of Mastodon.
    GlitchSoc,
    /// GoToSocial.
    #[serde(rename = "gotosocial")]
    GoToSocial,
    /// snac, a small server that keeps everything in files.
    Snac,
}

impl Flavour {
    /// All flavours, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Mastodon, Self::GlitchSoc, Self::GoToSocial, Self::Snac];

    /// The name as written in objects and bundles.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mastodon => "mastodon",
            Self::GlitchSoc => "glitch-soc",
            Self::GoToSocial => "gotosocial",
            Self::Snac => "snac",
        }
    }
}

impl std::fmt::Display for Flavour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Flavour {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::ALL
            .into_iter()
            .find(|flavour| flavour.as_str() == text)
            .ok_or_else(|| NameError::new("flavour", text, "must be mastodon, glitch-soc, gotosocial or snac"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for flavour in Flavour::ALL {
            assert_eq!(flavour.as_str().parse(), Ok(flavour));
        }
        assert!("pleroma".parse::<Flavour>().is_err());
    }
}
