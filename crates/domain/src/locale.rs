//! The languages that we speak.

words! {
    /// A language that there are texts in. Written as its BCP 47 tag.
    pub enum Locale, "language" {
        /// English, which is used where no other is wanted.
        En = "en",
        /// German.
        De = "de",
    }
}

impl Locale {
    /// The language to speak: the account's, else the one that was chosen in this browser (a cookie), else the best one
    /// of what the browser asks for (`Accept-Language`), else English. What cannot be read is passed over.
    #[must_use]
    pub fn negotiate(account: Option<Self>, cookie: Option<&str>, accept_language: Option<&str>) -> Self {
        account
            .or_else(|| cookie.and_then(|text| text.parse().ok()))
            .or_else(|| accept_language.and_then(Self::accepted))
            .unwrap_or(Self::En)
    }

    /// The first of the most wanted languages in an `Accept-Language` header (RFC 9110 §12.5.4) that we speak; `de-AT` is
    /// answered in `de` (the lookup of RFC 4647 §3.4).
    fn accepted(header: &str) -> Option<Self> {
        let mut best: Option<(u16, Self)> = None;
        // Nobody speaks more languages than that.
        for entry in header.split(',').take(32) {
            let mut parts = entry.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1000), permille);
            let primary = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
            let Some(weight) = weight.filter(|weight| *weight > 0) else { continue };
            let locale = if primary == "*" { Ok(Self::En) } else { primary.parse() };
            if let Ok(locale) = locale
                && best.is_none_or(|(most, _)| weight > most)
            {
                best = Some((weight, locale));
            }
        }
        best.map(|(_, locale)| locale)
    }
}

/// A weight from 0 to 1 with at most three decimals, in thousandths.
fn permille(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_browser_asks() {
        for (header, locale) in [
            ("de", Locale::De),
            ("de-AT,de;q=0.9,en;q=0.8", Locale::De),
            ("en-GB,en;q=0.9,de;q=0.8", Locale::En),
            ("fr,de;q=0.5", Locale::De),
            ("fr", Locale::En),
            ("en;q=0.1, DE ; q=0.2", Locale::De),
            ("de;q=0, en;q=0.1", Locale::En),
            ("de;q=0", Locale::En),
            ("*", Locale::En),
            ("*;q=0.5, de;q=0.4", Locale::En),
            ("de;q=1.1", Locale::En),
            ("de;q=0.1234", Locale::En),
            ("de;q=-1,;;,=", Locale::En),
            ("", Locale::En),
            ("deutsch", Locale::En),
        ] {
            assert_eq!(Locale::negotiate(None, None, Some(header)), locale, "{header:?}");
        }
    }

    #[test]
    fn who_said_it_wins_over_who_was_guessed() {
        assert_eq!(Locale::negotiate(Some(Locale::En), Some("de"), Some("de")), Locale::En);
        assert_eq!(Locale::negotiate(None, Some("de"), Some("en")), Locale::De);
        assert_eq!(Locale::negotiate(None, Some("tlh"), Some("de")), Locale::De);
        assert_eq!(Locale::negotiate(None, None, None), Locale::En);
    }

    proptest! {
        #[test]
        fn any_header_has_an_answer(header in any::<String>()) {
            let _ = Locale::negotiate(None, Some(&header), Some(&header));
        }
    }
}
