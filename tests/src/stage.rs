//! Everything at once: the cell of [`crate::node`] with a control plane beside it, and a browser. What people do there is in
//! `tests/browser`, one file a journey.

mod outage;
mod secrets;
mod staff;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lab::browser::{Browser, Outcome, Visit};
use lab::client::App;
use lab::control::{Account, ControlPlane, Customer, DOMAIN, password};
use lab::demo::Cell;
use lab::journey::stamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{OnceCell, Semaphore};

use crate::node;

pub use outage::Outage;
pub use secrets::Secrets;
pub use staff::instance;

/// How long one journey may take. A deadline, not a measure.
const LIMIT: Duration = Duration::from_secs(900);
/// How many browsers run at once: each wants a core.
const BROWSERS: usize = 2;

static STAGE: OnceCell<Stage> = OnceCell::const_new();

/// The whole of it.
pub struct Stage {
    /// The cell.
    pub cell: &'static Cell,
    /// The control plane.
    pub control: ControlPlane,
    browser: Browser,
    seats: Semaphore,
}

/// Somebody who orders a server.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their log-in at the dashboard.
    pub account: Account,
    /// What they are called.
    pub name: String,
    /// The server's name without its zone.
    pub label: String,
    /// Their account on the server.
    pub handle: String,
}

impl Person {
    /// Somebody whom no earlier run knows.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new(name: &str) -> Result<Self> {
        let (label, handle) = (format!("{}-{}", name.to_lowercase(), stamp()), name.to_lowercase());
        let account = Account { email: format!("{label}@mail.test"), password: password()? };
        Ok(Self { account, name: format!("{name} Reed"), label, handle })
    }

    /// As journeys are told of them.
    #[must_use]
    pub fn told(&self) -> Value {
        json!({ "email": self.account.email, "password": self.account.password, "name": self.name })
    }
}

async fn bring_up(ground: &'static lab::node::Ground, cell: &'static Cell) -> Result<Stage> {
    let cache = node::cache()?;
    let control = ControlPlane::on(ground, cell, &cache, &mut node::Told).await?;
    let browser = Browser::prepare(&cache, &mut node::Told).await?;
    Ok(Stage { cell, control, browser, seats: Semaphore::new(BROWSERS) })
}

/// Runs a test on the stage; when it fails, prints what cluster and programs know about it.
pub fn test<F>(body: impl FnOnce(&'static Stage) -> F)
where
    F: Future<Output = Result<()>>,
{
    node::test(async |ground, cell| {
        let stage = STAGE.get_or_try_init(|| bring_up(ground, cell)).await?;
        body(stage).await.with_context(|| stage.control.tails(30))
    });
}

impl Stage {
    /// Runs a journey to its end. `name` names its pictures, in the cache's folder `logs/browser`. Nothing may be wrong with
    /// any page it saw.
    ///
    /// # Errors
    /// When it fails, or a page breaks a rule, complains, or asks somebody else for something.
    pub async fn journey<T: DeserializeOwned>(&self, journey: &str, name: &str, given: Value) -> Result<T> {
        let _seat = self.seats.acquire().await?;
        self.strangers().await?;
        let (zone, address) = (&self.cell.site.zone, &self.cell.site.address);
        let mut given = given;
        given["url"] = self.control.dashboard.url.clone().into();
        given["mails"] = self.control.dashboard.mailpit.inbox().trim_end_matches("messages").into();
        given["zone"] = zone.clone().into();
        let visit = Visit {
            given,
            own: vec![DOMAIN.to_owned(), zone.clone()],
            ca: Some(self.cell.site.ca.clone()),
            hosts: [zone.as_str(), DOMAIN].map(|name| (format!("*.{name}"), address.clone())).into(),
            pictures: self.pictures(name)?,
            limit: LIMIT,
        };
        let outcome: Outcome = self.browser.run(journey, &visit).await?;
        let complaints = outcome.complaints();
        ensure!(complaints.is_empty(), "journey {journey} ({name}):\n{}", complaints.join("\n"));
        serde_json::from_value(outcome.result).with_context(|| format!("what journey {journey} returned"))
    }

    fn pictures(&self, name: &str) -> Result<PathBuf> {
        Ok(node::cache()?.path("logs/browser").join(name))
    }

    /// Every browser of the tests has this machine's address; strangers would have one each.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn strangers(&self) -> Result<()> {
        let mut database = self.database().await?;
        sqlx::query("DELETE FROM rate_limits").execute(&mut database).await?;
        Ok(())
    }

    /// A connection to the control plane's database.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn database(&self) -> Result<sqlx::PgConnection> {
        <sqlx::PgConnection as sqlx::Connection>::connect(&self.control.database)
            .await
            .context("the control plane's database")
    }

    /// Somebody who has signed up by the forms and ordered a server that is ready; its page.
    ///
    /// # Errors
    /// When one of the pages refuses.
    pub async fn server(&self, person: &Person) -> Result<(Customer, String)> {
        self.strangers().await?;
        let mut customer = self.control.dashboard.sign_up(&person.account, &person.name).await?;
        let order = customer.order(&person.label, &person.handle, &person.account.email).await?;
        let server = customer.ready(&order).await?;
        Ok((customer, server))
    }

    /// The name of a server's object in the cell; `page` is its page.
    ///
    /// # Errors
    /// When there is no such server.
    pub async fn object(&self, page: &str) -> Result<String> {
        let id: uuid::Uuid = instance(page)?.into();
        let name = sqlx::query_scalar("SELECT object_name FROM instances WHERE id = $1").bind(id);
        name.fetch_one(&mut self.database().await?).await.with_context(|| page.to_owned())
    }

    /// The public name of somebody's server.
    #[must_use]
    pub fn host(&self, person: &Person) -> String {
        format!("{}.{}", person.label, self.cell.site.zone)
    }

    /// A client app on somebody's server.
    #[must_use]
    pub fn app(&self, person: &Person) -> App {
        self.cell.site.app_of(&self.host(person))
    }
}
