//! What the programs are told at their start. Read once, in `main`: an option beats its environment variable, that beats the
//! file, that beats the default.

mod file;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use domain::Email;
use names::Hostname;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

/// Why a configuration cannot be used. Never shows a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {what} from {path}: {source}")]
    File {
        /// What the file is for.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// Why it cannot.
        source: std::io::Error,
    },
    /// The configuration file is not what it should be.
    #[error("{path}: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, without the values.
        message: String,
    },
    /// Something that is needed was not given.
    #[error("{0} is needed: give --{0}, its environment variable, or a line in the configuration file")]
    Missing(&'static str),
    /// A value that cannot be used.
    #[error("{name} cannot be used: {why}")]
    Value {
        /// The option.
        name: &'static str,
        /// What is wrong, and what would be right.
        why: String,
    },
}

/// The options as they may be given: all of them optional, the same names everywhere.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Given {
    /// TOML file with these same options
    #[arg(long, env = "STEPPE_CONFIG", value_name = "FILE", global = true)]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// The database: `postgres://user@host/name`, without the password if that is in a file
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,
    /// File with the database's password
    #[arg(long, env = "STEPPE_DATABASE_PASSWORD_FILE", value_name = "FILE", global = true)]
    pub database_password_file: Option<PathBuf>,
    /// File with the platform's age identity, to which secrets at rest are sealed
    #[arg(long, env = "STEPPE_KEY_FILE", value_name = "FILE", global = true)]
    pub key_file: Option<PathBuf>,
    /// The dashboard's public address: `https://steppe.example`
    #[arg(long, env = "STEPPE_URL", value_name = "URL", global = true)]
    #[serde(deserialize_with = "file::url")]
    pub url: Option<Url>,
    /// Where customers' pages and the API are served [default: 127.0.0.1:8080]
    #[arg(long, env = "STEPPE_LISTEN", value_name = "ADDRESS", global = true)]
    pub listen: Option<SocketAddr>,
    /// Where staff's pages and API are served; never the public internet [default: 127.0.0.1:8081]
    #[arg(long, env = "STEPPE_STAFF_LISTEN", value_name = "ADDRESS", global = true)]
    pub staff_listen: Option<SocketAddr>,
    /// Where a worker says how it is, at /healthz, /readyz and /metrics [default: 127.0.0.1:8082]
    #[arg(long, env = "STEPPE_WORKER_LISTEN", value_name = "ADDRESS", global = true)]
    pub worker_listen: Option<SocketAddr>,
    /// The staff pages' address as staff open it [default: http://127.0.0.1:8081]
    #[arg(long, env = "STEPPE_STAFF_URL", value_name = "URL", global = true)]
    #[serde(deserialize_with = "file::url")]
    pub staff_url: Option<Url>,
    /// How many proxies in front of us append to X-Forwarded-For [default: 0]
    #[arg(long, env = "STEPPE_PROXIES", value_name = "N", global = true)]
    pub proxies: Option<u8>,
    /// Where mail goes: `smtp://host:25` or `smtps://user@host:465`, without the password
    #[arg(long, env = "STEPPE_SMTP_URL", value_name = "URL", global = true)]
    #[serde(deserialize_with = "file::url")]
    pub smtp_url: Option<Url>,
    /// File with the mail server's password
    #[arg(long, env = "STEPPE_SMTP_PASSWORD_FILE", value_name = "FILE", global = true)]
    pub smtp_password_file: Option<PathBuf>,
    /// Who our mails are from
    #[arg(long, env = "STEPPE_MAIL_FROM", value_name = "ADDRESS", global = true)]
    pub mail_from: Option<String>,
    /// Where people write to for help
    #[arg(long, env = "STEPPE_SUPPORT", value_name = "ADDRESS", global = true)]
    pub support: Option<String>,
    /// Folder with one folder a cell: `kubeconfig`, and for bundles `store.toml` (endpoint, bucket, region), `access-key` and `secret-key`
    #[arg(long, env = "STEPPE_CELLS_DIR", value_name = "DIR", global = true)]
    pub cells_dir: Option<PathBuf>,
    /// Folder with the keys that sign staff's API tokens, one PKCS #8 PEM file each, `KID.pem`; the newest name signs
    #[arg(long, env = "STEPPE_STAFF_KEYS_DIR", value_name = "DIR", global = true)]
    pub staff_keys_dir: Option<PathBuf>,
    /// Who runs this host, for the imprint: name and address, lines separated by `;`
    #[arg(long, env = "STEPPE_OPERATOR", value_name = "TEXT", global = true)]
    pub operator: Option<String>,
    /// How long a worker may be silent before its operation is taken over, in seconds [default: 60]
    #[arg(long, env = "STEPPE_LEASE", value_name = "SECONDS", global = true)]
    pub lease: Option<u32>,
    /// How many operations of each foreign system a worker runs at once [default: 8]
    #[arg(long, env = "STEPPE_CONCURRENCY", value_name = "N", global = true)]
    pub concurrency: Option<u16>,
    /// Days between closing a server and the first day its data may be destroyed [default: 30]
    #[arg(long, env = "STEPPE_UNDO_DAYS", value_name = "DAYS", global = true)]
    pub undo_days: Option<u16>,
}

