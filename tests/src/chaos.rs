//! Chaos: the whole operator, in this process, behind a proxy before a real API server. It is killed at every write, its
//! requests fail, its watches are cut or fall silent, a second one is at work; whatever happens, it must come to the
//! end that it comes to when nothing does, with the same number of creates and deletes, and then write nothing more.
//!
//! A [`Story`] is what the operator is put through, one file each; [`go`] learns from clean runs which writes it makes
//! and runs the plans that follow. `docs/conventions.md` says how all plans are run, and how one is run again.

pub mod account;
pub mod choice;
pub mod close;
pub mod create;
pub mod export;
pub mod freeze;
pub mod place;
pub mod plant;
pub mod rules;
pub mod scene;
pub mod seats;
pub mod theft;

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use crd::Cell;
use kube::api::Api;
use lab::fault::{Clean, Exec, Moment, Plan, Report, spread};
use lab::light::Light;
use lab::wait;
use operator::Config;
use tokio::sync::OnceCell;

use self::choice::Choice;
pub use self::place::Place;
pub use self::scene::{Scene, Story};
use crate::light::LIMIT;

/// How many runs go side by side on two cores: most of a run is waiting.
const AT_ONCE: usize = 8;
/// How many times the operator dies in one run; alone each time when all plans are run.
const IN_ONE: usize = 6;
/// How long a step may take. A deadline, not a measure: the operator looks at some things once a minute only.
const STEP: Duration = Duration::from_secs(150);
/// So many of a hundred plans may find no moment to strike.
const MISSED: usize = 10;

/// The ground that the stories of a program share, with a cell whose status has been written.
///
/// # Errors
/// When it cannot be started.
pub async fn ground() -> Result<&'static Light> {
    static SETTLED: OnceCell<()> = OnceCell::const_new();
    let light = crate::light::light().await?;
    SETTLED.get_or_try_init(|| settle_cell(light)).await?;
    Ok(light)
}

/// There is one cell for all runs, and the first operator writes what it found of the cluster into it.
async fn settle_cell(light: &Light) -> Result<()> {
    let client = light.client().await?;
    let config = Config { selector: Some("steppe.host/run=none".to_owned()), ..Config::default() };
    let operator = place::Operator::start(place::deps(client.clone(), config));
    let cells: Api<Cell> = Api::all(client);
    wait::until("the cell's status", LIMIT, async || {
        let status = cells.get("cell").await?.status.unwrap_or_default();
        Ok(status.cluster_uid.filter(|_| !status.conditions.is_empty()))
    })
    .await?;
    operator.stop().await
}

/// A harness for a story.
///
/// # Errors
/// When the ground cannot be started.
pub async fn exec<S: Story>(scene: Scene<S>) -> Result<Exec<Scene<S>>> {
    Ok(Exec::new(ground().await?, scene).at_once(AT_ONCE).limit(STEP))
}

/// Puts the operator through a story: clean, killed at every write at every moment, and under a sample of all else that
/// can happen; or what the environment asks for instead. `test` is the test's own name, to run a plan again.
///
/// # Errors
/// When any plan does not come to the clean end, or too many found no moment. The plans are in the error.
pub async fn go<S: Story>(story: S, test: &str) -> Result<()> {
    let name = story.name();
    let exec = exec(Scene::new(story)).await?;
    let clean = exec.learn().await.with_context(|| format!("chaos {name}"))?;
    let crashes = clean.crashes(&Moment::ALL);
    let others = others(&clean);
    let choice = Choice::read()?;
    let mut said = format!("chaos {name}: {} writes", clean.writes.len());
    let plans = match &choice {
        Choice::One(plan) => vec![plan.clone()],
        Choice::All => [crashes, others].concat(),
        Choice::Sample { of_each, seed } => {
            let drawn = choice::draw(&others, *of_each, *seed);
            let counts = (crashes.len(), drawn.len(), others.len());
            let _ = write!(said, "; {} crashes, {} of {} others (seed {seed})", counts.0, counts.1, counts.2);
            [spread(&crashes, IN_ONE), drawn].concat()
        }
    };
    let mut report = exec.run(&clean, plans).await;
    // Of several strikes the first may have led past the moment of the next: then each is tried alone.
    let (together, missed): (Vec<Plan>, Vec<Plan>) = report.missed.into_iter().partition(|plan| plan.faults.len() > 1);
    report.missed = missed;
    let apart: Vec<Plan> = together.iter().flat_map(Plan::apart).collect();
    report.add(exec.run(&clean, apart).await);
    tell(&format!("{said}: {report}"));
    judge(&report, test)
}

/// All plans but the crashes.
fn others(clean: &Clean) -> Vec<Plan> {
    let alone = Plan { name: "two at once".to_owned(), operators: 2, ..Plan::default() };
    let watches = [clean.relists(), clean.freezes(), clean.unobserved()].concat();
    [clean.errors(), watches, clean.twins(), clean.thefts(), vec![alone]].concat()
}

fn judge(report: &Report, test: &str) -> Result<()> {
    let again = |plan: &Plan| format!("{}='{}' cargo xtask test --only light {test}", choice::VARIABLE, plan.json());
    let mut failed = String::new();
    for (number, failure) in report.failures.iter().enumerate() {
        let log = std::env::temp_dir().join(format!("steppe-chaos-{test}-{number}.ndjson"));
        std::fs::write(&log, failure.log.ndjson())?;
        let wrong = failure.wrong.join("\n  ");
        let _ = write!(failed, "\n{}\n  {wrong}\n  requests: {}", again(&failure.plan), log.display());
    }
    ensure!(failed.is_empty(), "{} of {} plans failed{failed}", report.failures.len(), report.plans);
    let missed: Vec<String> = report.missed.iter().map(again).collect();
    ensure!(missed.len() * 100 <= report.plans.max(10) * MISSED, "too many found no moment:\n{}", missed.join("\n"));
    Ok(())
}

/// Says something even if all goes well: libtest keeps what is printed of tests that pass.
pub fn tell(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
