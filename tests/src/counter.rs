//! The control plane of [`crate::office`] before a real browser: customers' pages and staff's, by TLS, with the cell in memory
//! behind them and the mails in a real mailbox. What people do there needs no pods.

mod door;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use control_plane::config::Smtp;
use control_plane::gateway::mail::SmtpMailer;
use control_plane::router;
use control_plane::worker::{expire, mail};
use lab::browser::{Browser, Visit};
use lab::cache::Cache;
use lab::light::Authority;
use lab::mailpit::Mailpit;
use lab::tools::Quiet;
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::office::{Office, PASSWORD, code};

/// Where customers are, as their mails say.
pub const URL: &str = "https://steppe.example";
/// Where staff are.
const STAFF: &str = "staff.steppe.example";
/// How long one journey may take. A deadline, not a measure.
const LIMIT: Duration = Duration::from_secs(300);
/// How often workers look whether there is something to do.
const TURN: Duration = Duration::from_millis(50);

/// A control plane that people come to.
pub struct Counter {
    /// What is behind it.
    pub office: Office,
    browser: Browser,
    mailbox: &'static Mailpit,
    mailer: SmtpMailer,
    hosts: Vec<(String, String)>,
    ca: PathBuf,
    _folder: TempDir,
}

impl Counter {
    /// Opens one with a database called `name`, and room for so many small servers.
    ///
    /// # Errors
    /// When the database, the mailbox or the browser cannot be had.
    pub async fn open(name: &str, room: Option<u32>) -> Result<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let cache = Cache::open(None)?;
        let office = Office::with_room(name, room).await?;
        let mailbox = Mailpit::shared(&cache).await?;
        let smtp = Smtp { url: format!("smtp://{}", mailbox.smtp()).parse()?, password: None };
        let (authority, folder) = (Authority::new()?, tempfile::tempdir()?);
        let ca = folder.path().join("ca.crt");
        std::fs::write(&ca, authority.pem())?;
        let platform = office.control.workshop.platform.clone();
        let customers = door::open(&authority, "steppe.example", router::public(platform.clone())).await?;
        let staff = door::open(&authority, STAFF, router::staff(platform)).await?;
        Ok(Self {
            office,
            browser: Browser::prepare(&cache, &mut Quiet).await?,
            mailbox,
            mailer: SmtpMailer::new(&smtp)?,
            hosts: vec![("steppe.example".to_owned(), customers), (STAFF.to_owned(), staff)],
            ca,
            _folder: folder,
        })
    }

    /// Somebody of staff, as journeys are told of them. The clock stands still until work is done, and so does the code.
    ///
    /// # Errors
    /// When there is somebody of that name.
    pub async fn clerk(&self, name: &str) -> Result<Value> {
        let (email, factor) = self.office.hire(name).await?;
        let code = code(factor.expose_secret(), self.office.control.workshop.platform.now())?;
        Ok(json!({ "email": email.as_str(), "password": PASSWORD, "code": code }))
    }

    /// Runs a journey to its end, with a worker behind it. Nothing may be wrong with any page it saw.
    ///
    /// # Errors
    /// When it fails, or a page breaks a rule, complains, or asks somebody else for something.
    pub async fn journey<T: DeserializeOwned>(&self, journey: &str, mut given: Value) -> Result<T> {
        given["url"] = URL.into();
        given["staff"] = format!("https://{STAFF}").into();
        given["mails"] = self.mailbox.inbox().trim_end_matches("messages").into();
        let visit = Visit {
            given,
            own: vec!["steppe.example".to_owned()],
            ca: Some(self.ca.clone()),
            hosts: self.hosts.clone(),
            pictures: Cache::open(None)?.path("logs/browser").join(journey),
            limit: LIMIT,
        };
        let outcome = tokio::select! {
            outcome = self.browser.run(journey, &visit) => outcome?,
            stopped = self.work() => return Err(stopped.err().context("the worker stopped")?),
        };
        let complaints = outcome.complaints();
        ensure!(complaints.is_empty(), "journey {journey}:\n{}", complaints.join("\n"));
        serde_json::from_value(outcome.result).with_context(|| format!("what journey {journey} returned"))
    }

    /// The mail to somebody in which some words stand: its subject and its text. It is waited for.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn mailed(&self, to: &str, words: &str) -> Result<String> {
        lab::wait::until(&format!("a mail to {to} with {words}"), LIMIT, async || {
            mail::once(&self.office.control.workshop.platform, &self.mailer).await?;
            for mail in self.mailbox.search(&format!("to:\"{to}\"")).await? {
                let whole = self.mailbox.mail(&mail.id).await?;
                let text = format!("{}\n{}", whole.subject, whole.text);
                if text.contains(words) {
                    return Ok(Some(text));
                }
            }
            Ok(None)
        })
        .await
    }

    /// What workers do, until it fails.
    async fn work(&self) -> Result<()> {
        let workshop = &self.office.control.workshop;
        let mut turns = tokio::time::interval(TURN);
        loop {
            turns.tick().await;
            self.office.control.settle().await?;
            mail::once(&workshop.platform, &self.mailer).await?;
            expire::once(&workshop.platform).await?;
        }
    }
}