/// What the programs work with. Everything in it can be used.
#[derive(Debug, Clone)]
pub struct Config {
    /// The database, password included.
    pub database_url: SecretString,
    /// The platform's age identity, as its file holds it.
    pub key: SecretString,
    /// The dashboard's public address, without a path.
    pub url: Url,
    /// Where customers' pages and the API are served.
    pub listen: SocketAddr,
    /// Where staff's pages and API are served.
    pub staff_listen: SocketAddr,
    /// Where a worker says how it is.
    pub worker_listen: SocketAddr,
    /// The staff pages' address.
    pub staff_url: Url,
    /// How many proxies in front of us append to `X-Forwarded-For`.
    pub proxies: u8,
    /// Where mail goes; none is sent without.
    pub smtp: Option<Smtp>,
    /// Who our mails are from.
    pub mail_from: Email,
    /// Where people write to for help.
    pub support: Email,
    /// Folder with one folder a cell.
    pub cells_dir: PathBuf,
    /// Folder with the keys that sign staff's API tokens.
    pub staff_keys_dir: Option<PathBuf>,
    /// Who runs this host, line by line.
    pub operator: Vec<String>,
    /// How long a worker may be silent before its operation is taken over.
    pub lease: Duration,
    /// How many operations of each foreign system a worker runs at once.
    pub concurrency: u16,
    /// Days between closing a server and the first day its data may be destroyed.
    pub undo_days: u16,
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// `smtp` (STARTTLS when offered) or `smtps`.
    pub url: Url,
    /// The password of the user in the address.
    pub password: Option<SecretString>,
}

impl Given {
    /// What was given, filled up from the file, checked.
    ///
    /// # Errors
    /// The first thing that is missing or cannot be used.
    pub fn check(self) -> Result<Config, ConfigError> {
        let given = match self.config.clone() {
            Some(path) => self.or(file::read(&path)?),
            None => self,
        };
        let url = given.url.ok_or(ConfigError::Missing("url"))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let mail_from = match given.mail_from {
            Some(text) => email("mail-from", &text)?,
            None => email("mail-from", &format!("steppe@{host}"))?,
        };
        let support = given.support.map_or_else(|| Ok(mail_from.clone()), |text| email("support", &text))?;
        Ok(Config {
            database_url: database(given.database_url, given.database_password_file.as_deref())?,
            key: secret("the platform's key", &given.key_file.ok_or(ConfigError::Missing("key-file"))?)?,
            url: origin("url", url)?,
            listen: given.listen.unwrap_or_else(|| ([127, 0, 0, 1], 8080).into()),
            staff_listen: given.staff_listen.unwrap_or_else(|| ([127, 0, 0, 1], 8081).into()),
            worker_listen: given.worker_listen.unwrap_or_else(|| ([127, 0, 0, 1], 8082).into()),
            staff_url: origin("staff-url", given.staff_url.map_or_else(|| fixed("http://127.0.0.1:8081"), Ok)?)?,
            proxies: given.proxies.unwrap_or(0),
            smtp: smtp(given.smtp_url, given.smtp_password_file.as_deref())?,
            mail_from,
            support,
            cells_dir: given.cells_dir.ok_or(ConfigError::Missing("cells-dir"))?,
            staff_keys_dir: given.staff_keys_dir,
            operator: lines(given.operator.as_deref().unwrap_or_default()),
            lease: Duration::from_secs(u64::from(given.lease.unwrap_or(60).max(1))),
            concurrency: given.concurrency.unwrap_or(8).max(1),
            undo_days: given.undo_days.unwrap_or(30),
        })
    }

    /// The database alone, for commands that need nothing else.
    ///
    /// # Errors
    /// As [`Given::check`].
    pub fn database(self) -> Result<SecretString, ConfigError> {
        let given = match self.config.clone() {
            Some(path) => self.or(file::read(&path)?),
            None => self,
        };
        database(given.database_url, given.database_password_file.as_deref())
    }
}

impl Config {
    /// The dashboard's own name.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether servers may live in a zone: cookies and trust of the dashboard must not reach its tenants, so neither may lie
    /// within the other's domain.
    #[must_use]
    pub fn allows_zone(&self, zone: &Hostname) -> bool {
        let (host, zone) = (self.host(), zone.as_str());
        let within = |inner: &str, outer: &str| inner == outer || inner.ends_with(&format!(".{outer}"));
        !within(host, zone) && !within(zone, registrable(host))
    }
}

