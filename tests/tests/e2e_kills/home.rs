//! A server that is ordered at the dashboard, by somebody who tries again when no answer comes.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use crd::{Export, Instance};
use domain::id::OrderId;
use e2e::node::tenant::{Belongings, Tenant};
use e2e::node::visit;
use e2e::stage::{self, Person, Stage};
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use lab::control::Customer;
use lab::{download, wait};
use uuid::Uuid;

use crate::storm::Storm;
use crate::{LIMIT, READY};

/// A server at the dashboard, and what its owner did.
pub struct Home<'a> {
    storm: &'a Storm,
    /// Its objects.
    pub tenant: Tenant,
    person: Person,
    page: String,
    id: Uuid,
    token: String,
    born: Instance,
    actor: String,
    things: Belongings,
    posts: Vec<String>,
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
            born: tenant.instance().await?,
            actor: visit::actor_key(site, &host, &person.handle).await?,
            things: tenant.belongings().await?,
            tenant,
            person,
            page,
            token,
            posts: Vec::new(),
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
        let text = format!("after round {round}");
        self.storm.stage.app(&self.person).post(&self.token, &text).await?;
        self.posts.push(text);
        Ok(())
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
        let (stage, host) = (self.storm.stage, self.storm.stage.host(&self.person));
        self.quiet().await?;
        self.tenant.idle().await?;
        ensure!(self.tenant.live_pods("server").await?.len() == 1, "more than one pod serves, or none");
        let now = self.tenant.instance().await?;
        let identity = |instance: &Instance| instance.status.as_ref().and_then(|status| status.identity.clone());
        ensure!(identity(&now).is_some() && identity(&now) == identity(&self.born), "{:?}", identity(&now));
        ensure!(now.uid() == self.born.uid(), "another object");
        let key = visit::actor_key(&stage.cell.site, &host, &self.person.handle).await?;
        ensure!(key == self.actor, "the owner has another key");
        let things = self.tenant.belongings().await?;
        ensure!(things == self.things, "{things:?} instead of {:?}", self.things);
        let app = stage.app(&self.person);
        let texts = app.home_with(&self.token, self.posts.last().context("no post")?, 10).await?.texts;
        let lost: Vec<_> = self.posts.iter().filter(|post| !texts.iter().any(|text| text.contains(*post))).collect();
        ensure!(lost.is_empty(), "posts are lost: {lost:?}");
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
        let uid = self.born.uid().context("no uid")?;
        let rows = "SELECT object_uid FROM exports WHERE instance_id = $1 AND object_uid IS NOT NULL";
        let database = &mut self.storm.stage.database().await?;
        let rows: Vec<String> = sqlx::query_scalar(rows).bind(self.id).fetch_all(database).await?;
        let recorded: BTreeSet<String> = rows.into_iter().collect();
        let exports = Api::<Export>::all(self.tenant.client.clone()).list(&ListParams::default()).await?.items;
        let mine = exports.iter().filter(|export| export.spec.instance_ref.uid == uid);
        let made: BTreeSet<String> = mine.filter_map(|one| one.uid()).collect();
        ensure!(
            made == recorded && made.len() == self.exports + self.closings,
            "{made:?} in the cell, {recorded:?} here"
        );
        let prefix = format!("bundles/{uid}/");
        let stored = download::list(&self.storm.stage.cell.bucket, &prefix).await?;
        let bundles = stored.keys().filter_map(|key| key.strip_prefix(&prefix)?.split('/').next().map(str::to_owned));
        let bundles: BTreeSet<String> = bundles.collect();
        ensure!(bundles == made, "bundles {bundles:?} instead of {made:?}");
        Ok(())
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
