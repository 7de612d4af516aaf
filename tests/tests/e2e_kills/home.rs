//! A server that is ordered at the dashboard, by somebody who tries again when no answer comes.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use domain::id::OrderId;
use e2e::node::tenant::Tenant;
use e2e::node::visit;
use e2e::stage::{self, Person, Stage};
use lab::control::Customer;
use lab::wait;
use uuid::Uuid;

use crate::soul::Soul;
use crate::storm::Storm;
use crate::{LIMIT, READY};

/// A server at the dashboard, and what its owner did.
pub struct Home<'a> {
    storm: &'a Storm,
    /// What must stay.
    pub soul: Soul,
    person: Person,
    page: String,
    id: Uuid,
    exports: usize,
    closings: usize,
}

/// Somebody at the dashboard.
pub struct Owner {
    person: Person,
    customer: Customer,
}

impl Owner {
    /// Signs somebody up, while nobody is killed yet.
    pub async fn sign_up(stage: &Stage, name: &str) -> Result<Self> {
        stage.strangers().await?;
        let person = Person::new(name)?;
        let customer = stage.control.dashboard.sign_up(&person.account, &person.name).await?;
        Ok(Self { person, customer })
    }
}

impl<'a> Home<'a> {
    /// Until the storm is over, and at least once each.
    pub async fn live(storm: &'a Storm, number: usize, owner: Owner) -> Result<Self> {
        let begun = async || Ok((storm.percent() >= 10 * number).then_some(()));
        wait::until("some to be killed", LIMIT, begun).await?;
        let Owner { person, mut customer } = owner;
        let mut home = Self::order(storm, person, &mut customer).await?;
        for round in 0.. {
            let gone_through = home.round(&mut customer, round).await;
            gone_through.with_context(|| format!("{} in round {round}", home.person.label))?;
            storm.tell(&format!("{} has come through round {round}", home.person.label));
            if round == 2 {
                storm.home_is_done();
            }
            if round >= 2 && storm.is_over() {
                break;
            }
        }
        Ok(home)
    }

    async fn order(storm: &'a Storm, person: Person, customer: &mut Customer) -> Result<Self> {
        let (stage, site, host) = (storm.stage, &storm.stage.cell.site, storm.stage.host(&person));
        let ordered = "SELECT id FROM orders WHERE hostname = $1";
        let order: Uuid = wait::until("the order to be taken", LIMIT, async || {
            let found = sqlx::query_scalar(ordered).bind(&host).fetch_optional(&mut stage.database().await?).await?;
            if found.is_none() {
                customer.order(&person.label, &person.handle, &person.account.email).await?;
            }
            Ok(found)
        })
        .await?;
        let page = customer.ready(&format!("/orders/{}", OrderId::from(order))).await?;
        let password = Self::password(customer, &page).await?;
        let token = stage.app(&person).login(&person.handle, &password).await?.token;
        let tenant = Tenant::of(&stage.control.ground, site, &stage.object(&page).await?);
        storm.tell(&format!("{} is there", person.label));
        Ok(Self {
            storm,
            id: stage::instance(&page)?.uuid(),
            soul: Soul::of(stage.cell, tenant, &host, &person.handle, &token).await?,
            person,
            page,
            exports: 0,
            closings: 0,
        })
    }

    /// The owner's password; when the page that showed it was lost, another one is asked for.
    async fn password(customer: &mut Customer, page: &str) -> Result<String> {
        let (path, reset) = (format!("{page}/login"), format!("{page}/login/reset"));
        wait::until("the owner's password", LIMIT, async || {
            let here = customer.get(&path).await?.expect(200)?;
            if here.body.contains("Show it now") {
                return customer.owner_password(page).await.map(Some);
            }
            if here.body.contains(&reset) {
                customer.post(&reset, &[]).await?.expect(303)?;
            }
            Ok(None)
        })
        .await
    }

    async fn round(&mut self, customer: &mut Customer, round: usize) -> Result<()> {
        match round % 3 {
            0 => self.copy(customer).await?,
            1 => self.pause(customer).await?,
            _ => self.close(customer).await?,
        }
        customer.running(&self.page).await?;
        self.soul.post(format!("after round {round}")).await
    }

    /// Sends a form until a page shows that it was taken.
    async fn insist(&self, customer: &mut Customer, form: &str, fields: &[(&str, &str)], sign: &str) -> Result<()> {
        let path = format!("{}/{form}", self.page);
        wait::until(&format!("{form} to be taken"), READY, async || {
            let page = customer.get(&self.page).await?.expect(200)?;
            if page.body.contains(sign) {
                return Ok(Some(()));
            }
            customer.post(&path, fields).await?.expect(303)?;
            Ok(None)
        })
        .await
    }

