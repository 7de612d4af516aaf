//! Sizes for people.

use domain::Locale;

/// A size in the unit that leaves one to three digits before the point; decimal units, as disks are sold.
#[must_use]
pub fn text(locale: Locale, bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes}\u{a0}B");
    }
    let (mut tenths, mut unit) = (u128::from(bytes) / 100, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    let (whole, tenth) = (tenths / 10, tenths % 10);
    let point = match locale {
        Locale::En => '.',
        Locale::De => ',',
    };
    match whole < 100 && tenth > 0 {
        true => format!("{whole}{point}{tenth}\u{a0}{}", UNITS[unit]),
        false => format!("{whole}\u{a0}{}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let told = |bytes| text(Locale::En, bytes).replace('\u{a0}', " ");
        assert_eq!(
            [told(0), told(999), told(1000), told(1_549), told(999_999), told(1_000_000), told(123_456_789_012)],
            ["0 B", "999 B", "1 kB", "1.5 kB", "999 kB", "1 MB", "123 GB"]
        );
        assert_eq!(text(Locale::De, 2_300_000_000), "2,3\u{a0}GB");
        assert_eq!(told(u64::MAX), "18446 PB");
    }
}
