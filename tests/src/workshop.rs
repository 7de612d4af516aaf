//! The back half of a control plane in a test: a database of its own, a clock that is moved by hand, and a cell and a mail
//! server in memory. What workers do is done step by step, so that a test can look in between.

mod backup;
mod keys;

pub use backup::Backup;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use control_plane::actor::{Actor, Who};
use control_plane::app::order::{Wish, place};
use control_plane::gateway::cells::Cells;
use control_plane::gateway::clock::fake::FakeClock;
use control_plane::gateway::cluster::Cluster;
use control_plane::gateway::cluster::fake::FakeCluster;
use control_plane::gateway::mail::fake::FakeMailer;
use control_plane::gateway::objects::fake::FakeObjects;
use control_plane::gateway::objects::{Objects, Stores};
use control_plane::platform::Tx;
use control_plane::store::account::{self, Account};
use control_plane::store::instance::Instance;
use control_plane::store::offer::{Offer, Texts};
use control_plane::store::operation::Operation;
use control_plane::store::{self, organization};
use control_plane::worker::claim::{Claimed, Look, claim};
use control_plane::worker::{observe, run};
use control_plane::{Given, Platform, migrate};
use domain::id::{AccountId, CellId, InstanceId, OfferId, OperationId, OrderId, OrganizationId};
use domain::money::{Period, Tax};
use domain::offer::{Approval, Conditions};
use domain::operation::Kind;
use domain::{Locale, Money};
use jiff::{SignedDuration, Timestamp};
use lab::cache::Cache;
use lab::postgres::Postgres;
use names::{Flavour, Size};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// How long anything here may take before it has failed. A deadline, not a measure.
pub const LIMIT: Duration = Duration::from_secs(60);
/// The zone of the cell.
pub const ZONE: &str = "servers.example";
/// The cluster of the cell.
pub const CLUSTER: &str = "cluster-1";

/// A control plane's back half.
pub struct Workshop {
    /// What everything is given.
    pub platform: Arc<Platform>,
    /// The clock.
    pub clock: Arc<FakeClock>,
    /// The cell.
    pub cluster: Arc<FakeCluster>,
    /// The cell's row.
    pub cell: CellId,
    /// The cell's object store.
    pub objects: Arc<FakeObjects>,
    /// The mail server.
    pub mailer: Arc<FakeMailer>,
    offer: OfferId,
    stop: CancellationToken,
    folder: Arc<TempDir>,
}

impl Drop for Workshop {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Somebody who orders servers.
pub struct Customer {
    /// Their account.
    pub account: Account,
    /// Their own organization.
    pub organization: OrganizationId,
    /// They, as the audit log has them.
    pub actor: Actor,
}

impl Workshop {
    /// Opens a workshop with a database called `name`.
    ///
    /// # Errors
    /// When the database cannot be had.
    pub async fn open(name: &str) -> Result<Self> {
        Self::with_room(name, None).await
    }

    /// A workshop whose cell has room for so many small servers.
    ///
    /// # Errors
    /// When the database cannot be had.
    pub async fn with_room(name: &str, room: Option<u32>) -> Result<Self> {
        let url = database(name).await?;
        let folder = Arc::new(tempfile::tempdir()?);
        let cluster = FakeCluster::new(CLUSTER)?;
        cluster.set_cell(|cell| cell.spec.room.extend(room.map(|room| ("small".to_owned(), room))));
        let clusters: [(String, Arc<dyn Cluster>); 1] = [("one".to_owned(), Arc::new(cluster.clone()))];
        let clock = Arc::new(FakeClock::at("2026-12-01T12:00:00Z".parse()?));
        let objects = Arc::new(FakeObjects::default());
        let platform = platform(&url, &folder, clock.clone(), clusters.into(), objects.clone())?;
        let cell = platform.id(CellId::new)?;
        let mut connection = platform.pool.acquire().await?;
        store::cell::insert(&mut connection, cell, "one", &ZONE.parse()?, platform.now()).await?;
        let offer = small_snac(&platform)?;
        store::offer::insert(&mut connection, &offer, platform.now()).await?;
        drop(connection);
        let stop = CancellationToken::new();
        let mailer = Arc::new(FakeMailer::default());
        let workshop = Self { platform, clock, cluster, cell, objects, mailer, offer: offer.offer.id, stop, folder };
        workshop.observe();
        workshop.until("the cell's room is known", async || workshop.room().await.map(|room| room.is_some())).await?;
        Ok(workshop)
    }

