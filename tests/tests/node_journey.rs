//! A server's whole life on real pods: ordered, logged in to by a real client, federated, frozen, taken away, and
//! brought up elsewhere as the same server.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use crd::{Mode, condition};
use e2e::node;
use e2e::node::visit::held;
use lab::demo::{self, Seconds};

#[test]
fn a_server_lives_and_is_the_same_server_elsewhere() {
    node::anywhere(async |cell| {
        let work = tempfile::tempdir()?;
        let mut seconds = Seconds::default();
        let stamp = lab::journey::stamp();
        let names = [format!("birds-{stamp}"), format!("trees-{stamp}")];
        let names = [names[0].as_str(), names[1].as_str()];
        let [first, second] = demo::two_servers(&cell.site, names, work.path(), &mut seconds, &mut node::Told).await?;

        let before = cell.site.app(&first.order).verify(&first.token).await?;
        let taken = demo::take(&cell.site, &first, &cell.bucket, work.path(), &mut seconds).await?;
        cell.site.ready(&first.order, Duration::from_secs(60)).await.context("after the export")?;
        let after = cell.site.app(&first.order).verify(&first.token).await?;
        ensure!(before == after, "before the export {before:?}, after it {after:?}");

        let cache = node::cache()?;
        let account =
            demo::restore(&cell.site, &cache, &first, &second.account(), &taken, work.path(), &cell.public_key).await?;
        ensure!(account == before, "elsewhere the account is {account:?}, here it is {before:?}");
        eprintln!("{}", serde_json::to_string(&seconds)?);
        Ok(())
    });
}

#[test]
fn a_frozen_server_says_so_and_thaws_as_it_was() {
    node::anywhere(async |cell| {
        let site = &cell.site;
        let order = site.order(&format!("ice-{}", lab::journey::stamp()), "carol").await?;
        site.ready(&order, Duration::from_secs(180)).await?;
        let living = demo::log_in(site, order).await?;
        let app = site.app(&living.order);
        app.post(&living.token, "before the frost").await?;

        site.set_mode(&living.order, Mode::Frozen).await?;
        site.until_condition(&living.order, condition::STOPPED, Duration::from_secs(150)).await?;
        held(site, &living.order.host).await?;

        site.set_mode(&living.order, Mode::Running).await?;
        site.ready(&living.order, Duration::from_secs(120)).await?;
        app.home_with(&living.token, "before the frost", 10).await?;
        Ok(())
    });
}