/// The last two labels: good enough to keep apart two names of our own choice. A dashboard under a public suffix of two
/// labels (`co.uk`) is refused more than is needed, never less.
fn registrable(host: &str) -> &str {
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let _ = dots.next();
    dots.next().map_or(host, |at| &host[at + 1..])
}

fn lines(text: &str) -> Vec<String> {
    text.split(';').map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn fixed(text: &'static str) -> Result<Url, ConfigError> {
    text.parse().map_err(|error: url::ParseError| ConfigError::Value { name: "url", why: error.to_string() })
}

fn origin(name: &'static str, url: Url) -> Result<Url, ConfigError> {
    let plain = url.path() == "/" && url.query().is_none() && url.username().is_empty() && url.password().is_none();
    if !plain || !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        let why = "it must be scheme and host and nothing else, like https://steppe.example".to_owned();
        return Err(ConfigError::Value { name, why });
    }
    Ok(url)
}

fn email(name: &'static str, text: &str) -> Result<Email, ConfigError> {
    text.parse().map_err(|error: domain::email::EmailError| ConfigError::Value { name, why: error.to_string() })
}

fn secret(what: &'static str, path: &Path) -> Result<SecretString, ConfigError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| ConfigError::File { what, path: path.to_owned(), source })?;
    Ok(SecretString::from(text.trim_end().to_owned()))
}

fn database(url: Option<String>, password: Option<&Path>) -> Result<SecretString, ConfigError> {
    let url = url.ok_or(ConfigError::Missing("database-url"))?;
    let Some(path) = password else {
        return Ok(SecretString::from(url));
    };
    let wrong = |why: &str| ConfigError::Value { name: "database-url", why: why.to_owned() };
    let mut parsed: Url = url.parse().map_err(|_| wrong("it is no URL like postgres://user@host/name"))?;
    let password = secret("the database's password", path)?;
    let set = parsed.set_password(Some(password.expose_secret()));
    set.map_err(|()| wrong("it has no host, so it cannot take a password"))?;
    Ok(SecretString::from(String::from(parsed)))
}

fn smtp(url: Option<Url>, password: Option<&Path>) -> Result<Option<Smtp>, ConfigError> {
    let Some(url) = url else { return Ok(None) };
    let wrong = |why: &str| Err(ConfigError::Value { name: "smtp-url", why: why.to_owned() });
    if !matches!(url.scheme(), "smtp" | "smtps") {
        return wrong("it must begin with smtp:// or smtps://");
    }
    if url.password().is_some() {
        return wrong("the password belongs into a file: smtp-password-file");
    }
    let password = password.map(|path| secret("the mail server's password", path)).transpose()?;
    Ok(Some(Smtp { url, password }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(folder: &Path) -> Given {
        let key = folder.join("key");
        std::fs::write(&key, "AGE-SECRET-KEY-1X\n").unwrap();
        Given {
            database_url: Some("postgres://steppe@db/steppe".into()),
            key_file: Some(key),
            url: Some("https://steppe.example".parse().unwrap()),
            cells_dir: Some(folder.to_owned()),
            ..Given::default()
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Given::default().check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "url is needed: give --url, its environment variable, or a line in the configuration file"
        );
    }

    #[test]
    fn options_beat_the_file_and_unknown_lines_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("steppe.toml");
        std::fs::write(&file, "url = \"https://file.example\"\nundo-days = 14\n").unwrap();
        let config = Given { config: Some(file.clone()), ..given(folder.path()) }.check().unwrap();
        assert_eq!((config.host(), config.undo_days), ("steppe.example", 14));
        std::fs::write(&file, "undo-day = 14\n").unwrap();
        let error = Given { config: Some(file), ..given(folder.path()) }.check().unwrap_err();
        assert!(error.to_string().contains("undo-day"), "{error}");
    }

    #[test]
    fn passwords_come_from_files_and_are_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "p@ss/word\n").unwrap();
        let config = Given { database_password_file: Some(file), ..given(folder.path()) }.check().unwrap();
        assert_eq!(config.database_url.expose_secret(), "postgres://steppe:p%40ss%2Fword@db/steppe");
        assert!(!format!("{config:?}").contains("ss/word") && !format!("{config:?}").contains("ss%2F"));
    }

    #[test]
    fn tenants_never_live_beside_the_dashboard() {
        let folder = tempfile::tempdir().unwrap();
        let config = |url: &str| Given { url: Some(url.parse().unwrap()), ..given(folder.path()) }.check().unwrap();
        let zone = |text: &str| text.parse::<Hostname>().unwrap();
        assert!(config("https://steppe.example").allows_zone(&zone("steppe-servers.example")));
        for (url, theirs) in [
            ("https://steppe.example", "steppe.example"),
            ("https://steppe.example", "social.steppe.example"),
            ("https://app.steppe.example", "social.steppe.example"),
            ("https://my.social.example", "social.example"),
        ] {
            assert!(!config(url).allows_zone(&zone(theirs)), "{url} {theirs}");
        }
    }
}
