//! `cargo xtask test`: everything that can fail, quick things first, and a last line that says `N passed, N failed`.

mod libtest;
mod stage;
mod suite;
mod tally;

use std::thread;
use std::time::Duration;

use self::stage::Stage;
use self::suite::Suite;
use self::tally::Tally;
use crate::cargo::Executable;
use crate::cli::TestOptions;
use crate::clock::{Stopwatch, human};
use crate::context::Context;
use crate::prerequisites::{self, Needs};
use crate::progress::Ended;
use crate::stop::Interrupted;
use crate::{binaries, derived, lab, lint, workspace};

/// The name under which the whole run is remembered.
const WHOLE: &str = "whole";
/// The ground of the lab's own tests of what stands around Kubernetes.
const SERVICES: &str = "services";

pub fn command(context: &Context, options: &TestOptions) -> anyhow::Result<bool> {
    let watch = Stopwatch::start();
    let mut tally = Tally::default();
    if let Err(error) = everything(context, options, &mut tally) {
        if error.downcast_ref::<Interrupted>().is_some() {
            return Err(error);
        }
        tally.fail(1, "not everything could be run", format!("{error:#}"));
    }
    let whole = Ended { name: WHOLE.to_owned(), took: watch.elapsed(), last: context.history.last(WHOLE) };
    if tally.good() && is_whole(options) {
        context.history.record(WHOLE, whole.took);
        context.history.save()?;
    }
    context.progress.tell(&tally.failures());
    context.progress.tell(&tally::table(&context.progress.ended(), &whole));
    if let Some(left_out) = context.cluster().and_then(|cluster| tally.left_out(cluster)) {
        context.progress.tell(&left_out);
    }
    context.progress.tell(&format!("logs: {}", context.cache.logs().display()));
    context.progress.tell(&tally.line());
    Ok(tally.good())
}

fn is_whole(options: &TestOptions) -> bool {
    options.filter.is_none() && options.only.is_none()
}

fn everything(context: &Context, options: &TestOptions, tally: &mut Tally) -> anyhow::Result<()> {
    context.announce();
    let metadata = workspace::packages(context)?;
    let mut targets = stage::discover(&metadata)?;
    if let Some(only) = options.only {
        targets.retain(|target| target.stage == Stage::from(only));
    }
    if let Some(cluster) = context.cluster() {
        tally.left_out = stage::leave_out(&mut targets);
        if let Some(left_out) = tally.left_out(cluster) {
            context.progress.say(&left_out);
        }
    }
    let suite = Suite {
        context,
        targets,
        filter: options.filter.as_deref(),
        doc_tests: stage::has_doc_tests(&metadata) && options.only.is_none_or(|only| Stage::from(only) == Stage::Unit),
    };
    let stages = suite.stages();
    plan(&suite, &stages, is_whole(options));
    prerequisites::require(context, needs(&stages, is_whole(options)))?;
    if stages.is_empty() {
        anyhow::bail!("there is no test of that stage");
    }
    run(&suite, &stages, is_whole(options), tally)?;
    if tally.passed + tally.failed == 0 {
        let filter = suite.filter.unwrap_or_default();
        tally.fail(1, "nothing was run", format!("no test has a name that contains «{filter}»"));
    }
    Ok(())
}

fn run(suite: &Suite<'_>, stages: &[Stage], whole: bool, tally: &mut Tally) -> anyhow::Result<()> {
    let context = suite.context;
    let preparations = preparations(stages, context.cluster().is_some());
    let programs = if whole || !preparations.is_empty() { programs(context, tally)? } else { Ok(()) };
    thread::scope(|scope| {
        let programs = &programs;
        // Most of it is waiting for downloads and for the linker: it is done beside the rest.
        let preparing = scope.spawn(move || prepare(context, preparations, programs));
        if whole {
            checks(context, programs, tally)?;
        }
        let built = suite.build(tally)?;
        if stages.contains(&Stage::Unit) {
            suite.run(Stage::Unit, &built, None, tally)?;
        }
        let prepared = preparing.join().unwrap_or_else(|_| Err("preparing the ground crashed".to_owned()));
        context.stop.check()?;
        if let Err(reason) = &prepared {
            tally.fail(1, "the ground could not be prepared", reason.clone());
        }
        if whole {
            let stale = prepared.clone().map(|()| derived::check_queries(context));
            judge("queries", stale, tally)?;
        }
        let hindrance = prepared.is_err().then_some("the ground could not be prepared");
        lanes(suite, stages, &built, hindrance, tally)?;
        take_away(context, stages, hindrance, tally)
    })
}

