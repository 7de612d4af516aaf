//! Programs that outlive the command that starts them: found again by pid file, and never mistaken for another
//! process that got the same number.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::wait;

/// What a started program finds on its PATH, whatever the caller's environment is.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A program to start.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// Unique in the state folder; names the pid file and the log.
    pub name: String,
    /// The program: a path, or a name on the system's PATH.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment. Nothing is inherited; PATH, HOME (the state folder) and LANG are set unless given here.
    pub env: BTreeMap<String, String>,
    /// Its working folder; the state folder if `None`.
    pub cwd: Option<PathBuf>,
}

/// The programs of one state folder: `run/NAME.pid`, `logs/NAME.log`. When the folder has a file `netns`, the programs
/// run in that network namespace: "127.0.0.1" in them is then the namespace's own loopback, which the host cannot reach.
#[derive(Clone, Debug)]
pub struct Processes {
    state: PathBuf,
    netns: Option<PathBuf>,
}

/// What a pid file holds.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    #[serde(flatten)]
    identity: Identity,
    /// The boot it was started in: numbers and start times come again after the next.
    boot: String,
    program: PathBuf,
    /// Changes when the program is built anew.
    version: Option<(u64, i64, i64)>,
}

/// Inode and time of change of a program.
fn version(program: &Path) -> Option<(u64, i64, i64)> {
    let file = fs::metadata(program).ok()?;
    Some((file.ino(), file.mtime(), file.mtime_nsec()))
}

/// The kernel's name for the time since it was booted.
fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// A process, told from a later one with the same number by its start time (field 22 of `/proc/PID/stat`, in clock
/// ticks since boot).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The process id.
    pub pid: i32,
    /// Clock ticks between the machine's boot and the start of the process.
    pub started: u64,
}

impl Identity {
    /// The identity of the process `pid` now; `None` if there is none or it is a zombie.
    pub fn of(pid: i32) -> Option<Self> {
        let (state, identity) = Self::stat(pid)?;
        (!matches!(state, 'Z' | 'X')).then_some(identity)
    }

    /// The state letter and the identity of a process, dead or alive, that is still on the process table.
    fn stat(pid: i32) -> Option<(char, Self)> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the command in parentheses and may hold anything, parentheses too.
        let mut rest = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
        let state = rest.next()?.chars().next()?;
        let started = rest.nth(18)?.parse().ok()?;
        Some((state, Self { pid, started }))
    }

    /// Whether this very process still lives.
    pub fn lives(self) -> bool {
        self.reap();
        Self::of(self.pid) == Some(self)
    }

    /// Sends a signal to this very process; a process already gone is no error.
    pub fn signal(self, signal: Signal) -> Result<()> {
        if !self.lives() {
            return Ok(());
        }
        match kill(Pid::from_raw(self.pid), signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot send {signal} to process {}", self.pid)),
        }
    }

    /// Asks the process to end, and makes it end when `limit` is over. Returns once it is gone.
    pub async fn end(self, limit: Duration) -> Result<()> {
        self.signal(Signal::SIGTERM)?;
        let gone = async || Ok((!self.lives()).then_some(()));
        if wait::until(&format!("process {} to end", self.pid), limit, gone).await.is_ok() {
            return Ok(());
        }
        self.signal(Signal::SIGKILL)?;
        wait::until(&format!("process {} to end after SIGKILL", self.pid), Duration::from_secs(10), gone).await
    }

    /// Takes a dead child of ours off the process table. For any other process this does nothing.
    fn reap(self) {
        let _ = waitpid(Pid::from_raw(self.pid), Some(WaitPidFlag::WNOHANG));
    }
}

impl Processes {
    /// The programs whose pid files and logs are below `state`.
    pub fn at(state: &Path) -> Self {
        let netns = state.join("netns");
        Self { state: state.to_owned(), netns: netns.exists().then_some(netns) }
    }

    /// The log that `name` writes to.
    pub fn log(&self, name: &str) -> PathBuf {
        self.state.join("logs").join(format!("{name}.log"))
    }

    fn pid_file(&self, name: &str) -> PathBuf {
        self.state.join("run").join(format!("{name}.pid"))
    }

