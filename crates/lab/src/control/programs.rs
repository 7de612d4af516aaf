//! The control plane's programs: started, killed, waited for.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;

use super::{ControlPlane, door};
use crate::process::Spec;
use crate::wait;

/// How long one of them may take to answer. A deadline, not a measure.
const UP: Duration = Duration::from_secs(60);
/// How long one that is asked to end may finish what it has begun.
const KIND: Duration = Duration::from_secs(20);

/// One of the control plane's programs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Program {
    /// `steppe server`: pages and APIs.
    Server,
    /// `steppe worker`: what was asked for is carried out.
    Worker,
}

impl Program {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Server, Self::Worker];

    /// Its name on the ground, which names its log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "steppe-server",
            Self::Worker => "steppe-worker",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Worker => "worker",
        }
    }
}

impl ControlPlane {
    /// Starts a program, or finds it running.
    ///
    /// # Errors
    /// When it is missing.
    pub fn start(&self, program: Program) -> Result<()> {
        self.start_with(program, &[])
    }

    /// Starts a program with more in its environment than the others have, or finds it running.
    ///
    /// # Errors
    /// When it is missing.
    pub fn start_with(&self, program: Program, environment: &[(&str, &str)]) -> Result<()> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let log = ("RUST_LOG".to_owned(), "info".to_owned());
        self.ground.processes().start(&Spec {
            name: program.name().into(),
            program: self.steppe.clone(),
            args: vec!["--config".into(), self.configuration().display().to_string(), program.word().into()],
            env: environment.chain([log]).collect(),
            cwd: Some(self.folder.clone()),
        })?;
        Ok(())
    }

    /// Kills a program where it stands; returns when it is gone.
    ///
    /// # Errors
    /// When it does not run, or does not die.
    pub async fn kill(&self, program: Program) -> Result<()> {
        let identity = self.ground.processes().identity(program.name());
        let identity = identity.with_context(|| format!("{} does not run", program.name()))?;
        identity.signal(Signal::SIGKILL)?;
        let gone = async || Ok((!identity.lives()).then_some(()));
        wait::until(&format!("{} to be dead", program.name()), UP, gone).await
    }

    /// Asks the programs to end, and waits for it.
    ///
    /// # Errors
    /// When one does not.
    pub async fn stop(&self) -> Result<()> {
        let processes = self.ground.processes();
        for name in [Program::Server.name(), Program::Worker.name(), door::NAME] {
            processes.stop(name, KIND).await?;
        }
        Ok(())
    }

    /// Ends programs that were built anew since they were started.
    pub(super) async fn retire(&self) -> Result<()> {
        let processes = self.ground.processes();
        for program in Program::ALL.map(Program::name).into_iter().filter(|name| processes.outdated(name)) {
            processes.stop(program, KIND).await?;
        }
        Ok(())
    }

    /// Waits until pages are served and the worker is ready.
    ///
    /// # Errors
    /// When one of the programs has ended, or does not answer in time.
    pub async fn answers(&self) -> Result<()> {
        for program in Program::ALL {
            self.answers_as(program).await?;
        }
        Ok(())
    }

    /// Waits until a program does what it is for.
    ///
    /// # Errors
    /// When it has ended, or does not answer in time.
    pub async fn answers_as(&self, program: Program) -> Result<()> {
        let (processes, ports) = (self.ground.processes(), &self.ground.ports);
        let urls = match program {
            Program::Server => vec![
                ("the dashboard", format!("{}/imprint", self.dashboard.url)),
                ("staff's pages", format!("{}/log-in", self.staff_url)),
            ],
            Program::Worker => {
                vec![("the worker", format!("http://{}:{}/readyz", self.ground.addresses.node_ip, ports.worker))]
            }
        };
        for (what, url) in urls {
            wait::until(what, UP, async || {
                processes.must_run(program.name())?;
                processes.must_run(door::NAME)?;
                let answer = self.dashboard.http.get(&url).send().await?;
                if !answer.status().is_success() {
                    bail!("{url} answers {}", answer.status());
                }
                Ok(Some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// The log of a program.
    #[must_use]
    pub fn log(&self, program: Program) -> PathBuf {
        self.ground.processes().log(program.name())
    }

    /// The last lines of all logs, for failures.
    #[must_use]
    pub fn tails(&self, lines: usize) -> String {
        let processes = self.ground.processes();
        let tail = |program: Program| format!("{}:\n{}\n", program.name(), processes.tail(program.name(), lines));
        Program::ALL.map(tail).concat()
    }
}
