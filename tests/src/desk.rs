//! The front half of a control plane in a test: its pages and API as a router, a database of its own, a clock that is moved
//! by hand. A [`Browser`] keeps cookies and sends forms as people's do.

mod browser;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use age::secrecy::ExposeSecret as _;
use anyhow::{Context as _, Result, ensure};
use control_plane::gateway::clock::fake::{FakeClock, FakeRandom};
use control_plane::{Given, Platform, migrate, router};
use lab::cache::Cache;
use lab::postgres::Postgres;
use tempfile::TempDir;

pub use browser::{Answer, Browser};

/// The password of everybody here, unless a test says otherwise.
pub const PASSWORD: &str = "four herons on a weir";
/// The dashboard's address.
pub const URL: &str = "https://steppe.example";

/// A control plane's front half.
pub struct Desk {
    /// What everything is given.
    pub platform: Arc<Platform>,
    /// The clock.
    pub clock: Arc<FakeClock>,
    browsers: AtomicU8,
    _folder: TempDir,
}

/// Somebody with an account, in a browser of theirs.
pub struct Person {
    /// Their browser.
    pub browser: Browser,
    /// Their address.
    pub email: String,
    /// The path of their own organization.
    pub own: String,
}

impl Desk {
    /// Opens a desk with a database called `name`.
    ///
    /// # Errors
    /// When the database cannot be had.
    pub async fn open(name: &str) -> Result<Self> {
        let postgres = Postgres::shared(&Cache::open(None)?).await?;
        let fill = async |url: &str| {
            let pool = control_plane::platform::pool(url, 1)?;
            let done = migrate::run(&pool).await;
            pool.close().await;
            Ok(done?)
        };
        let url = postgres.copy(&format!("desk_{name}"), "desk", fill).await?;
        let folder = tempfile::tempdir()?;
        let key = folder.path().join("key");
        std::fs::write(&key, age::x25519::Identity::generate().to_string().expose_secret())?;
        let given = Given {
            database_url: Some(url),
            key_file: Some(key),
            url: Some(URL.parse()?),
            support: Some("help@steppe.example".to_owned()),
            operator: Some("Heron Hosting;Weir Lane 1".to_owned()),
            cells_dir: Some(folder.path().to_owned()),
            proxies: Some(1),
            ..Given::default()
        };
        let platform = control_plane::command::platform(given.check()?, 10)?;
        let mut platform = Arc::into_inner(platform).context("the platform is shared already")?;
        let clock = Arc::new(FakeClock::at("2026-12-01T12:00:00Z".parse()?));
        platform.clock = clock.clone();
        platform.random = Arc::new(FakeRandom::new(name.bytes().map(u64::from).sum()));
        Ok(Self { platform: Arc::new(platform), clock, browsers: AtomicU8::new(1), _folder: folder })
    }

    /// A new browser, at an address of its own.
    pub fn browser(&self) -> Browser {
        let number = self.browsers.fetch_add(1, Ordering::Relaxed);
        Browser::new(router::public(self.platform.clone()), format!("192.0.2.{number}"))
    }

    /// Signs somebody up; their address is not confirmed.
    ///
    /// # Errors
    /// When they are not let in.
    pub async fn sign_up(&self, name: &str, email: &str) -> Result<Answer> {
        let browser = self.browser();
        let form = browser.get("/sign-up").await?;
        let (terms, processing) = (form.value("terms")?, form.value("processing")?);
        let fields = [
            ("email", email),
            ("name", name),
            ("password", PASSWORD),
            ("agree", "yes"),
            ("terms", &terms),
            ("processing", &processing),
        ];
        browser.post("/sign-up", &fields).await
    }

    /// Somebody who has signed up, confirmed the address and logged in.
    ///
    /// # Errors
    /// When one of the pages refuses.
    pub async fn person(&self, name: &str, email: &str) -> Result<Person> {
        self.sign_up(name, email).await?;
        let confirm = self.link(email, "confirm").await?;
        ensure!(self.browser().post(&confirm, &[]).await?.status == 303, "the address of {email} was not confirmed");
        let browser = self.log_in(email).await?;
        let page = browser.get("/organizations").await?;
        let own = page.links("/organizations/org_").into_iter().next().context("no organization of their own")?;
        Ok(Person { browser, email: email.to_owned(), own })
    }

    /// A browser in which somebody is logged in.
    ///
    /// # Errors
    /// When they are not let in.
    pub async fn log_in(&self, email: &str) -> Result<Browser> {
        let browser = self.browser();
        let answer = browser.post("/log-in", &[("email", email), ("password", PASSWORD)]).await?;
        ensure!(answer.status == 303, "{email} cannot log in: {}", answer.status);
        Ok(browser)
    }

    /// Makes `other` a member of the organization of `owner` at `path`, with a role.
    ///
    /// # Errors
    /// When one of the pages refuses.
    pub async fn join(&self, owner: &Person, path: &str, other: &Person, role: &str) -> Result<()> {
        let invited =
            owner.browser.post(&format!("{path}/invitations"), &[("email", &other.email), ("role", role)]).await?;
        ensure!(invited.status == 303, "{} was not invited: {}", other.email, invited.body);
        let link = self.link(&other.email, "invite").await?;
        let joined = other.browser.post(&link, &[]).await?;
        ensure!(joined.location.as_deref() == Some(&format!("{path}?told=joined")), "{} did not join", other.email);
        Ok(())
    }

    /// The path of the secret link in the newest mail of a kind to somebody.
    ///
    /// # Errors
    /// When there is none.
    pub async fn link(&self, to: &str, template: &str) -> Result<String> {
        let sealed: Option<Vec<u8>> = sqlx::query_scalar(
            "SELECT sealed FROM mails WHERE recipient = $1 AND template = $2 AND sealed IS NOT NULL ORDER BY ctid DESC LIMIT 1",
        )
        .bind(to)
        .bind(template)
        .fetch_optional(&self.platform.pool)
        .await?;
        let sealed = sealed.with_context(|| format!("no mail {template} to {to}"))?;
        let link = String::from_utf8(self.platform.seal.open(&sealed)?)?;
        Ok(link.strip_prefix(URL).context("a link to somewhere else")?.to_owned())
    }

    /// Which mails somebody was sent, in order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mails(&self, to: &str) -> Result<Vec<String>> {
        let sql = "SELECT template FROM mails WHERE recipient = $1 ORDER BY ctid";
        Ok(sqlx::query_scalar(sql).bind(to).fetch_all(&self.platform.pool).await?)
    }

    /// A number from the database.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn count(&self, sql: &'static str) -> Result<i64> {
        Ok(sqlx::query_scalar(sql).fetch_one(&self.platform.pool).await?)
    }
}
