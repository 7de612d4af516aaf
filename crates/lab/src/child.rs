//! Programs that die with us: ended when their handle is dropped, and by the kernel when this process ends in any
//! other way.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::process::find;
use crate::wait::GiveUp;

/// How often a program that was asked to end is looked after, and how many times before it is made to end.
const LOOK: (Duration, u32) = (Duration::from_millis(10), 1000);

/// A program of ours.
#[derive(Debug)]
pub struct Child {
    name: String,
    log: PathBuf,
    parting: Parting,
    process: std::process::Child,
}

/// How a program is ended: by us, or by the kernel when we are gone.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Parting {
    /// At once: nothing of it is kept.
    #[default]
    Kill,
    /// By SIGQUIT, for a program that has something to give back to the kernel. It is waited for.
    Quit,
}

impl Parting {
    fn signal(self) -> Signal {
        match self {
            Self::Kill => Signal::SIGKILL,
            Self::Quit => Signal::SIGQUIT,
        }
    }

    /// As setpriv(1) spells it.
    fn word(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
        }
    }
}

/// What to start.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Names the log.
    pub name: String,
    /// The program: a path, or a name on the system's PATH.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its working folder, its HOME, and where the log is: `<name>.log`.
    pub folder: PathBuf,
    /// Programs that become it in the end, and their words. The last of them is setpriv(1), without `--`.
    pub wrapper: Vec<String>,
    /// How it is ended.
    pub parting: Parting,
}

impl Child {
    /// Starts `program`; what it says goes to `<folder>/<name>.log`.
    pub fn start(name: &str, program: &Path, args: &[String], folder: &Path) -> Result<Self> {
        let launch = Launch { name: name.into(), program: program.into(), args: args.into(), ..Launch::default() };
        Self::launch(&Launch { folder: folder.into(), ..launch })
    }

    /// Starts a program.
    pub fn launch(launch: &Launch) -> Result<Self> {
        let Launch { name, program, args, folder, wrapper, parting } = launch;
        let program = find(program)?;
        let log = folder.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log);
        let out = out.with_context(|| format!("cannot open {}", log.display()))?;
        // setpriv(1) becomes the program, so the process id is the program's.
        let (first, rest) = wrapper.split_first().map_or(("setpriv", &[][..]), |(first, rest)| (first, rest));
        let mut command = Command::new(find(Path::new(first))?);
        command.args(rest).args(["--pdeathsig", parting.word(), "--"]).arg(program).args(args).env_clear();
        command.env("HOME", folder).current_dir(folder);
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        // Ctrl-C is for us; the child then dies by our death, and after nobody else needs it.
        command.process_group(0);
        let process = spawn(command).with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name: name.clone(), log, parting: *parting, process })
    }

    /// For the look of a wait: an error that ends the wait, with the end of the log, once the program has died.
    pub fn must_run(&mut self) -> Result<()> {
        let Some(status) = self.process.try_wait().with_context(|| format!("cannot ask after {}", self.name))? else {
            return Ok(());
        };
        Err(GiveUp(format!("{} has ended ({status}):\n{}", self.name, self.tail(15))).into())
    }

    /// The last lines of the log.
    pub fn tail(&self, lines: usize) -> String {
        let text = std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let text = text.unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }

    /// Resident memory in bytes, from `/proc/PID/status`; 0 when the program has ended.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes =
            line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse::<u64>().ok());
        kibibytes.unwrap_or_default() * 1024
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Errors mean that it has ended already.
        let asked = i32::try_from(self.process.id()).map(|pid| kill(Pid::from_raw(pid), self.parting.signal()));
        let (pause, looks) = if asked.is_ok() && self.parting != Parting::Kill { LOOK } else { (Duration::ZERO, 0) };
        for _ in 0..looks {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(pause);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Removes a folder when this process is gone, however it went: a shell that waits for the end of a pipe which only
/// we hold open.
#[derive(Debug)]
pub struct Sweeper {
    process: std::process::Child,
}

/// What the sweeper does. The pause lets the programs that write there die first: they get their signal as we end.
/// Those it was told of by process id are waited for.
const SWEEP: &str = r#"pids=$(cat); sleep 0.3
for pid in $pids; do looks=0; while [ -e "/proc/$pid" ] && [ $looks -lt 100 ]; do sleep 0.1; looks=$((looks+1)); done; done
rm -rf -- "$1""#;

impl Sweeper {
    /// Watches over `folder`.
    pub fn start(folder: &Path) -> Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SWEEP, "sweeper"]).arg(folder);
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Ok(Self { process: command.spawn().context("cannot start the sweeper")? })
    }

    /// Has the folder stay until this program has ended.
    pub fn after(&mut self, child: &Child) -> Result<()> {
        let pipe = self.process.stdin.as_mut().context("the sweeper has no pipe")?;
        writeln!(pipe, "{}", child.id()).context("the sweeper has ended")
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

type Order = (Command, mpsc::SyncSender<io::Result<std::process::Child>>);

/// Starts a command from a thread that lives as long as the process. The kernel sends the parent-death signal when the
/// *thread* that started the child ends (prctl(2), PR_SET_PDEATHSIG), and a test's threads end long before the process.
fn spawn(command: Command) -> Result<std::process::Child> {
    static NURSERY: OnceLock<Option<mpsc::Sender<Order>>> = OnceLock::new();
    let nursery = NURSERY.get_or_init(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        let work = move || {
            for (mut command, answer) in inbox {
                let _ = answer.send(command.spawn());
            }
        };
        std::thread::Builder::new().name("nursery".into()).spawn(work).ok().map(|_| orders)
    });
    let (answer, child) = mpsc::sync_channel(1);
    let nursery = nursery.as_ref().context("no thread to start programs from")?;
    nursery.send((command, answer)).ok().context("the thread that starts programs has ended")?;
    Ok(child.recv().context("the thread that starts programs has ended")??)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::process::Identity;
    use crate::wait;

    #[test]
    fn a_child_ends_with_its_handle() {
        let folder = tempfile::tempdir().unwrap();
        let child = Child::start("sleeper", Path::new("sleep"), &["600".into()], folder.path()).unwrap();
        let identity = Identity::of(i32::try_from(child.id()).unwrap()).unwrap();
        assert!(child.memory() > 0);
        drop(child);
        assert!(!identity.lives());
    }

    #[test]
    fn a_child_outlives_the_thread_that_asked_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let child =
            std::thread::spawn(move || Child::start("sleeper", Path::new("sleep"), &["600".into()], &path).unwrap());
        let mut child = child.join().unwrap();
        child.must_run().unwrap();
    }

    #[tokio::test]
    async fn an_ended_child_is_told_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let script = ["-c".into(), "echo no such luck; exit 3".into()];
        let mut child = Child::start("brief", Path::new("sh"), &script, folder.path()).unwrap();
        let end = wait::until("nothing", Duration::from_secs(5), async || {
            child.must_run()?;
            Ok(None::<()>)
        });
        assert!(format!("{:#}", end.await.unwrap_err()).contains("no such luck"));
    }

    #[test]
    fn the_sweeper_removes_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("data");
        std::fs::create_dir_all(&inner).unwrap();
        drop(Sweeper::start(&inner).unwrap());
        assert!(!inner.exists());
    }
}
