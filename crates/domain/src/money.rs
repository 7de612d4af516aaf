//! Money: whole minor units and a currency. Never a fraction, never a bare number.

use iso_currency::Currency;
use serde::{Deserialize, Serialize};

use crate::Locale;

/// An amount in the smallest unit of its currency: cents, pence, yen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// How many minor units.
    pub minor: i64,
    /// The currency, by its ISO 4217 code.
    pub currency: Currency,
}

words! {
    /// Whether a price contains the tax or the tax comes on top. Words as Stripe's `tax_behavior` has them.
    pub enum Tax, "tax behaviour" {
        /// The price is what is paid.
        Inclusive = "inclusive",
        /// Tax is added to the price.
        Exclusive = "exclusive",
    }
}

words! {
    /// How often a price is due.
    pub enum Period, "period" {
        /// Every month.
        Month = "month",
        /// Every year.
        Year = "year",
    }
}

/// Why an amount cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a code of ISO 4217.
    #[error("{0:?} is not a currency: three capital letters of ISO 4217, like EUR")]
    Currency(String),
    /// Two amounts in different currencies.
    #[error("{0} and {1} cannot be added")]
    Mixed(&'static str, &'static str),
    /// More than fits.
    #[error("the amount is too large")]
    TooLarge,
}

impl Money {
    /// An amount, by the code of its currency. Codes without money behind them (gold, bond units, `XXX`) are refused.
    pub fn new(minor: i64, code: &str) -> Result<Self, MoneyError> {
        let currency = Currency::from_code(code).filter(|currency| currency.exponent().is_some());
        currency
            .map(|currency| Self { minor, currency })
            .ok_or_else(|| MoneyError::Currency(code.chars().take(80).collect()))
    }

    /// The currency's code: `EUR`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.currency.code()
    }

    /// Whether nothing is to be paid.
    #[must_use]
    pub const fn is_free(self) -> bool {
        self.minor == 0
    }

    /// The sum of two amounts of one currency.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.code(), other.code()));
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::TooLarge)?;
        Ok(Self { minor, ..self })
    }

    /// The amount as people of a language write it: `€1,234.50` and `1.234,50 €`. Only signs that mean one currency are
    /// used; a dollar can be one of twenty, so that others keep their code. A price is not broken over lines.
    #[must_use]
    pub fn in_locale(self, locale: Locale) -> String {
        let (group, point) = match locale {
            Locale::En => (',', "."),
            Locale::De => ('.', ","),
        };
        let decimal = self.decimal();
        let unsigned = decimal.trim_start_matches('-');
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let mut number = String::new();
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                number.push(group);
            }
            number.push(digit);
        }
        if !fraction.is_empty() {
            number = number + point + fraction;
        }
        let sign = if self.minor < 0 { "\u{2212}" } else { "" };
        let symbol = match self.code() {
            "EUR" => Some("€"),
            "GBP" => Some("£"),
            _ => None,
        };
        match (locale, symbol) {
            (Locale::En, Some(symbol)) => format!("{sign}{symbol}{number}"),
            (Locale::En, None) => format!("{}\u{a0}{sign}{number}", self.code()),
            (Locale::De, symbol) => format!("{sign}{number}\u{a0}{}", symbol.unwrap_or(self.code())),
        }
    }

    /// The amount in major units with all its decimals and without a currency: `12.00`, `-0.05`, `500` for yen.
    #[must_use]
    pub fn decimal(self) -> String {
        let places = usize::from(self.currency.exponent().unwrap_or(0));
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if self.minor < 0 { "-" } else { "" };
        let point = if places == 0 { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.decimal(), self.code())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn printed_with_the_decimals_of_its_currency() {
        for (minor, code, text) in [
            (1200, "EUR", "12.00 EUR"),
            (5, "EUR", "0.05 EUR"),
            (-5, "EUR", "-0.05 EUR"),
            (0, "USD", "0.00 USD"),
            (500, "JPY", "500 JPY"),
            (1234, "KWD", "1.234 KWD"),
            (i64::MIN, "JPY", "-9223372036854775808 JPY"),
        ] {
            assert_eq!(Money::new(minor, code).unwrap().to_string(), text);
        }
    }

    #[test]
    fn printed_as_people_write_it() {
        for (minor, code, english, german) in [
            (50, "EUR", "€0.50", "0,50\u{a0}€"),
            (123_456_789, "EUR", "€1,234,567.89", "1.234.567,89\u{a0}€"),
            (-100_000, "GBP", "\u{2212}£1,000.00", "\u{2212}1.000,00\u{a0}£"),
            (99_900, "USD", "USD\u{a0}999.00", "999,00\u{a0}USD"),
            (1000, "JPY", "JPY\u{a0}1,000", "1.000\u{a0}JPY"),
        ] {
            let money = Money::new(minor, code).unwrap();
            assert_eq!(money.in_locale(Locale::En), english);
            assert_eq!(money.in_locale(Locale::De), german);
        }
    }

    #[test]
    fn only_codes_of_money_are_taken() {
        for code in ["", "eur", "EURO", "XXX", "XAU", "E R", "ÄUR"] {
            assert!(Money::new(1, code).is_err(), "{code:?} was taken");
        }
    }

    #[test]
    fn currencies_do_not_mix() {
        let (euro, dollar) = (Money::new(1, "EUR").unwrap(), Money::new(1, "USD").unwrap());
        assert_eq!(euro.plus(dollar), Err(MoneyError::Mixed("EUR", "USD")));
        assert_eq!(euro.plus(euro).unwrap().minor, 2);
        assert_eq!(Money::new(i64::MAX, "EUR").unwrap().plus(euro), Err(MoneyError::TooLarge));
    }

    #[test]
    fn written_with_the_code() {
        let json = serde_json::to_string(&Money::new(1200, "EUR").unwrap()).unwrap();
        assert_eq!(json, r#"{"minor":1200,"currency":"EUR"}"#);
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), Money::new(1200, "EUR").unwrap());
    }

    proptest! {
        #[test]
        fn the_decimal_is_the_amount(minor: i64) {
            let decimal = Money::new(minor, "EUR").unwrap().decimal();
            prop_assert_eq!(decimal.replace('.', "").parse::<i64>().unwrap(), minor);
            prop_assert_eq!(decimal.len() - decimal.find('.').unwrap(), 3);
        }
    }
}
