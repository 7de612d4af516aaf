//! The operator, the pods of exports, the server and the worker of the control plane are killed again and again while people
//! order servers, freeze and thaw them, take copies, add accounts, close servers and take that back: by objects in the cell
//! and at the dashboard. In the end everything is as if nobody had been killed, and nothing happened twice.
#![cfg(test)]

mod home;
mod house;
mod soul;
mod storm;

use std::time::Duration;

use anyhow::ensure;
use e2e::stage;
use futures::future::try_join_all;
use lab::control::Program;

use self::home::{Home, Owner};
use self::house::House;
use self::storm::{Storm, seed};

/// How many servers are ordered by objects, and who orders one at the dashboard.
const HOUSES: usize = 2;
const OWNERS: [&str; 2] = ["Avocet", "Crake"];
const READY: Duration = Duration::from_secs(240);
const LIMIT: Duration = Duration::from_secs(300);

#[test]
fn servers_live_on_while_all_that_is_ours_is_killed() {
    stage::test(async |stage| {
        let storm = Storm::new(seed()?, stage);
        println!("STEPPE_TEST_SEED={}", storm.seed);
        let owners = try_join_all(OWNERS.map(|name| Owner::sign_up(stage, name))).await?;
        let homes = try_join_all(owners.into_iter().enumerate().map(|(nth, owner)| Home::live(&storm, nth, owner)));
        let houses = try_join_all((0..HOUSES).map(|number| House::live(&storm, number)));
        let programs = try_join_all(Program::ALL.map(|program| storm.on_program(program)));
        let (homes, houses, _, (), ()) =
            tokio::try_join!(homes, houses, programs, storm.on_operator(), storm.on_exports())?;
        storm.tell(&storm.told());
        let calm = House::build(&storm, HOUSES);
        let whole = try_join_all(houses.iter().map(House::is_whole));
        let (calm, _, _) = tokio::try_join!(calm, whole, try_join_all(homes.iter().map(Home::is_whole)))?;
        calm.soul.tenant.idle().await?;
        let usual = calm.soul.tenant.census().await?;
        for tenant in houses.iter().map(|one| &one.soul.tenant).chain(homes.iter().map(|one| &one.soul.tenant)) {
            let census = tenant.census().await?;
            ensure!(census == usual, "{} has {census:?} instead of {usual:?}", tenant.name);
        }
        let shared = try_join_all(houses.iter().map(House::copies_by_many)).await?.into_iter().sum::<usize>();
        storm.tell(&format!("all are whole; {shared} copies were made by more than one pod"));
        // Others use the stage after us: with the worker as it was.
        stage.control.kill(Program::Worker).await?;
        stage.control.start(Program::Worker)?;
        stage.control.answers().await
    });
}
