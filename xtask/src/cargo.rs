//! Running cargo: its own progress feeds ours, its artifacts and complaints are collected.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cargo_metadata::Message;
use cargo_metadata::diagnostic::{Diagnostic, DiagnosticLevel};

use crate::child::{End, Line, Stream};
use crate::context::Context;
use crate::progress::Step;
use crate::target;

/// What a run of cargo left.
#[derive(Debug)]
pub struct Built {
    pub end: End,
    /// Built programs and test programs.
    pub executables: Vec<Executable>,
    /// What the compiler said, each thing once.
    pub diagnostics: Vec<Diagnostic>,
    /// What cargo itself said beside its progress.
    pub said: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// The manifest of the package it belongs to.
    pub manifest: PathBuf,
    pub target: String,
    pub kind: String,
    /// A test program, not the program itself.
    pub test: bool,
    pub path: PathBuf,
}

impl Built {
    /// Errors as the compiler renders them, or cargo's last words when the compiler had none.
    pub fn complaints(&self) -> String {
        let errors = self.diagnostics.iter().filter(|one| one.level == DiagnosticLevel::Error);
        let rendered: Vec<&str> = errors.filter_map(|one| one.rendered.as_deref()).collect();
        match rendered.is_empty() {
            true => self.said.join("\n"),
            false => rendered.join("\n"),
        }
    }
}

/// Runs cargo with `args` under the build lock; the whole output goes to the log `name`.
pub fn run(context: &Context, step: &Step, name: &str, args: &[String]) -> anyhow::Result<Built> {
    let _lock = context.build_lock(step)?;
    let mut log = context.log(name)?;
    let cargo = context
        .program("cargo")
        .args(args)
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "120");
    let mut heard = Heard::default();
    let end = cargo.run(&context.stop, &mut |line| {
        match progress(line) {
            Some((done, total, crates)) => step.now(crates, Some((done, total))),
            None => {
                log.line(&line.text);
                // Somebody builds there without us.
                if line.text.trim_start().starts_with("Blocking waiting") {
                    step.now(line.text.trim(), None);
                }
            }
        }
        heard.line(line);
    })?;
    let diagnostics = heard.diagnostics.into_values().collect();
    // Before the lock is given back: the next clone's build replaces them.
    let executables = target::keep(&context.cache, heard.executables)?;
    Ok(Built { end, executables, diagnostics, said: heard.said })
}

/// `    Building [=====>        ] 117/590: serde, tokio(build)`.
fn progress(line: &Line) -> Option<(u64, u64, &str)> {
    let rest = line.text.trim_start().strip_prefix("Building [")?;
    let (_, rest) = rest.split_once("] ")?;
    let (count, crates) = rest.split_once(": ").unwrap_or((rest, ""));
    let (done, total) = count.split_once('/')?;
    Some((done.trim().parse().ok()?, total.trim().parse().ok()?, crates.trim_end()))
}

#[derive(Debug, Default)]
struct Heard {
    executables: Vec<Executable>,
    /// By what is shown: a library and its tests are compiled apart and say the same.
    diagnostics: BTreeMap<String, Diagnostic>,
    said: Vec<String>,
}

impl Heard {
    fn line(&mut self, line: &Line) {
        if line.stream == Stream::Err {
            if progress(line).is_none() {
                self.said.push(line.text.clone());
            }
            return;
        }
        match serde_json::from_str::<Message>(&line.text) {
            Ok(Message::CompilerArtifact(artifact)) => {
                if let Some(path) = artifact.executable {
                    self.executables.push(Executable {
                        manifest: artifact.manifest_path.into(),
                        kind: artifact.target.kind.first().map(ToString::to_string).unwrap_or_default(),
                        target: artifact.target.name,
                        test: artifact.profile.test,
                        path: path.into(),
                    });
                }
            }
            Ok(Message::CompilerMessage(message)) => {
                let diagnostic = message.message;
                // `aborting due to 2 errors` and its like belong to no place.
                if !diagnostic.spans.is_empty() || diagnostic.code.is_some() {
                    self.diagnostics.insert(diagnostic.rendered.clone().unwrap_or_default(), diagnostic);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(stream: Stream, text: &str) -> Line {
        Line { stream, text: text.to_owned() }
    }

    #[test]
    fn cargos_own_bar_is_read() {
        let line = heard(Stream::Err, "    Building [=======>          ] 117/590: serde, tokio(build)   ");
        assert_eq!(progress(&line), Some((117, 590, "serde, tokio(build)")));
        let line = heard(Stream::Err, "    Building [                  ] 0/590");
        assert_eq!(progress(&line), Some((0, 590, "")));
        assert_eq!(progress(&heard(Stream::Err, "   Compiling serde v1.0.229")), None);
    }

    #[test]
    fn executables_are_collected() {
        let artifact = r#"{"reason":"compiler-artifact","package_id":"path+file:///r/tests#e2e@0.1.0","manifest_path":"/r/tests/Cargo.toml","target":{"kind":["test"],"crate_types":["bin"],"name":"light_create","src_path":"/r/tests/tests/light_create.rs","edition":"2024","doc":false,"doctest":false,"test":true},"profile":{"opt_level":"0","debuginfo":1,"debug_assertions":true,"overflow_checks":true,"test":true},"features":[],"filenames":["/t/debug/deps/light_create-1"],"executable":"/t/debug/deps/light_create-1","fresh":true}"#;
        let mut all = Heard::default();
        all.line(&heard(Stream::Out, artifact));
        all.line(&heard(Stream::Err, "    Building [=> ] 1/2: e2e"));
        all.line(&heard(Stream::Err, "    Finished `test` profile"));
        assert_eq!(all.said, ["    Finished `test` profile"]);
        assert_eq!(
            all.executables,
            [Executable {
                manifest: "/r/tests/Cargo.toml".into(),
                target: "light_create".into(),
                kind: "test".into(),
                test: true,
                path: "/t/debug/deps/light_create-1".into(),
            }]
        );
    }
}
