//! The configuration file.

use std::path::Path;

use serde::{Deserialize as _, Deserializer};
use url::Url;

use super::{ConfigError, Given};

/// Reads a TOML file.
///
/// # Errors
/// When it cannot be read, or has a line that means nothing.
pub fn read(path: &Path) -> Result<Given, ConfigError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| ConfigError::File { what: "the configuration", path: path.to_owned(), source })?;
    // The library's full message quotes the line, which may hold what it should not.
    let format =
        |error: toml::de::Error| ConfigError::Format { path: path.to_owned(), message: error.message().to_owned() };
    toml::from_str(&text).map_err(format)
}

/// An address in the file.
pub(super) fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

impl Given {
    /// These options, and where one was not given, the other's. Taken apart whole, so that none can be forgotten.
    pub(super) fn or(self, other: Self) -> Self {
        let Self {
            config,
            database_url,
            database_password_file,
            key_file,
            url,
            listen,
            staff_listen,
            worker_listen,
            staff_url,
            proxies,
            smtp_url,
            smtp_password_file,
            mail_from,
            support,
            cells_dir,
            staff_keys_dir,
            operator,
            lease,
            concurrency,
            undo_days,
        } = self;
        Self {
            config: config.or(other.config),
            database_url: database_url.or(other.database_url),
            database_password_file: database_password_file.or(other.database_password_file),
            key_file: key_file.or(other.key_file),
            url: url.or(other.url),
            listen: listen.or(other.listen),
            staff_listen: staff_listen.or(other.staff_listen),
            worker_listen: worker_listen.or(other.worker_listen),
            staff_url: staff_url.or(other.staff_url),
            proxies: proxies.or(other.proxies),
            smtp_url: smtp_url.or(other.smtp_url),
            smtp_password_file: smtp_password_file.or(other.smtp_password_file),
            mail_from: mail_from.or(other.mail_from),
            support: support.or(other.support),
            cells_dir: cells_dir.or(other.cells_dir),
            staff_keys_dir: staff_keys_dir.or(other.staff_keys_dir),
            operator: operator.or(other.operator),
            lease: lease.or(other.lease),
            concurrency: concurrency.or(other.concurrency),
            undo_days: undo_days.or(other.undo_days),
        }
    }
}