    /// Begins to observe the cell, as one more worker.
    pub fn observe(&self) {
        tokio::spawn(observe::one(self.platform.clone(), self.cell, self.stop.clone()));
    }

    /// Places that are and that are taken, for small servers.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn room(&self) -> Result<Option<(i32, i32)>> {
        let mut connection = self.platform.pool.acquire().await?;
        let rooms = store::cell::rooms(&mut connection).await?;
        Ok(rooms.into_iter().find(|room| room.size == Size::Small).map(|room| (room.places, room.taken)))
    }

    /// The cell's row.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn cell_row(&self) -> Result<store::cell::Cell> {
        let mut connection = self.platform.pool.acquire().await?;
        store::cell::find(&mut connection, self.cell).await?.context("the cell is gone")
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(self.platform.begin().await?)
    }

    /// Somebody with an account and an organization of their own.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn customer(&self, name: &str) -> Result<Customer> {
        let (id, own) = (self.platform.id(AccountId::new)?, self.platform.id(OrganizationId::new)?);
        let mut tx = self.begin().await?;
        let new = account::New {
            id,
            email: &format!("{name}@mail.example").parse()?,
            name: &name.parse()?,
            locale: Locale::En,
            password_hash: "none",
            at: self.platform.now(),
        };
        account::insert(&mut tx, &new).await?;
        account::confirm(&mut tx, id, self.platform.now()).await?;
        organization::insert_personal(&mut tx, own, id, name, 10, self.platform.now()).await?;
        let account = account::find(&mut tx, id).await?.context("the account is gone")?;
        tx.commit().await?;
        let actor = Actor { who: Who::Account(id), name: name.to_owned(), address: None, request_id: None };
        Ok(Customer { account, organization: own, actor })
    }

    /// Orders a server.
    ///
    /// # Errors
    /// What the control plane has against it.
    pub async fn order(&self, customer: &Customer, label: &str) -> Result<OrderId> {
        let mut connection = self.platform.pool.acquire().await?;
        let terms = store::terms::current(&mut connection, self.platform.now()).await?;
        drop(connection);
        let wish = Wish {
            organization: customer.organization,
            offer: self.offer,
            price: Money::new(0, "EUR")?,
            label: label.to_owned(),
            zone: ZONE.parse()?,
            owner_handle: "owner".parse()?,
            owner_email: customer.account.email.clone(),
            terms,
        };
        Ok(place(&self.platform, &customer.actor, &customer.account, wish).await?)
    }

    /// Orders a server and waits until it is ready.
    ///
    /// # Errors
    /// When it is not.
    pub async fn server(&self, customer: &Customer, label: &str) -> Result<InstanceId> {
        let order = self.order_row(self.order(customer, label).await?).await?;
        let instance = order.instance.context("nothing was begun")?;
        self.rest(self.newest(instance, Kind::CreateInstance).await?.id).await?;
        let ready = self.instance(instance).await?.ready_at.is_some();
        if ready { Ok(instance) } else { bail!("{label} is not ready") }
    }

    /// An order as it stands.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn order_row(&self, id: OrderId) -> Result<store::order::Order> {
        let mut connection = self.platform.pool.acquire().await?;
        store::order::find(&mut connection, id).await?.context("the order is gone")
    }

    /// A server as it is written down.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn instance(&self, id: InstanceId) -> Result<Instance> {
        let mut connection = self.platform.pool.acquire().await?;
        store::instance::find(&mut connection, id).await?.context("the server is gone")
    }

    /// An operation as it stands.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn operation(&self, id: OperationId) -> Result<Operation> {
        let mut connection = self.platform.pool.acquire().await?;
        store::operation::find(&mut connection, id).await?.context("the operation is gone")
    }

    /// The newest operation of a kind on a server.
    ///
    /// # Errors
    /// When there is none.
    pub async fn newest(&self, instance: InstanceId, kind: Kind) -> Result<Operation> {
        let mut connection = self.platform.pool.acquire().await?;
        let all = store::operation::of_instance(&mut connection, instance, 50).await?;
        all.into_iter().find(|one| one.course.kind == kind).with_context(|| format!("there is no {kind}"))
    }

    /// Takes the next operation up that is due now.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn take(&self) -> Result<Option<Claimed>> {
        loop {
            match claim(&self.platform, &[]).await? {
                Look::Claimed(claimed) => return Ok(Some(*claimed)),
                Look::Again => {}
                Look::Nothing => return Ok(None),
            }
        }
    }

    /// Lets one operation run that is due now. Whether there was one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn turn(&self) -> Result<bool> {
        let Some(claimed) = self.take().await? else { return Ok(false) };
        Box::pin(run::run(&self.platform, claimed)).await;
        Ok(true)
    }

    /// Moves the clock to when the next operation is due.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn skip(&self) -> Result<()> {
        let mut connection = self.platform.pool.acquire().await?;
        let now = self.platform.now();
        if let Some(due) = store::operation::due(&mut connection, now).await? {
            self.clock.advance(due.duration_since(now));
        }
        Ok(())
    }

    /// Lets everything run, moving the clock on when nothing is due, until an operation has come to its end.
    ///
    /// # Errors
    /// When it does not in time; the error shows where it stands.
    pub async fn rest(&self, id: OperationId) -> Result<Operation> {
        let done = async {
            loop {
                while self.turn().await? {}
                let operation = self.operation(id).await?;
                if operation.course.state.is_final() {
                    return anyhow::Ok(operation);
                }
                // The observer, which runs beside this, has its turn.
                tokio::time::sleep(Duration::from_millis(10)).await;
                self.skip().await?;
            }
        };
        match tokio::time::timeout(LIMIT, done).await {
            Ok(done) => done,
            Err(_) => bail!("it has not ended: {:#?}", self.operation(id).await?),
        }
    }

    /// Waits until something is so.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
        let done = async {
            while !is_so().await? {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(LIMIT, done).await.with_context(|| format!("waiting until {what}"))?
    }

    /// Sends all mails that are due, and returns all that were sent so far.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mails(&self) -> Result<Vec<control_plane::gateway::mail::Letter>> {
        control_plane::worker::mail::once(&self.platform, &*self.mailer).await?;
        Ok(self.mailer.sent())
    }

    /// Moves the clock on.
    pub fn later(&self, by: SignedDuration) -> Timestamp {
        self.clock.advance(by);
        self.platform.now()
    }
}

