//! What everything is given.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Postgres, Transaction};

use crate::auth::password::Passwords;
use crate::auth::secret::Secret;
use crate::auth::staff_token::StaffKeys;
use crate::config::Config;
use crate::error::Problem;
use crate::gateway::cells::Cells;
use crate::gateway::clock::{Clock, Random};
use crate::gateway::objects::Stores;
use crate::live::Live;
use crate::seal::Seal;
use crate::store;

/// What everything is given: the database, the clock, the keys.
pub struct Platform {
    /// The database.
    pub pool: PgPool,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The options.
    pub config: Arc<Config>,
    /// Seals secrets at rest.
    pub seal: Seal,
    /// Hashes passwords, a few at a time.
    pub passwords: Passwords,
    /// Signs and verifies staff's tokens.
    pub staff_keys: StaffKeys,
    /// The cells' object stores.
    pub stores: Arc<Stores>,
    /// Wakes pages when something happened.
    pub live: Live,
    /// The ways to the cells.
    pub cells: Arc<Cells>,
}

/// An open transaction.
pub type Tx = Transaction<'static, Postgres>;

impl Platform {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Begins a transaction. Dropped without a commit it never was.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(&self) -> store::Result<Tx> {
        Ok(self.pool.begin().await?)
    }

    /// A link to a page of ours, for mails: `platform.link("/log-in")`.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.config.url.as_str().trim_end_matches('/'))
    }

    /// Bytes that nobody can foresee.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], Problem> {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes).map_err(Problem::internal)?;
        Ok(bytes)
    }

    /// A new id of some kind: `platform.id(AccountId::new)?`.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn id<T>(&self, make: impl FnOnce(Timestamp, [u8; 10]) -> T) -> Result<T, Problem> {
        Ok(make(self.now(), self.random()?))
    }

    /// A new secret for a cookie, a link or a token.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn secret(&self) -> Result<Secret, Problem> {
        Ok(Secret::new(self.random()?))
    }
}

/// A connection that was given back so recently is not asked whether it lives: that was done then, and a database takes longer
/// to begin anew.
const TRUSTED: Duration = Duration::from_secs(1);

/// Connects to the database.
///
/// # Errors
/// When the address cannot be read.
pub fn pool(url: &str, connections: u32) -> Result<PgPool, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    // A statement that waits for a lock for long holds up everything behind it.
    let options = options.application_name("steppe").options([
        ("lock_timeout", "5s"),
        ("statement_timeout", "30s"),
        ("idle_in_transaction_session_timeout", "60s"),
    ]);
    let pool = PgPoolOptions::new().max_connections(connections).test_before_acquire(false);
    let pool = pool.before_acquire(|connection, meta| {
        Box::pin(async move {
            if meta.idle_for >= TRUSTED {
                connection.ping().await?;
            }
            Ok(true)
        })
    });
    Ok(pool.connect_lazy_with(options))
}
