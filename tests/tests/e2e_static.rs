//! Servers need nothing of ours to go on. Alone in its program: while it runs, nobody else's test would find anything.
#![cfg(test)]

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::node::tenant::Tenant;
use e2e::node::visit::{actor_key, held, visit};
use e2e::stage::{self, Outage, Person, Stage};
use lab::wait;

/// How long a server may take to be there again after its pod has died. A deadline, not a measure.
const LIMIT: Duration = Duration::from_secs(90);

/// A server that runs, with what its owner did there.
struct Lived {
    person: Person,
    page: String,
    token: String,
    key: String,
}

impl Lived {
    async fn begin(stage: &'static Stage) -> Result<Self> {
        let person = Person::new("Teal")?;
        let (mut customer, page) = stage.server(&person).await?;
        let password = customer.owner_password(&page).await?;
        let token = stage.app(&person).login(&person.handle, &password).await?.token;
        stage.app(&person).post(&token, "before").await?;
        let key = actor_key(&stage.cell.site, &stage.host(&person), &person.handle).await?;
        Ok(Self { person, page, token, key })
    }

    /// People read and write, others find the account.
    async fn answers(&self, stage: &Stage, text: &str) -> Result<()> {
        let (site, host, handle) = (&stage.cell.site, stage.host(&self.person), &self.person.handle);
        let app = stage.app(&self.person);
        app.verify(&self.token).await?;
        app.post(&self.token, text).await?;
        app.home_with(&self.token, text, 10).await?;
        app.home_with(&self.token, "before", 10).await?;
        let finger = visit(site, &host, &format!("/.well-known/webfinger?resource=acct:{handle}@{host}")).await?;
        ensure!(finger.code.is_success() && finger.text.contains(handle), "{finger:?}");
        ensure!(actor_key(site, &host, handle).await? == self.key, "{handle} has another key");
        Ok(())
    }

    /// Its pod dies, and another takes its place.
    async fn comes_back(&self, stage: &Stage, tenant: &Tenant) -> Result<()> {
        let before = tenant.server().await?.metadata.uid;
        tenant.kill_server().await?;
        wait::until("another pod to be ready", LIMIT, async || {
            let pod = tenant.server().await?;
            let status = pod.status.unwrap_or_default();
            let ready = status.conditions.iter().flatten().any(|one| one.type_ == "Ready" && one.status == "True");
            Ok((pod.metadata.uid != before && ready).then_some(()))
        })
        .await?;
        // The ingress controller hears of it a moment later.
        wait::until("it to be found", LIMIT, async || stage.app(&self.person).verify(&self.token).await.map(Some))
            .await?;
        Ok(())
    }
}

#[test]
fn servers_go_on_while_everything_of_ours_is_dead() {
    stage::test(async |stage| {
        let sleeper = Person::new("Smew")?;
        let (lived, resting) = tokio::try_join!(Lived::begin(stage), stage.server(&sleeper))?;
        let (mut owner, asleep) = resting;
        owner.post(&format!("{asleep}/pause"), &[("reason", "")]).await?.expect(303)?;
        let (site, still) = (&stage.cell.site, stage.host(&sleeper));
        held(site, &still).await?;
        owner
            .until("it to be told", &asleep, |page| page.link("/").filter(|_| page.body.contains("/resume\"")))
            .await?;
        let tenant = Tenant::of(&stage.control.ground, site, &stage.object(&lived.page).await?);
        let belongings = tenant.belongings().await?;

        let outage = Outage::begin(stage).await?;
        let gone_through = async {
            lived.answers(stage, "meanwhile").await.context("at once")?;
            held(site, &still).await?;
            lived.comes_back(stage, &tenant).await?;
            lived.answers(stage, "after the pod died").await.context("after its pod died")?;
            held(site, &still).await
        };
        let seen = gone_through.await;
        // Others use this stage after us, however that went.
        outage.end().await?;
        seen.context("with everything of ours dead")?;

        // And all is as it was: nothing was made anew or taken for lost.
        lived.answers(stage, "afterwards").await?;
        ensure!(tenant.belongings().await? == belongings, "{:?} instead of {belongings:?}", tenant.belongings().await?);
        owner.post(&format!("{asleep}/resume"), &[]).await?.expect(303)?;
        owner.running(&asleep).await?;
        ensure!(visit(site, &still, "/").await?.code.is_success(), "{still} does not wake up");
        Ok(())
    });
}
