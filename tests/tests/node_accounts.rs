//! Accounts come and go while the server runs, asked for by objects, seen by a real client.
#![cfg(test)]

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use crd::{AccountAction, Phase};
use e2e::node;
use e2e::node::account::{self, Changed};
use e2e::node::tenant::Tenant;
use e2e::node::visit::visit;
use kube::ResourceExt as _;
use lab::demo::{self, Living};
use lab::journey::Site;
use reqwest::StatusCode;

const READY: Duration = Duration::from_secs(180);

/// A server whose owner changes accounts.
struct House<'a> {
    site: &'a Site,
    living: Living,
}

impl House<'_> {
    /// Carries a change out; `word` makes its name.
    async fn change(&self, word: &str, action: AccountAction, handle: &str) -> Result<Changed> {
        let name = format!("{}-{word}", self.living.order.name);
        account::change(self.site, &self.living.order.instance_ref(), &name, action, handle).await
    }

    /// A change that must succeed with a new password.
    async fn password(&self, word: &str, action: AccountAction, handle: &str) -> Result<String> {
        let changed = self.change(word, action, handle).await?;
        ensure!(changed.phase() == Phase::Succeeded, "{word}: {:?}", changed.why());
        changed.password()
    }

    /// A change that must be refused for this reason; the sentence that says why.
    async fn refused(&self, word: &str, action: AccountAction, handle: &str, reason: &str) -> Result<String> {
        let changed = self.change(word, action, handle).await?;
        let (found, message) = changed.why();
        ensure!((changed.phase(), found.as_str()) == (Phase::Failed, reason), "{word}: {found}: {message}");
        ensure!(changed.password.is_none(), "{word} was refused and made a password");
        Ok(message)
    }

    /// Logs in with a client app; the token.
    async fn log_in(&self, handle: &str, password: &str) -> Result<String> {
        let app = self.site.app(&self.living.order);
        let login = app.login(handle, password).await.with_context(|| format!("log-in of {handle}"))?;
        ensure!(login.account == handle, "the token belongs to {}, not to {handle}", login.account);
        Ok(login.token)
    }

    /// The client app must be told that this password is not taken.
    async fn locked_out(&self, handle: &str, password: &str) -> Result<()> {
        match self.site.app(&self.living.order).login(handle, password).await {
            Ok(_) => anyhow::bail!("{handle} got in with a password that is not theirs any more"),
            Err(error) => {
                let text = format!("{error:#}");
                ensure!(text.contains("did not accept the log-in"), "{handle}: {text}");
                Ok(())
            }
        }
    }
}

async fn house<'a>(site: &'a Site, word: &str, owner: &str) -> Result<House<'a>> {
    let order = site.order(&format!("{word}-{}", lab::journey::stamp()), owner).await?;
    site.ready(&order, READY).await?;
    let living = demo::log_in(site, order).await?;
    Ok(House { site, living })
}

#[test]
fn accounts_come_and_go_while_the_server_runs() {
    node::anywhere(async |cell| {
        let house = house(&cell.site, "nest", "dora").await?;
        let order = &house.living.order;
        let tenant = Tenant::anywhere(cell, &order.name);
        let (pod, things) = (tenant.server().await?, tenant.belongings().await?);

        let first = house.password("add", AccountAction::Add, "ember").await?;
        let token = house.log_in("ember", &first).await?;
        let app = cell.site.app(order);
        app.post(&token, "ember's first").await?;
        app.home_with(&token, "ember's first", 10).await?;
        let message = house.refused("again", AccountAction::Add, "ember", "AccountExists").await?;
        ensure!(message.contains("ember") && message.contains("another name"), "{message}");

        let second = house.password("reset", AccountAction::ResetLogin, "ember").await?;
        house.locked_out("ember", &first).await?;
        house.log_in("ember", &second).await?;
        house.refused("nobody", AccountAction::ResetLogin, "nobody", "AccountMissing").await?;

        let changed = house.change("away", AccountAction::Remove, "ember").await?;
        ensure!(changed.phase() == Phase::Succeeded && changed.password.is_none(), "{:?}", changed.why());
        house.locked_out("ember", &second).await?;
        ensure!(app.verify(&token).await.is_err(), "a token of an account that was removed still works");
        let page = visit(&cell.site, &order.host, "/ember").await?;
        ensure!(page.code == StatusCode::NOT_FOUND, "the page of an account that was removed: {page:?}");
        let users = tenant.exec(&["ls", "/data/d/user"]).await?;
        ensure!(users.split_whitespace().eq(["dora"]), "users on the disk: {users}");

        // The owner was served all the time, by one process, and nothing was made beside it.
        let account = app.verify(&house.living.token).await?;
        ensure!(account.account == "dora", "{account:?}");
        let now = tenant.server().await?;
        ensure!((now.uid(), restarts(&now)) == (pod.uid(), 0), "the server was restarted for a change of accounts");
        ensure!(tenant.belongings().await? == things, "{:?}", tenant.belongings().await?);
        tenant.idle().await
    });
}

#[test]
fn the_owner_gets_a_new_password_and_cannot_be_removed() {
    node::anywhere(async |cell| {
        let house = house(&cell.site, "keep", "gale").await?;
        let order = &house.living.order;
        let new = house.password("reset", AccountAction::ResetLogin, "gale").await?;
        house.locked_out("gale", &house.living.password).await?;
        house.log_in("gale", &new).await?;

        let message = house.refused("away", AccountAction::Remove, "gale", "OwnerRefused").await?;
        ensure!(message.contains("gale owns the server") && message.contains("cannot be removed"), "{message}");
        house.log_in("gale", &new).await?;
        Tenant::anywhere(cell, &order.name).idle().await
    });
}

fn restarts(pod: &k8s_openapi::api::core::v1::Pod) -> i32 {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    statuses.into_iter().flatten().map(|one| one.restart_count).sum()
}
