//! `steppe admin staff`.

use std::io::Read as _;

use anyhow::Context as _;
use domain::{Email, Password};
use secrecy::ExposeSecret as _;

use crate::Given;
use crate::app::staff;
use crate::command::{config, platform, say};

/// Makes a staff account. The password comes on standard input, so that no list of processes shows it.
///
/// # Errors
/// When the address has one, or the password is not taken.
pub async fn create(given: Given, email: &Email, name: &str) -> anyhow::Result<()> {
    let mut text = String::new();
    std::io::stdin().lock().take(4096).read_to_string(&mut text).context("reading the password")?;
    let password = Password::choose(text.trim_end_matches(['\r', '\n']).to_owned(), email)?;
    let platform = platform(config(given)?, 1)?;
    let address = staff::create(&platform, email, name, password).await.context("the account was not made")?;
    say(&format!("{email} may log in at {}", platform.config.staff_url))?;
    say("with this second factor, which is shown once: put it into an authenticator app now")?;
    say(address.expose_secret())
}

/// Shuts somebody out at once.
///
/// # Errors
/// When there is no such account.
pub async fn disable(given: Given, email: &Email) -> anyhow::Result<()> {
    let platform = platform(config(given)?, 1)?;
    staff::disable(&platform, email).await.context("nobody was shut out")?;
    say(&format!("{email} is shut out; all sessions and tokens have ended"))
}
