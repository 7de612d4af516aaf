//! Texts for people: Fluent files in `web/locales`, compiled in, chosen by locale.

use std::borrow::Cow;
use std::collections::HashMap;

use domain::Locale;
use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader as _, langid, static_loader};

static_loader! {
    static LOCALES = {
        locales: "../web/locales",
        fallback_language: "en",
        // Isolation marks are for mixed directions inside running text; in attributes and mail subjects they are noise.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

const ENGLISH: LanguageIdentifier = langid!("en");
const GERMAN: LanguageIdentifier = langid!("de");

/// The texts of one locale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Texts {
    locale: Locale,
    /// Every text is marked, so that one that does not come from here is seen. For tests.
    pseudo: bool,
}

impl Texts {
    /// The texts of a locale.
    #[must_use]
    pub const fn new(locale: Locale) -> Self {
        Self { locale, pseudo: false }
    }

    /// The English texts, each marked: `⟦Log in⟧`.
    #[must_use]
    pub const fn pseudo() -> Self {
        Self { locale: Locale::En, pseudo: true }
    }

    /// The locale.
    #[must_use]
    pub const fn locale(&self) -> Locale {
        self.locale
    }

    /// The same in another language, unless this is the one for tests.
    #[must_use]
    pub const fn in_locale(self, locale: Locale) -> Self {
        Self { locale: if self.pseudo { self.locale } else { locale }, pseudo: self.pseudo }
    }

    /// A text without arguments.
    #[must_use]
    pub fn get(&self, id: &str) -> String {
        self.mark(LOCALES.try_lookup(self.language(), id), id)
    }

    /// A text with arguments: names in the Fluent file, and values. Numbers are given as numbers, so that plurals work.
    #[must_use]
    pub fn with(&self, id: &str, arguments: &[(&'static str, FluentValue<'_>)]) -> String {
        let arguments: HashMap<Cow<'static, str>, FluentValue<'_>> =
            arguments.iter().map(|(name, value)| (Cow::Borrowed(*name), value.clone())).collect();
        self.mark(LOCALES.try_lookup_with_args(self.language(), id, &arguments), id)
    }

    /// Whether there is such a text.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        LOCALES.try_lookup(self.language(), id).is_some()
    }

    const fn language(&self) -> &'static LanguageIdentifier {
        match self.locale {
            Locale::En => &ENGLISH,
            Locale::De => &GERMAN,
        }
    }

    /// A missing text shows its id: ugly and harmless; a test finds it before anybody else does.
    fn mark(&self, text: Option<String>, id: &str) -> String {
        let text = text.unwrap_or_else(|| id.to_owned());
        if self.pseudo { format!("⟦{text}⟧") } else { text }
    }
}
