//! Times for people.

use domain::Locale;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time as people of a language write it. In UTC and saying so: we do not know where its reader is.
#[must_use]
pub fn text(locale: Locale, time: Timestamp) -> String {
    let zoned = time.to_zoned(TimeZone::UTC);
    let format = match locale {
        Locale::En => "%-d %b %Y, %H:%M UTC",
        Locale::De => "%-d.%-m.%Y, %H:%M UTC",
    };
    zoned.strftime(format).to_string()
}

/// A day as people of a language write it, in UTC.
#[must_use]
pub fn day(locale: Locale, time: Timestamp) -> String {
    let format = match locale {
        Locale::En => "%-d %b %Y",
        Locale::De => "%-d.%-m.%Y",
    };
    time.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// A time in the form that programs read: for `datetime` attributes.
#[must_use]
pub fn machine(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_each_language() {
        let time: Timestamp = "2026-11-06T07:05:09Z".parse().unwrap();
        assert_eq!(text(Locale::En, time), "6 Nov 2026, 07:05 UTC");
        assert_eq!(text(Locale::De, time), "6.11.2026, 07:05 UTC");
        assert_eq!((day(Locale::En, time), day(Locale::De, time)), ("6 Nov 2026".into(), "6.11.2026".into()));
        assert_eq!(machine(time), "2026-11-06T07:05:09Z");
    }
}
