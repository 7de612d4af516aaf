//! The file that offers are kept in.

use std::collections::BTreeMap;

use domain::money::{Period, Tax};
use domain::offer::{Approval, Conditions, Slug};
use domain::{Locale, Money};
use names::{Flavour, Size, Version};
use serde::Deserialize;

use crate::store::offer::Texts;

/// Why a file of offers cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is not what such a file looks like.
    #[error("the file of offers cannot be read: {0}")]
    Format(String),
    /// Two offers have one slug.
    #[error("the offer {0} is in the file twice")]
    Twice(Slug),
    /// An offer that cannot be made.
    #[error("the offer {slug}: {why}")]
    Offer {
        /// Which.
        slug: Slug,
        /// What is wrong, and what would be right.
        why: String,
    },
}

/// An offer as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What all its versions are called.
    pub slug: Slug,
    /// What is agreed on.
    pub conditions: Conditions,
    /// What customers read.
    pub texts: Texts,
    /// The version of the software that new servers get.
    pub software_version: Version,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    offer: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Line {
    slug: Slug,
    flavour: Flavour,
    software_version: Version,
    size: Size,
    price_minor: i64,
    currency: String,
    tax: Tax,
    period: Period,
    approval: Approval,
    name: BTreeMap<String, String>,
    description: BTreeMap<String, String>,
}

/// Reads a file of offers: one `[[offer]]` each.
///
/// # Errors
/// See [`FileError`].
pub fn parse(text: &str) -> Result<Vec<Wanted>, FileError> {
    let file: File = toml::from_str(text).map_err(|error| FileError::Format(error.to_string()))?;
    let mut all: Vec<Wanted> = Vec::new();
    for line in file.offer {
        if all.iter().any(|one| one.slug == line.slug) {
            return Err(FileError::Twice(line.slug));
        }
        all.push(wanted(line)?);
    }
    Ok(all)
}

fn wanted(line: Line) -> Result<Wanted, FileError> {
    let slug = line.slug;
    let wrong = |why: String| FileError::Offer { slug: slug.clone(), why };
    for locale in Locale::ALL {
        let said =
            |texts: &BTreeMap<String, String>| texts.get(locale.as_str()).is_some_and(|text| !text.trim().is_empty());
        if !said(&line.name) || !said(&line.description) {
            return Err(wrong(format!("name and description are needed in every language; {locale} is missing")));
        }
    }
    let price = Money::new(line.price_minor, &line.currency).map_err(|error| wrong(error.to_string()))?;
    let conditions = Conditions {
        flavour: line.flavour,
        size: line.size,
        price,
        tax: line.tax,
        period: line.period,
        approval: line.approval,
    };
    conditions.check().map_err(|error| wrong(error.to_string()))?;
    let texts = Texts { names: line.name, descriptions: line.description };
    Ok(Wanted { slug, conditions, texts, software_version: line.software_version })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"
        [[offer]]
        slug = "snac-small"
        flavour = "snac"
        software-version = "2.75"
        size = "small"
        price-minor = 300
        currency = "EUR"
        tax = "inclusive"
        period = "month"
        approval = "staff"
        name = { en = "Small", de = "Klein" }
        description = { en = "For a few.", de = "Für wenige." }
    "#;

    #[test]
    fn a_file_becomes_offers() {
        let all = parse(ONE).unwrap();
        assert_eq!(all[0].conditions.price.to_string(), "3.00 EUR");
        assert_eq!(all[0].texts.name(Locale::De), "Klein");
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, said) in [
            ("\"EUR\"", "\"EURO\"", "EURO"),
            ("price-minor = 300", "price-minor = -1", "below nothing"),
            (", de = \"Klein\"", "", "de is missing"),
            ("approval = \"staff\"", "approval = \"staff\"\ncolour = 1", "colour"),
            ("\"snac-small\"", "\"Snac Small\"", "lower-case"),
        ] {
            let error = parse(&ONE.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        assert_eq!(parse(&format!("{ONE}{ONE}")).unwrap_err(), FileError::Twice("snac-small".parse().unwrap()));
    }
}
