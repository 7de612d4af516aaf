//! Hashing passwords: argon2id, a few at a time, off the runtime's threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::{PasswordHash, Salt};
use argon2::password_hash::{CustomizedPasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use domain::Password;
use tokio::sync::Semaphore;

use crate::error::Problem;

/// OWASP's password storage cheat sheet: argon2id with 19 MiB of memory, 2 passes, 1 lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// Hashes and checks passwords. Each takes tens of milliseconds of a core and 19 MiB; more at once than there are cores would
/// make log-in a lever against the whole program.
#[derive(Clone)]
pub struct Passwords {
    argon: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// A hash of nothing anybody knows: checked when there is no account, so that both answers take the same time.
    decoy: Arc<str>,
    done: Arc<AtomicU64>,
}

impl Passwords {
    /// Hashes at most `at_once` passwords at a time. `salt` salts the decoy.
    ///
    /// # Errors
    /// When the library refuses its parameters, which are fixed.
    pub fn new(at_once: usize, salt: [u8; 16]) -> Result<Self, Problem> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(Problem::internal)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon, &salt, &salt)?;
        Ok(Self { argon, turns: Arc::new(Semaphore::new(at_once)), decoy: decoy.into(), done: Arc::default() })
    }

    /// The hash of a new password, as a PHC string.
    ///
    /// # Errors
    /// When the program is stopping.
    pub async fn hash(&self, password: Password, salt: [u8; 16]) -> Result<String, Problem> {
        let argon = self.argon.clone();
        self.turn(move || hash(&argon, password.expose(), &salt)).await?
    }

    /// Whether a password is the one that was hashed. Without a hash it takes as long and is wrong.
    ///
    /// # Errors
    /// When the hash in the database is none.
    pub async fn check(&self, password: Password, hash: Option<String>) -> Result<bool, Problem> {
        let argon = self.argon.clone();
        let known = hash.is_some();
        let text: Arc<str> = hash.map_or_else(|| self.decoy.clone(), Arc::from);
        let right = self.turn(move || {
            let parsed = PasswordHash::new(&text).map_err(Problem::internal)?;
            Ok::<_, Problem>(argon.verify_password(password.expose(), &parsed).is_ok())
        });
        Ok(right.await?? && known)
    }

    /// How many were hashed or checked so far: the work that is worth most to whoever measures how long an answer takes.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    async fn turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let _turn = self.turns.acquire().await.map_err(Problem::internal)?;
        self.done.fetch_add(1, Ordering::Relaxed);
        tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
    }
}

fn hash(argon: &Argon2<'_>, password: &[u8], salt: &[u8]) -> Result<String, Problem> {
    let _ = Salt::new(salt).map_err(Problem::internal)?;
    let hash: PasswordHash = argon
        .hash_password_customized(password, salt, Some("argon2id"), None, argon.params().clone())
        .map_err(Problem::internal)?;
    Ok(hash.to_string())
}
