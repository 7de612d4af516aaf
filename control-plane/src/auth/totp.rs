//! The second factor: time-based one-time codes (RFC 6238), as authenticator apps make them.

use secrecy::{ExposeSecret as _, SecretString};
use totp_rs::{Builder, Totp};

use crate::error::Problem;

/// A code is good for its half minute and the one before and after: clocks differ.
const SKEW: u16 = 1;

/// Somebody's second factor.
pub struct SecondFactor(Totp);

impl SecondFactor {
    /// A new one from 160 random bits, as RFC 4226 recommends.
    ///
    /// # Errors
    /// When the library refuses the name.
    pub fn new(bytes: [u8; 20], account: &str) -> Result<Self, Problem> {
        let builder = Builder::new().with_secret(bytes.to_vec()).with_account_name(account).with_issuer(Some("Steppe"));
        builder.with_skew(SKEW).build().map(Self).map_err(|error| Problem::internal(anyhow::anyhow!("{error}")))
    }

    /// Reads one from its `otpauth://` address.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(address: &SecretString) -> Result<Self, Problem> {
        let totp = Totp::from_url(address.expose_secret());
        totp.map(Self).map_err(|_| Problem::internal(anyhow::anyhow!("a second factor cannot be read")))
    }

    /// What an authenticator app reads: `otpauth://…`. Holds the secret.
    ///
    /// # Errors
    /// When the library refuses the name.
    pub fn address(&self) -> Result<SecretString, Problem> {
        let address = self.0.to_url().map_err(|error| Problem::internal(anyhow::anyhow!("{error}")))?;
        Ok(SecretString::from(address))
    }

    /// The time step that a code belongs to, if it is right at `second` (seconds since 1970).
    #[must_use]
    pub fn check(&self, code: &str, second: u64) -> Option<i64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        self.0.check(&code, second).and_then(|step| i64::try_from(step).ok())
    }

    /// The code at a time, for tests and nothing else.
    #[cfg(test)]
    fn code(&self, second: u64) -> String {
        self.0.generate(second).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_names_its_step_and_ages() {
        let factor = SecondFactor::new([7; 20], "ada@steppe.example").unwrap();
        let again = SecondFactor::parse(&factor.address().unwrap()).unwrap();
        let now = 1_800_000_000;
        let code = factor.code(now);
        assert_eq!(again.check(&code, now), Some(60_000_000));
        assert_eq!(again.check(&code, now + 30), Some(60_000_000), "the same step, not a new one");
        assert_eq!(again.check(&code, now + 90), None);
        assert_eq!(again.check(&format!(" {} {} ", &code[..3], &code[3..]), now), Some(60_000_000), "as apps show it");
        assert_eq!(again.check("", now), None);
        assert_eq!(again.check("000000000000000000", now), None);
    }
}