    /// Starts a program in a session of its own, so that it stays when the caller ends. Does nothing when the program
    /// of that name already runs. Returns whether it was started now.
    pub fn start(&self, spec: &Spec) -> Result<bool> {
        if self.running(&spec.name) {
            return Ok(false);
        }
        let program = find(&spec.program)?;
        let log = self.log(&spec.name);
        for file in [&log, &self.pid_file(&spec.name)] {
            let folder = file.parent().context("a file of the state folder has no folder")?;
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let out = File::options().create(true).append(true).open(&log);
        let out = out.with_context(|| format!("cannot open the log {}", log.display()))?;
        // setsid(1) keeps the pid, because a fresh child never leads a process group; so does nsenter(1) without --pid.
        let mut command = Command::new("setsid");
        if let Some(netns) = &self.netns {
            command.arg("nsenter").arg(format!("--net={}", netns.display()));
        }
        command.arg(&program).args(&spec.args).env_clear();
        command.env("PATH", PATH).env("HOME", &self.state).env("LANG", "C.UTF-8").envs(&spec.env);
        command.current_dir(spec.cwd.as_ref().unwrap_or(&self.state));
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", spec.name))?;
        let pid = i32::try_from(child.id()).context("the process id is out of range")?;
        // Nobody but us reaps this child, so it is on the process table even when it has ended already.
        let Some((_, identity)) = Identity::stat(pid) else {
            bail!("{} (process {pid}) is not on the process table; see {}", spec.name, log.display());
        };
        // Who starts a program and sees its end must take note of it, or it stays on the table, and PostgreSQL takes itself
        // for running.
        std::thread::spawn(move || child.wait());
        let record = Record { identity, boot: boot(), version: version(&program), program };
        self.record(&spec.name, &record)?;
        Ok(true)
    }

    /// Writes the pid file whole or not at all.
    fn record(&self, name: &str, record: &Record) -> Result<()> {
        let path = self.pid_file(name);
        let fresh = path.with_extension("pid.new");
        fs::write(&fresh, serde_json::to_vec(record)?)
            .and_then(|()| fs::rename(&fresh, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn recorded(&self, name: &str) -> Option<Record> {
        let record: Record = serde_json::from_slice(&fs::read(self.pid_file(name)).ok()?).ok()?;
        (record.boot == boot() && record.identity.lives()).then_some(record)
    }

    /// The running program of that name.
    pub fn identity(&self, name: &str) -> Option<Identity> {
        Some(self.recorded(name)?.identity)
    }

    /// Whether the program of that name runs, and its file is another one by now.
    pub fn outdated(&self, name: &str) -> bool {
        self.recorded(name).is_some_and(|record| version(&record.program) != record.version)
    }

    /// Whether the program of that name runs.
    pub fn running(&self, name: &str) -> bool {
        self.identity(name).is_some()
    }

    /// The names of all programs that were started here and not stopped, running or not.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.state.join("run")).into_iter().flatten().flatten();
        let stem = |entry: fs::DirEntry| Some(entry.file_name().to_str()?.strip_suffix(".pid")?.to_owned());
        let mut names: Vec<String> = entries.filter_map(stem).collect();
        names.sort();
        names
    }

    /// Asks the program to end (SIGTERM), makes it end (SIGKILL) when `limit` is over, and forgets it. A program that
    /// does not run is no error.
    pub async fn stop(&self, name: &str, limit: Duration) -> Result<()> {
        if let Some(identity) = self.identity(name) {
            identity.end(limit).await.with_context(|| format!("cannot stop {name}"))?;
        }
        self.forget(name)
    }

    /// Ends the program without asking (SIGKILL), for clean-up where nothing can be awaited. It may live on for a
    /// moment after this returns.
    pub fn kill(&self, name: &str) -> Result<()> {
        if let Some(identity) = self.identity(name) {
            identity.signal(Signal::SIGKILL)?;
        }
        self.forget(name)
    }

    fn forget(&self, name: &str) -> Result<()> {
        match fs::remove_file(self.pid_file(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove the pid file of {name}"))
            }
            _ => Ok(()),
        }
    }

    /// The last lines of a program's log, for error messages.
    pub fn tail(&self, name: &str, lines: usize) -> String {
        let text = fs::read(self.log(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let text = text.unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// For the look of a wait: an error that ends the wait, with the end of the log, once the program has died.
    pub fn must_run(&self, name: &str) -> Result<()> {
        if self.running(name) {
            return Ok(());
        }
        let log = self.log(name);
        Err(wait::GiveUp(format!("{name} has ended; {} says:\n{}", log.display(), self.tail(name, 15))).into())
    }
}

/// The program `name` of the same build as the running one: in its folder or, for tests, which lie in `deps`, in the one
/// above.
pub fn beside(name: &str) -> Result<PathBuf> {
    let me = std::env::current_exe().context("cannot find the running program")?;
    let found = me.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| format!("{name} is missing beside {}; build it first: cargo build --bins", me.display()))
}

/// Finds a program the way execvp would, so that a missing one is an error here and not a line in a log.
pub fn find(program: &Path) -> Result<PathBuf> {
    if program.components().count() > 1 {
        if program.is_file() {
            return Ok(program.to_owned());
        }
        bail!("there is no program {}", program.display());
    }
    let found = PATH.split(':').map(|folder| Path::new(folder).join(program)).find(|path| path.is_file());
    found.with_context(|| format!("the program {} is not on {PATH}", program.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(name: &str, script: &str) -> Spec {
        Spec { name: name.into(), program: "sh".into(), args: vec!["-c".into(), script.into()], ..Spec::default() }
    }

    #[tokio::test]
    async fn a_program_is_started_once_and_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let processes = Processes::at(folder.path());
        let spec = sleeper("a", "echo begun; exec sleep 600");
        assert!(processes.start(&spec).unwrap());
        let first = processes.identity("a").unwrap();
        assert!(!processes.start(&spec).unwrap());
        assert_eq!(processes.identity("a"), Some(first));
        wait::until("the log line", Duration::from_secs(5), async || {
            Ok(processes.tail("a", 1).contains("begun").then_some(()))
        })
        .await
        .unwrap();
        processes.stop("a", Duration::from_secs(5)).await.unwrap();
        assert!(!first.lives() && !processes.running("a"));
        assert!(processes.names().is_empty());
        processes.stop("a", Duration::from_secs(5)).await.unwrap();
    }

    #[tokio::test]
    async fn a_program_deaf_to_sigterm_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let processes = Processes::at(folder.path());
        processes.start(&sleeper("deaf", "trap '' TERM; echo deaf; while :; do sleep 1; done")).unwrap();
        wait::until("the trap", Duration::from_secs(5), async || {
            Ok(processes.tail("deaf", 1).contains("deaf").then_some(()))
        })
        .await
        .unwrap();
        let identity = processes.identity("deaf").unwrap();
        processes.stop("deaf", Duration::from_millis(300)).await.unwrap();
        assert!(!identity.lives());
    }

    #[tokio::test]
    async fn an_ended_program_is_told_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let processes = Processes::at(folder.path());
        processes.start(&sleeper("brief", "echo no such luck; exit 3")).unwrap();
        let wait = wait::until("nothing", Duration::from_secs(5), async || {
            processes.must_run("brief")?;
            Ok(None::<()>)
        });
        assert!(format!("{:#}", wait.await.unwrap_err()).contains("no such luck"));
    }

    #[test]
    fn a_pid_of_another_process_or_another_boot_is_not_ours() {
        let folder = tempfile::tempdir().unwrap();
        let processes = Processes::at(folder.path());
        let me = Identity::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        fs::create_dir_all(folder.path().join("run")).unwrap();
        let record = |identity, boot| Record { identity, boot, program: "/bin/true".into(), version: None };
        let later = Identity { started: me.started + 1, ..me };
        processes.record("me", &record(me, boot())).unwrap();
        processes.record("later", &record(later, boot())).unwrap();
        processes.record("before", &record(me, "another".into())).unwrap();
        assert_eq!(processes.identity("me"), Some(me));
        for other in ["later", "before"] {
            assert!(!processes.running(other), "{other}");
            processes.kill(other).unwrap();
        }
        assert!(me.lives());
    }

    #[tokio::test]
    async fn a_program_built_anew_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let processes = Processes::at(folder.path());
        let program = folder.path().join("program");
        fs::copy("/bin/sleep", &program).unwrap();
        let spec = Spec { name: "a".into(), program: program.clone(), args: vec!["600".into()], ..Spec::default() };
        processes.start(&spec).unwrap();
        assert!(!processes.outdated("a"));
        fs::rename(&program, folder.path().join("old")).unwrap();
        fs::copy("/bin/sleep", &program).unwrap();
        assert!(processes.outdated("a"));
        processes.stop("a", Duration::from_secs(5)).await.unwrap();
        assert!(!processes.outdated("a"), "what does not run is not outdated");
    }

    #[test]
    fn a_missing_program_is_an_error_before_it_starts() {
        let folder = tempfile::tempdir().unwrap();
        let spec = Spec { name: "x".into(), program: "no-such-program-here".into(), ..Spec::default() };
        assert!(Processes::at(folder.path()).start(&spec).unwrap_err().to_string().contains("no-such-program-here"));
    }
}