    async fn copy(&mut self, customer: &mut Customer) -> Result<()> {
        self.exports += 1;
        wait::until("the copy to be asked for", READY, async || {
            if self.count("SELECT count(*) FROM exports WHERE instance_id = $1 AND reason = 'requested'").await?
                == self.exports
            {
                return Ok(Some(()));
            }
            // A long storm has more copies in it than somebody may have made in an hour.
            self.storm.stage.strangers().await?;
            customer.post(&format!("{}/exports", self.page), &[]).await?.expect(303)?;
            Ok(None)
        })
        .await?;
        self.quiet().await
    }

    async fn pause(&self, customer: &mut Customer) -> Result<()> {
        let host = self.storm.stage.host(&self.person);
        self.insist(customer, "pause", &[("reason", "a storm")], "/resume\"").await?;
        self.quiet().await?;
        visit::held(&self.storm.stage.cell.site, &host).await?;
        self.insist(customer, "resume", &[], "/pause\"").await?;
        self.quiet().await
    }

    async fn close(&mut self, customer: &mut Customer) -> Result<()> {
        let host = self.storm.stage.host(&self.person);
        self.insist(customer, "close", &[("typed", &host)], "/reopen\"").await?;
        self.closings += 1;
        self.quiet().await?;
        self.insist(customer, "reopen", &[], "/pause\"").await?;
        self.quiet().await
    }

    /// Waits until all work on the server has ended well.
    async fn quiet(&self) -> Result<()> {
        wait::until("the work on the server to end", LIMIT, async || {
            let open = "SELECT kind || ' is ' || state || ', ' || step || ': ' || message FROM operations
                WHERE instance_id = $1 AND state <> 'succeeded'";
            let open: Vec<String> =
                sqlx::query_scalar(open).bind(self.id).fetch_all(&mut self.storm.stage.database().await?).await?;
            ensure!(open.is_empty(), "{open:?}");
            Ok(Some(()))
        })
        .await
    }

    async fn count(&self, query: &'static str) -> Result<usize> {
        let count: i64 =
            sqlx::query_scalar(query).bind(self.id).fetch_one(&mut self.storm.stage.database().await?).await?;
        Ok(usize::try_from(count)?)
    }

    /// It is the server it was, with all that its owner did, once.
    pub async fn is_whole(&self) -> Result<()> {
        self.quiet().await?;
        self.soul.is_the_same().await?;
        self.happened_once().await?;
        self.mails_came_once().await
    }

    /// One order, one server, each thing that was asked for once: in the database, in the cell and in the bucket.
    async fn happened_once(&self) -> Result<()> {
        for (query, expected) in [
            ("SELECT count(*) FROM orders WHERE instance_id = $1 AND state = 'done'", 1),
            ("SELECT count(*) FROM operations WHERE instance_id = $1 AND kind = 'instance.create'", 1),
            ("SELECT count(*) FROM operations WHERE instance_id = $1 AND kind = 'instance.export'", self.exports),
            ("SELECT count(*) FROM operations WHERE instance_id = $1 AND kind = 'instance.close'", self.closings),
            ("SELECT count(*) FROM operations WHERE instance_id = $1 AND kind = 'instance.reopen'", self.closings),
            ("SELECT count(*) FROM exports WHERE instance_id = $1 AND reason = 'requested'", self.exports),
            ("SELECT count(*) FROM exports WHERE instance_id = $1 AND reason = 'final'", self.closings),
            ("SELECT count(*) FROM exports WHERE instance_id = $1 AND phase <> 'succeeded'", 0),
            ("SELECT count(*) FROM holds WHERE instance_id = $1 AND lifted_at IS NULL", 0),
        ] {
            let found = self.count(query).await?;
            ensure!(found == expected, "{found} instead of {expected}: {query}");
        }
        let rows = "SELECT object_uid FROM exports WHERE instance_id = $1 AND object_uid IS NOT NULL";
        let database = &mut self.storm.stage.database().await?;
        let rows: Vec<String> = sqlx::query_scalar(rows).bind(self.id).fetch_all(database).await?;
        let recorded: BTreeSet<String> = rows.into_iter().collect();
        ensure!(recorded.len() == self.exports + self.closings, "{recorded:?} were recorded");
        self.soul.has_bundles_of(&recorded).await
    }

    /// Each mail that was to be written has arrived, and no other; a repeat has the same Message-ID.
    async fn mails_came_once(&self) -> Result<()> {
        let address = &self.person.account.email;
        wait::until("all mails", READY, async || {
            let rows = "SELECT trim(both '<>' from message_id) FROM mails WHERE recipient = $1";
            let database = &mut self.storm.stage.database().await?;
            let rows: Vec<String> = sqlx::query_scalar(rows).bind(address).fetch_all(database).await?;
            let written: BTreeSet<String> = rows.into_iter().collect();
            let arrived = self.storm.stage.control.dashboard.mailpit.mails(address, "").await?;
            let arrived: BTreeSet<String> = arrived.into_iter().map(|mail| mail.message_id).collect();
            if written.is_empty() || written != arrived {
                bail!("{written:?} were written, {arrived:?} arrived");
            }
            Ok(Some(()))
        })
        .await
    }
}