async fn database(name: &str) -> Result<String> {
    let postgres = Postgres::shared(&Cache::open(None)?).await?;
    let fill = async |url: &str| {
        let pool = control_plane::platform::pool(url, 1)?;
        migrate::run(&pool).await?;
        pool.close().await;
        Ok(())
    };
    postgres.copy(name, "control_plane", fill).await
}

fn platform(
    url: &str,
    folder: &TempDir,
    clock: Arc<FakeClock>,
    clusters: HashMap<String, Arc<dyn Cluster>>,
    objects: Arc<FakeObjects>,
) -> Result<Arc<Platform>> {
    let given = Given {
        database_url: Some(url.to_owned()),
        key_file: Some(keys::own(folder)?),
        url: Some("https://steppe.example".parse()?),
        support: Some("help@steppe.example".to_owned()),
        cells_dir: Some(folder.path().to_owned()),
        staff_keys_dir: Some(keys::staff(folder)?),
        ..Given::default()
    };
    let platform = control_plane::command::platform(given.check()?, 10)?;
    let mut platform = Arc::into_inner(platform).context("the platform is shared already")?;
    platform.clock = clock;
    platform.cells = Arc::new(Cells::given(clusters));
    let stores: [(String, Arc<dyn Objects>); 1] = [("one".to_owned(), objects)];
    platform.stores = Arc::new(Stores::given(stores.into()));
    Ok(Arc::new(platform))
}

fn small_snac(platform: &Platform) -> Result<Offer> {
    let conditions = Conditions {
        flavour: Flavour::Snac,
        size: Size::Small,
        price: Money::new(0, "EUR")?,
        tax: Tax::Inclusive,
        period: Period::Month,
        approval: Approval::None,
    };
    let offer = domain::Offer::first(platform.id(OfferId::new)?, "snac-small".parse()?, conditions)?;
    Ok(Offer { offer, texts: Texts::default(), software_version: "2.75".parse()? })
}
