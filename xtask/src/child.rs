//! Running other programs: their lines are heard as they come, and Ctrl-C reaches them.

use std::ffi::{OsStr, OsString};
use std::io::{BufReader, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::clock::Stopwatch;
use crate::stop::{Interrupted, Stop};

/// How often the state of a silent program is looked at.
const TICK: Duration = Duration::from_millis(100);
/// What a program may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(60);
/// Lines may still be on their way when the program has ended; its own background children may hold the pipe for ever.
const DRAIN: Duration = Duration::from_secs(1);

/// A program to run.
#[derive(Debug, Clone)]
pub struct Program {
    program: OsString,
    args: Vec<OsString>,
    sets: Vec<(OsString, OsString)>,
    removes: Vec<OsString>,
    directory: PathBuf,
    silence: Option<Duration>,
}

/// Where a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
}

/// One line of a program's output; what it overwrites by carriage return counts as lines.
#[derive(Debug)]
pub struct Line {
    pub stream: Stream,
    pub text: String,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Code(i32),
    Signal(i32),
    /// We ended it: it had said nothing for this long.
    Silent(Duration),
}

impl End {
    pub fn good(self) -> bool {
        self == Self::Code(0)
    }

    /// Our own exit code when we only stood in for the program.
    pub fn pass_on(self) -> ExitCode {
        match self {
            Self::Code(code) => u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from),
            Self::Signal(_) | Self::Silent(_) => ExitCode::FAILURE,
        }
    }

    pub fn describe(self) -> String {
        match self {
            Self::Code(code) => format!("exit code {code}"),
            Self::Signal(signal) => format!("killed by signal {signal}"),
            Self::Silent(limit) => format!("said nothing for {} minutes and was ended", limit.as_secs() / 60),
        }
    }
}

impl Program {
    pub fn new(program: impl AsRef<OsStr>, directory: &Path) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            sets: Vec::new(),
            removes: Vec::new(),
            directory: directory.to_owned(),
            silence: None,
        }
    }

    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.sets.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    pub fn without_env(mut self, name: impl AsRef<OsStr>) -> Self {
        self.removes.push(name.as_ref().to_owned());
        self
    }

    pub fn within(mut self, directory: &Path) -> Self {
        self.directory = directory.to_owned();
        self
    }

    /// Ends the program when it says nothing for so long.
    pub fn silent_at_most(mut self, limit: Duration) -> Self {
        self.silence = Some(limit);
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.directory);
        for name in &self.removes {
            command.env_remove(name);
        }
        command.envs(self.sets.iter().map(|(name, value)| (name, value)));
        command
    }

    fn name(&self) -> String {
        Path::new(&self.program).file_name().unwrap_or(&self.program).to_string_lossy().into_owned()
    }

    /// Runs a short program to its end and returns its standard output; an error names what it said.
    pub fn read(&self) -> anyhow::Result<String> {
        let output =
            self.command().stdin(Stdio::null()).output().with_context(|| format!("starting {}", self.name()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            anyhow::bail!("{} failed ({}): {}", self.name(), output.status, said.trim());
        }
        Ok(text)
    }

    /// Runs the program and hears its lines.
    ///
    /// # Errors
    /// When it cannot be started, or `Interrupted`; a bad end of the program is no error.
    pub fn run(&self, stop: &Stop, hear: &mut dyn FnMut(&Line)) -> anyhow::Result<End> {
        stop.check()?;
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", self.name()))?;
        let (sender, lines) = mpsc::channel();
        if let (Some(out), Some(err)) = (child.stdout.take(), child.stderr.take()) {
            listen(out, Stream::Out, sender.clone());
            listen(err, Stream::Err, sender);
        }
        let mut heard = Stopwatch::start();
        loop {
            match lines.recv_timeout(TICK) {
                Ok(line) => {
                    heard = Stopwatch::start();
                    hear(&line);
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(status) = child.try_wait()? {
                        let ended = Stopwatch::start();
                        while ended.elapsed() < DRAIN
                            && let Ok(line) = lines.recv_timeout(DRAIN)
                        {
                            hear(&line);
                        }
                        return Ok(end_of(status));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(end_of(wait(&mut child, stop)?)),
            }
            if stop.asked() {
                end(&mut child)?;
                return Err(Interrupted.into());
            }
            if let Some(limit) = self.silence.filter(|limit| heard.elapsed() > *limit) {
                end(&mut child)?;
                return Ok(End::Silent(limit));
            }
        }
    }
}

/// Waits for a program that has closed its output.
fn wait(child: &mut Child, stop: &Stop) -> anyhow::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if stop.asked() {
            end(child)?;
            return Err(Interrupted.into());
        }
        thread::sleep(TICK);
    }
}

/// Asks the program to end, waits, then ends it.
fn end(child: &mut Child) -> anyhow::Result<()> {
    if let Ok(pid) = i32::try_from(child.id()) {
        // It may be gone already, which is what we want.
        kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
    }
    let asked = Stopwatch::start();
    while child.try_wait()?.is_none() {
        if asked.elapsed() > GRACE {
            child.kill()?;
        }
        thread::sleep(TICK);
    }
    Ok(())
}

fn end_of(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Code(code),
        (None, Some(signal)) => End::Signal(signal),
        (None, None) => End::Code(-1),
    }
}

fn listen(pipe: impl Read + Send + 'static, stream: Stream, lines: Sender<Line>) {
    thread::spawn(move || {
        let mut text = Vec::new();
        for byte in BufReader::new(pipe).bytes() {
            match byte {
                Ok(b'\n' | b'\r') if text.is_empty() && stream == Stream::Err => {}
                Ok(b'\n' | b'\r') => {
                    let line = String::from_utf8_lossy(&text).into_owned();
                    text.clear();
                    if lines.send(Line { stream, text: line }).is_err() {
                        return;
                    }
                }
                Ok(byte) => text.push(byte),
                Err(_) => break,
            }
        }
        if !text.is_empty() {
            let line = String::from_utf8_lossy(&text).into_owned();
            lines.send(Line { stream, text: line }).ok();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        Program::new("sh", Path::new("/")).args(["-c", script])
    }

    #[test]
    fn hears_both_streams_and_the_end() {
        let mut heard = Vec::new();
        let end = shell("echo one; echo two >&2; exit 3")
            .run(&Stop::default(), &mut |line| heard.push((line.stream, line.text.clone())))
            .unwrap();
        heard.sort_by(|left, right| left.1.cmp(&right.1));
        assert_eq!(end, End::Code(3));
        assert_eq!(heard, [(Stream::Out, "one".to_owned()), (Stream::Err, "two".to_owned())]);
    }

    #[test]
    fn a_background_grandchild_does_not_hold_us() {
        let end = shell("sleep 300 & echo $! ; exit 0");
        let mut pid = String::new();
        let started = Stopwatch::start();
        assert!(end.run(&Stop::default(), &mut |line| pid.clone_from(&line.text)).unwrap().good());
        assert!(started.elapsed() < Duration::from_secs(60));
        kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGKILL).unwrap();
    }

    #[test]
    fn a_silent_program_is_ended() {
        let limit = Duration::from_millis(200);
        let end = shell("exec sleep 300").silent_at_most(limit).run(&Stop::default(), &mut |_| {}).unwrap();
        assert_eq!(end, End::Silent(limit));
    }

    #[test]
    fn signals_are_told_from_exit_codes() {
        let end = shell("kill -9 $$").run(&Stop::default(), &mut |_| {}).unwrap();
        assert_eq!(end, End::Signal(9));
    }
}
