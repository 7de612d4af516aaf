//! Heavy work is done by `steppe-lab`: it is built, run with the same words, and its progress is shown.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::bail;

use crate::binaries;
use crate::child::{End, Line, Stream};
use crate::cli::{ClusterAction, DemoOptions};
use crate::context::Context;
use crate::log::Log;
use crate::prerequisites::{self, Needs};
use crate::progress::Step;
use crate::progress::line::ProgressLine;

const LAB: &str = "steppe-lab";
const BENCH: &str = "steppe-bench";

/// The lab's command that looks at the machine, and the first one that changes it.
const PREFLIGHT: &str = "preflight";

/// How many of the last lines are shown when the lab fails.
const LAST_WORDS: usize = 60;

pub fn demo(context: &Context, options: &DemoOptions) -> anyhow::Result<ExitCode> {
    context.announce();
    prerequisites::require(context, Needs { root: options.context.is_none(), ..Needs::GROUND })?;
    context.progress.say("plan: build the programs, the cluster's tools and images; bring it up; show the journey");
    binaries::build(context)?;
    let words = demo_words(options);
    let end = if options.json { one_json_line(context, &words)? } else { show(context, LAB, "demo", &words)? };
    Ok(end.pass_on())
}

pub fn cluster(context: &Context, action: ClusterAction, words: &[OsString]) -> anyhow::Result<ExitCode> {
    context.announce();
    let needs = Needs { go: action == ClusterAction::Up, ..Needs::GROUND };
    prerequisites::require(context, needs)?;
    match action {
        ClusterAction::Up => binaries::build(context)?,
        ClusterAction::Down | ClusterAction::Status => binaries::build_one(context, LAB)?,
    }
    let words: Vec<OsString> =
        [OsString::from("cluster"), action.word().into()].into_iter().chain(words.iter().cloned()).collect();
    Ok(show(context, LAB, &format!("cluster {}", action.word()), &words)?.pass_on())
}

pub fn bench(context: &Context, words: &[OsString]) -> anyhow::Result<ExitCode> {
    context.announce();
    prerequisites::require(context, Needs::GROUND)?;
    context.progress.say("plan: build the programs and the ground's tools; measure, ours and the other side in turn");
    binaries::build(context)?;
    for command in [PREFLIGHT, "tools"] {
        prepare(context, command)?;
    }
    Ok(show(context, BENCH, "bench", words)?.pass_on())
}

/// Runs one of the lab's commands as a step of ours: its output is kept in the log.
///
/// # Errors
/// With its last lines when it fails.
pub fn prepare(context: &Context, command: &str) -> anyhow::Result<()> {
    step(context, command, &[command.into()])
}

/// Takes a ground away, if there is one of that name.
///
/// # Errors
/// With the lab's last lines when it cannot.
pub fn take_away(context: &Context, ground: &str) -> anyhow::Result<()> {
    step(context, "down", &["cluster".into(), "down".into(), "--name".into(), ground.into()])
}

fn step(context: &Context, command: &str, words: &[OsString]) -> anyhow::Result<()> {
    let step = context.begin(command);
    let mut log = context.log(command)?;
    let mut last_words: Vec<String> = Vec::new();
    let end = run(context, LAB, words, &mut |line| {
        log.line(&line.text);
        match ProgressLine::parse(&line.text) {
            Some(progress) => step.tell(&progress),
            None => {
                // What will be done to the machine, before it is done for the first time.
                if command == PREFLIGHT {
                    context.progress.say(&line.text);
                }
                last_words.push(line.text.clone());
            }
        }
    })?;
    if !end.good() {
        let shown = last_words.split_off(last_words.len().saturating_sub(LAST_WORDS));
        let log = log.path().display();
        bail!("steppe-lab {command} failed ({}); all of it: {log}\n{}", end.describe(), shown.join("\n"));
    }
    context.end(step, true, "done");
    Ok(())
}

fn run(context: &Context, program: &str, words: &[OsString], hear: &mut dyn FnMut(&Line)) -> anyhow::Result<End> {
    let program = binaries::path(&context.cache.bin(), program)?;
    // It draws nothing itself then, and prints one JSON object a line on standard error.
    context.program_for_clusters(program).args(words).env("STEPPE_PROGRESS", "json").run(&context.stop, hear)
}

/// Passes output on to where it was written, and shows progress.
fn show(context: &Context, program: &str, name: &str, words: &[OsString]) -> anyhow::Result<End> {
    let step = context.begin(name);
    let mut log = context.log(name)?;
    let end = run(context, program, words, &mut |line| {
        log.line(&line.text);
        match (ProgressLine::parse(&line.text), line.stream) {
            (Some(progress), _) => step.tell(&progress),
            (None, Stream::Out) => context.progress.tell(&line.text),
            (None, Stream::Err) => context.progress.say(&line.text),
        }
    })?;
    finish(context, step, end, &log);
    Ok(end)
}

/// As `show`, but standard output gets the one JSON line and nothing else.
fn one_json_line(context: &Context, words: &[OsString]) -> anyhow::Result<End> {
    let step = context.begin("demo");
    let mut log = context.log("demo")?;
    let mut results: Vec<String> = Vec::new();
    let end = run(context, LAB, words, &mut |line| {
        log.line(&line.text);
        match (ProgressLine::parse(&line.text), line.stream) {
            (Some(progress), _) => step.tell(&progress),
            (None, Stream::Out) if is_object(&line.text) => results.push(line.text.clone()),
            (None, _) => context.progress.say(&line.text),
        }
    })?;
    finish(context, step, end, &log);
    match results.as_slice() {
        [one] => context.progress.tell(one),
        [] if !end.good() => {}
        other => bail!("steppe-lab demo --json printed {} JSON lines instead of one", other.len()),
    }
    Ok(end)
}

fn finish(context: &Context, step: Step, end: End, log: &Log) {
    if end.good() {
        context.end(step, true, "done");
    } else {
        let log = log.path().display();
        context.end(step, false, &format!("ended badly ({}; all of it: {log})", end.describe()));
    }
}

fn is_object(line: &str) -> bool {
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(line).is_ok()
}

fn demo_words(options: &DemoOptions) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["demo".into()];
    if options.once {
        words.push("--once".into());
    }
    if options.json {
        words.push("--json".into());
    }
    for (name, value) in
        [("--context", &options.context), ("--registry", &options.registry), ("--place", &options.place)]
    {
        if let Some(value) = value {
            words.extend([name.into(), value.into()]);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_reach_the_lab() {
        let options = DemoOptions {
            once: true,
            json: true,
            context: Some("kind-one".into()),
            registry: Some("localhost:5000".into()),
            place: Some("place.json".into()),
            cold: false,
        };
        let words = demo_words(&options);
        assert_eq!(
            words,
            [
                "demo",
                "--once",
                "--json",
                "--context",
                "kind-one",
                "--registry",
                "localhost:5000",
                "--place",
                "place.json"
            ]
        );
    }

    #[test]
    fn only_objects_are_results() {
        assert!(is_object(r#"{"cluster":12.5}"#));
        assert!(!is_object("[1]") && !is_object("up") && !is_object("{"));
    }
}
