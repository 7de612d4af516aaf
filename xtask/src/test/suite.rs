//! Building and running the test programs of one stage after the other.

use std::path::Path;
use std::time::Duration;

use super::libtest::{Heard, failing_output};
use super::stage::{Stage, TestTarget};
use super::tally::Tally;
use crate::cargo::{self, Executable};
use crate::child::Program;
use crate::context::Context;
use crate::progress::Step;

/// A test program that says nothing for so long hangs.
const SILENCE: Duration = Duration::from_secs(20 * 60);

pub struct Suite<'a> {
    pub context: &'a Context,
    pub targets: Vec<TestTarget>,
    pub filter: Option<&'a str>,
    pub doc_tests: bool,
}

impl Suite<'_> {
    pub fn stages(&self) -> Vec<Stage> {
        let here = |stage: &Stage| self.targets.iter().any(|target| target.stage == *stage);
        Stage::ALL.into_iter().filter(here).collect()
    }

    /// Builds everything that is to run, as much of it as compiles.
    pub fn build(&self, tally: &mut Tally) -> anyhow::Result<Vec<Executable>> {
        let step = self.context.begin("build");
        let mut built = cargo::run(self.context, &step, "build", &self.arguments())?;
        if built.end.good() {
            self.context.end(step, true, "built");
        } else {
            // `cargo test` stops at the first error; `cargo build` can go on to what does not depend on it.
            let all = ["build", "--workspace", "--tests", "--keep-going", "--message-format", "json"];
            built = cargo::run(self.context, &step, "build", &all.map(str::to_owned))?;
            let title = format!("the tests do not build ({})", built.end.describe());
            tally.fail(1, title, built.complaints());
            self.context.end(step, false, "failed");
        }
        Ok(built.executables.into_iter().filter(|one| one.test).collect())
    }

    /// Always of the whole workspace: with fewer packages selected, crates would be compiled again with other
    /// features.
    fn arguments(&self) -> Vec<String> {
        let whole = ["test", "--workspace", "--no-run", "--message-format", "json"];
        let mut args: Vec<String> = whole.map(str::to_owned).into();
        for target in &self.targets {
            let more = match target.kind.as_str() {
                "test" => vec!["--test".to_owned(), target.name.clone()],
                "bin" => vec!["--bin".to_owned(), target.name.clone()],
                _ => vec!["--lib".to_owned()],
            };
            if more.len() > 1 || !args.contains(&more[0]) {
                args.extend(more);
            }
        }
        args
    }

    /// Runs one stage; `hindrance`: why its tests cannot run.
    pub fn run(
        &self,
        stage: Stage,
        built: &[Executable],
        hindrance: Option<&str>,
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        let step = self.context.begin(stage.name());
        let before = (tally.passed, tally.failed);
        let targets: Vec<&TestTarget> = self.targets.iter().filter(|target| target.stage == stage).collect();
        for (index, target) in targets.iter().enumerate() {
            let place = format!("{} ({} of {})", target.title(), index + 1, targets.len());
            match (hindrance, executable(built, target)) {
                (Some(reason), _) => tally.fail(1, target.title(), format!("not run: {reason}")),
                (None, None) => tally.fail(1, target.title(), "not run: it was not built"),
                (None, Some(program)) => {
                    let program = self.program(target, &program.path);
                    self.one(&step, &target.title(), &place, &program, tally)?;
                }
            }
        }
        if stage == Stage::Unit && self.doc_tests && hindrance.is_none() {
            let _lock = self.context.build_lock(&step)?;
            let title = "examples in docs";
            self.one(&step, title, title, &self.examples(), tally)?;
        }
        let (passed, failed) = (tally.passed - before.0, tally.failed - before.1);
        self.context.end(step, failed == 0, &format!("{passed} passed, {failed} failed"));
        Ok(())
    }

    fn program(&self, target: &TestTarget, path: &Path) -> Program {
        let folder = target.manifest.parent().unwrap_or(&self.context.root);
        let on_clusters = target.anywhere && target.stage >= Stage::Node;
        let program = if on_clusters { self.context.program_for_clusters(path) } else { self.context.program(path) };
        program
            .within(folder)
            .env("CARGO_MANIFEST_DIR", folder)
            .env("RUST_BACKTRACE", "1")
            .args(["--color", "never"])
            .args(self.filter)
            .silent_at_most(SILENCE)
    }

    fn examples(&self) -> Program {
        let cargo = self.context.program("cargo");
        let cargo = cargo.args(["test", "--workspace", "--doc", "--no-fail-fast", "--quiet"]);
        cargo.args(["--", "--format", "pretty"]).args(self.filter)
    }

    fn one(&self, step: &Step, title: &str, place: &str, program: &Program, tally: &mut Tally) -> anyhow::Result<()> {
        let mut log = self.context.log(&format!("{}-{title}", step.name()))?;
        let mut heard = Heard::default();
        let mut lines = Vec::new();
        step.now(place, None);
        let end = program.run(&self.context.stop, &mut |line| {
            log.line(&line.text);
            heard.line(&line.text);
            let (done, all) = heard.progress();
            step.now(&format!("{place}: {}", heard.current()), (all > 0).then_some((done, all)));
            lines.push(line.text.clone());
        })?;
        let verdict = heard.verdict(end);
        tally.pass(verdict.passed);
        if verdict.failed > 0 {
            let title = format!("{title}: {} failed; all of it: {}", verdict.failed, log.path().display());
            let output = format!("{}\n{}", verdict.reasons.join("\n"), failing_output(&lines));
            self.context.progress.say(&title);
            tally.fail(verdict.failed, title, output.trim_start().to_owned());
        }
        Ok(())
    }
}

fn executable<'a>(built: &'a [Executable], target: &TestTarget) -> Option<&'a Executable> {
    built.iter().find(|one| one.manifest == target.manifest && one.target == target.name && one.kind == target.kind)
}
