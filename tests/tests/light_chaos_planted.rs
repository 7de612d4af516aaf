//! Faults planted into the real operator: the net that [`e2e::chaos`] is must catch each of them.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use e2e::chaos::create::Create;
use e2e::chaos::freeze::Freeze;
use e2e::chaos::plant::Plant;
use e2e::chaos::{Scene, Story, exec};
use lab::fault::{Action, Clean, Match, Moment, On, Plan};

/// How long a step may take here: what is caught does not come to its end.
const STEP: Duration = Duration::from_secs(30);

/// How late something may be in the end. One too many stays one too many.
const LATE: Duration = Duration::from_secs(8);

/// A fault that shows when nothing happens: the clean runs are not clean.
async fn shows(story: impl Story, plant: Plant, words: &str) -> Result<()> {
    let learned = exec(Scene::planted(story, plant)).await?.limit(STEP).patience(LATE).learn().await;
    let Err(error) = learned else { bail!("{plant:?} was not caught") };
    ensure!(format!("{error:#}").contains(words), "{plant:?} was caught by chance: {error:#}");
    Ok(())
}

/// A fault that shows only under these plans.
async fn shows_under(story: impl Story, plant: Plant, plans: impl Fn(&Clean) -> Vec<Plan>, words: &str) -> Result<()> {
    let exec = exec(Scene::planted(story, plant)).await?.limit(STEP).patience(LATE);
    let clean = exec.learn().await?;
    let plans = plans(&clean);
    ensure!(!plans.is_empty(), "there is no plan for {plant:?}: {:?}", clean.writes);
    let report = exec.run(&clean, plans).await;
    let caught = report.failures.iter().any(|failure| failure.wrong.iter().any(|wrong| wrong.contains(words)));
    ensure!(caught, "{plant:?} was not caught: {report}");
    Ok(())
}

/// The operator dies at this moment of each write whose name begins so.
fn crashes(clean: &Clean, moment: Moment, begin: &str) -> Vec<Plan> {
    let begin = format!("crash {moment:?} {begin}");
    clean.crashes(&[moment]).into_iter().filter(|plan| plan.name.starts_with(&begin)).collect()
}

/// The operator dies when a birth is recorded.
fn at_the_record(action: Action) -> Plan {
    let record = Match {
        verb: "patch".into(),
        kind: "instances.steppe.host/status".into(),
        has: "/status/identity".into(),
        ..Match::default()
    };
    Plan::one("crash at the record of the birth", On::Request(record), action).killing()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_goes_with_its_instance_is_caught() -> Result<()> {
    shows(Create, Plant::OwnedVolume, "what holds data is owned").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_without_precondition_is_caught() -> Result<()> {
    shows(Freeze, Plant::NoPrecondition, "names no version of what it was computed from").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_repeated_each_pass_is_caught() -> Result<()> {
    shows(Create, Plant::WrittenEachPass, "writes for nothing: patch instances.steppe.host/status").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_secret_that_is_written_again_is_caught() -> Result<()> {
    let plans = |clean: &Clean| crashes(clean, Moment::Committed, "create secrets t-RUN-birds/identity");
    shows_under(Create, Plant::IdentityReplaced, plans, "created 2 times, deleted 1 times").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_birth_that_is_repeated_is_caught() -> Result<()> {
    let plans = |_: &Clean| vec![at_the_record(Action::DropBeforeForward)];
    shows_under(Create, Plant::BirthForgotten, plans, "jobs.batch t-RUN-birds/birth: created 2 times").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_that_is_written_before_its_effect_is_caught() -> Result<()> {
    let plans = |_: &Clean| vec![at_the_record(Action::DropAfterCommit)];
    shows_under(Create, Plant::EscrowLate, plans, "the identity is recorded and not in escrow").await
}