/// What runs side by side: those that share a node wait for its pods most of their time, those with an apiserver keep a core
/// busy, those with a database are soon done. A lane for each stage takes longer: all wait for the processor then.
const LANES: [&[Stage]; 3] = [&[Stage::Db], &[Stage::Light, Stage::Ground], &[Stage::Node, Stage::E2e]];

/// The tests that need more than cargo.
fn lanes(
    suite: &Suite<'_>,
    stages: &[Stage],
    built: &[Executable],
    hindrance: Option<&str>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let lane = |lane: &[Stage]| {
        let mut tally = Tally::default();
        for stage in lane.iter().filter(|stage| stages.contains(stage)) {
            suite.run(*stage, built, hindrance, &mut tally)?;
        }
        anyhow::Ok(tally)
    };
    thread::scope(|scope| {
        let running = LANES.map(|stages| scope.spawn(move || lane(stages)));
        for one in running {
            let heard = one.join().unwrap_or_else(|_| Err(anyhow::anyhow!("running a lane of tests crashed")));
            tally.add(heard?);
        }
        Ok(())
    })
}

/// The grounds that node tests have shared: nothing of a run stays behind.
fn take_away(context: &Context, stages: &[Stage], hindrance: Option<&str>, tally: &mut Tally) -> anyhow::Result<()> {
    let on_ours = stages.iter().any(|stage| *stage >= Stage::Ground) && context.cluster().is_none();
    if !on_ours || hindrance.is_some() {
        return Ok(());
    }
    for ground in [context.test_ground.as_str(), SERVICES] {
        match lab::take_away(context, ground) {
            Err(error) if error.downcast_ref::<Interrupted>().is_some() => return Err(error),
            Err(error) => tally.fail(1, format!("the ground {ground} could not be taken away"), format!("{error:#}")),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// Programs that do not build are a failure, and no reason to leave the rest out.
fn programs(context: &Context, tally: &mut Tally) -> anyhow::Result<Result<(), String>> {
    match binaries::build(context) {
        Ok(()) => Ok(Ok(())),
        Err(error) if error.downcast_ref::<Interrupted>().is_some() => Err(error),
        Err(error) => {
            context.progress.say("the programs do not build; what does not need them goes on");
            tally.fail(1, "programs", format!("{error:#}"));
            Ok(Err("the programs do not build".to_owned()))
        }
    }
}

/// What `steppe-lab` is asked for before these stages run; on an existing cluster, whether it may be used comes first.
fn preparations(stages: &[Stage], elsewhere: bool) -> &'static [&'static str] {
    match (stages.iter().max(), elsewhere) {
        (None | Some(Stage::Unit), _) => &[],
        (Some(Stage::Db | Stage::Light), _) => &["preflight", "tools", "browser"],
        (Some(Stage::Ground | Stage::Node | Stage::E2e), false) => &["preflight", "tools", "images", "browser"],
        (Some(Stage::Ground | Stage::Node | Stage::E2e), true) => {
            &["preflight", "tools", "elsewhere", "images", "browser"]
        }
    }
}

/// Machine, tools and images, as far as the stages need them.
fn prepare(context: &Context, commands: &[&str], programs: &Result<(), String>) -> Result<(), String> {
    if commands.is_empty() {
        return Ok(());
    }
    programs.clone()?;
    for command in commands {
        if let Err(error) = lab::prepare(context, command) {
            if error.downcast_ref::<Interrupted>().is_none() {
                context.progress.say(&format!("{error:#}"));
            }
            return Err(format!("{error:#}"));
        }
    }
    Ok(())
}

/// Lint and derived files: each rule counts as one.
fn checks(context: &Context, programs: &Result<(), String>, tally: &mut Tally) -> anyhow::Result<()> {
    for finding in lint::check(context)? {
        if finding.violations.is_empty() {
            tally.pass(1);
        } else {
            tally.fail(1, format!("lint, {}", finding.rule), finding.render());
        }
    }
    judge("gen", programs.clone().map(|()| derived::check(context)), tally)
}

/// Counts a look at derived files as one; it may not have been possible.
fn judge(name: &str, stale: Result<anyhow::Result<String>, String>, tally: &mut Tally) -> anyhow::Result<()> {
    match stale {
        Err(reason) => tally.fail(1, name, format!("not run: {reason}")),
        Ok(Ok(differences)) if differences.is_empty() => tally.pass(1),
        Ok(Ok(differences)) => {
            tally.fail(1, format!("{name}: derived files are stale; run `cargo xtask gen`"), differences);
        }
        Ok(Err(error)) if error.downcast_ref::<Interrupted>().is_some() => return Err(error),
        Ok(Err(error)) => tally.fail(1, name, format!("{error:#}")),
    }
    Ok(())
}

fn needs(stages: &[Stage], whole: bool) -> Needs {
    Needs {
        lint: whole,
        go: stages.iter().any(|stage| *stage != Stage::Unit),
        root: stages.iter().any(|stage| *stage >= Stage::Ground),
    }
}

/// What will be done, and how long each part took last time.
fn plan(suite: &Suite<'_>, stages: &[Stage], whole: bool) {
    let context = suite.context;
    let last = |name: &str| context.history.last(name).map_or_else(String::new, told);
    let mut lines = vec!["plan:".to_owned()];
    let prepare = preparations(stages, context.cluster().is_some());
    let programs: &[&str] = if whole || !prepare.is_empty() { &["programs"] } else { &[] };
    let checks: &[&str] = if whole { &["lint", "gen"] } else { &[] };
    let queries: &[&str] = if whole { &["queries"] } else { &[] };
    for name in programs.iter().chain(prepare).chain(checks).chain(&["build"]).chain(queries) {
        lines.push(format!("  {name}{}", last(name)));
    }
    for stage in stages {
        let count = suite.targets.iter().filter(|target| target.stage == *stage).count();
        lines.push(format!("  {stage}: {count} test programs{}", last(stage.name())));
    }
    if whole {
        lines.push(format!("  all of it{}", last(WHOLE)));
    } else {
        lines.push("  (a part only: lint and gen are left out)".to_owned());
    }
    context.progress.say(&lines.join("\n"));
}

fn told(last: Duration) -> String {
    format!(", last time {}", human(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_is_in_one_lane() {
        let all: Vec<Stage> = [Stage::Unit].iter().chain(LANES.concat().iter()).copied().collect();
        assert_eq!(all, Stage::ALL);
    }

    #[test]
    fn images_are_made_for_pods_only() {
        let here = |stages: &[Stage]| preparations(stages, false);
        assert_eq!(here(&[Stage::Unit]), [""; 0]);
        assert_eq!(here(&[Stage::Unit, Stage::Db]), ["preflight", "tools", "browser"]);
        assert_eq!(here(&[Stage::Unit, Stage::Light]), ["preflight", "tools", "browser"]);
        for pods in [&[Stage::Light, Stage::Node][..], &[Stage::E2e]] {
            assert_eq!(here(pods), ["preflight", "tools", "images", "browser"]);
        }
    }

    #[test]
    fn an_existing_cluster_is_looked_at_before_anything_is_made_for_it() {
        assert_eq!(preparations(&[Stage::Light], true), ["preflight", "tools", "browser"]);
        let there = ["preflight", "tools", "elsewhere", "images", "browser"];
        assert_eq!(preparations(&[Stage::Light, Stage::Node], true), there);
    }

    #[test]
    fn only_the_stages_that_run_pods_need_root() {
        let needs = |stages: &[Stage]| {
            let needs = super::needs(stages, false);
            (needs.go, needs.root)
        };
        assert_eq!(needs(&[Stage::Unit]), (false, false));
        assert_eq!(needs(&[Stage::Unit, Stage::Light]), (true, false));
        assert_eq!((needs(&[Stage::Ground]), needs(&[Stage::E2e])), ((true, true), (true, true)));
    }
}
