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

static ENGLISH: LanguageIdentifier = langid!("en");
static GERMAN: LanguageIdentifier = langid!("de");

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

    /// The English texts, each marked; values stand outside of the marks, because they are not ours: `⟦Log out ⟧Firefox⟦⟧`.
    /// No person is offered them: a test has to put them into a request by itself.
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
            arguments.iter().map(|(name, value)| (Cow::Borrowed(*name), self.unmark(value.clone()))).collect();
        self.mark(LOCALES.try_lookup_with_args(self.language(), id, &arguments), id)
    }

    /// A text with arguments that are texts and numbers of a JSON object. None when there is no such text, or when it needs an
    /// argument that is not there.
    #[must_use]
    pub fn fill(&self, id: &str, arguments: &serde_json::Map<String, serde_json::Value>) -> Option<String> {
        let value = |value: &serde_json::Value| match value {
            serde_json::Value::Number(number) => FluentValue::from(number.as_f64().unwrap_or_default()),
            serde_json::Value::String(text) => FluentValue::from(text.clone()),
            other @ (serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_)) => FluentValue::from(other.to_string()),
        };
        let arguments: HashMap<Cow<'static, str>, FluentValue<'_>> =
            arguments.iter().map(|(name, one)| (Cow::Owned(name.clone()), self.unmark(value(one)))).collect();
        let text = LOCALES.try_lookup_with_args(self.language(), id, &arguments)?;
        Some(self.mark(Some(text), id))
    }

    /// A text that may be missing: for words that others send.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<String> {
        LOCALES.try_lookup(self.language(), id).map(|text| self.mark(Some(text), id))
    }

    fn language(&self) -> &'static LanguageIdentifier {
        match self.locale {
            Locale::En => &ENGLISH,
            Locale::De => &GERMAN,
        }
    }

    /// A missing text shows its id: ugly and harmless; a test finds it before anybody else does.
    fn mark(&self, text: Option<String>, id: &str) -> String {
        let Some(text) = text else { return id.to_owned() };
        if self.pseudo { format!("⟦{text}⟧") } else { text }
    }

    /// A value within a marked text. Numbers stay numbers, because they decide about forms.
    fn unmark<'a>(&self, value: FluentValue<'a>) -> FluentValue<'a> {
        if let FluentValue::String(text) = &value
            && self.pseudo
        {
            return FluentValue::from(format!("⟧{text}⟦"));
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::error::Code;

    /// The ids of a language's texts, with the names of the values each takes.
    fn ids(language: &str) -> BTreeMap<String, Vec<String>> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/locales").join(language);
        let mut found = BTreeMap::new();
        for file in std::fs::read_dir(folder).unwrap().flatten() {
            let text = std::fs::read_to_string(file.path()).unwrap();
            let mut id = String::new();
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                if let Some((name, _)) =
                    line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
                {
                    id = name.to_owned();
                    assert!(found.insert(id.clone(), Vec::new()).is_none(), "{language}: {id} is there twice");
                }
                let values = line.split('$').skip(1).map(|rest| {
                    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>()
                });
                found.entry(id.clone()).or_default().extend(values);
            }
        }
        found.remove("");
        for values in found.values_mut() {
            values.sort();
            values.dedup();
        }
        found
    }

    #[test]
    fn every_text_is_there_in_every_language_with_the_same_values() {
        let (english, german) = (ids("en"), ids("de"));
        for (id, values) in &english {
            assert_eq!(german.get(id), Some(values), "{id}");
        }
        assert_eq!(english.len(), german.len(), "German has texts that English has not");
        for (id, values) in &english {
            let values: Vec<(&'static str, FluentValue<'_>)> =
                values.iter().map(|name| (&*name.clone().leak(), FluentValue::from(1))).collect();
            for locale in [Locale::En, Locale::De] {
                assert_ne!(&Texts::new(locale).with(id, &values), id, "it cannot be read in {locale}");
            }
        }
    }

    #[test]
    fn every_problem_says_what_it_is_and_what_to_do() {
        let english = ids("en");
        for code in Code::ALL {
            for id in [format!("problem-{}", code.as_str()), format!("problem-{}-help", code.as_str())] {
                assert!(english.contains_key(&id), "{id}");
            }
        }
    }

    #[test]
    fn what_is_not_ours_stands_outside_of_the_marks() {
        let told = Texts::pseudo().with("session-end-one", &[("browser", "Firefox".into())]);
        assert_eq!(told, "⟦Log out ⟧Firefox⟦⟧");
    }

    #[test]
    fn numbers_decide_about_the_form() {
        let told = |minutes: i64| Texts::new(Locale::En).with("problem-too-many-help", &[("minutes", minutes.into())]);
        assert_eq!(told(1), "Please wait a minute and try again.");
        assert_eq!(told(7), "Please wait 7 minutes and try again.");
    }
}
