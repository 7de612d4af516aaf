//! What is being done right now, and how long it took last time: bars on a terminal, plain lines with a
//! heartbeat elsewhere. Progress goes to standard error, results to standard output.

pub mod line;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use self::line::ProgressLine;
use crate::clock::{Stopwatch, human};

/// A build server that hears nothing for long takes us for dead.
const HEARTBEAT: Duration = Duration::from_secs(25);
const BAR: &str = "{spinner} {prefix:<10} [{bar:20}] {pos}/{len} {elapsed} {wide_msg}";
const SPINNER: &str = "{spinner} {prefix:<10} {elapsed} {wide_msg}";

/// The display; cheap to clone, safe to use from several threads.
#[derive(Debug, Clone)]
pub struct Progress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bars: Option<MultiProgress>,
    active: Arc<Mutex<BTreeMap<u64, Active>>>,
    ended: Mutex<Vec<Ended>>,
    next: AtomicU64,
    /// Dropped with the display, which ends the heartbeat.
    _heart: Option<Sender<()>>,
}

#[derive(Debug)]
struct Active {
    name: String,
    message: String,
    count: Option<(u64, u64)>,
    started: Stopwatch,
}

/// A step that is over.
#[derive(Debug, Clone)]
pub struct Ended {
    pub name: String,
    pub took: Duration,
    /// How long it took last time.
    pub last: Option<Duration>,
}

/// One thing being done; gone from the display when dropped.
#[derive(Debug)]
pub struct Step {
    id: u64,
    name: String,
    progress: Progress,
    bar: Option<ProgressBar>,
    last: Option<Duration>,
    started: Stopwatch,
    /// The last thing that got a line.
    told: Mutex<Option<String>>,
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line on standard error, outside of any display.
pub fn complain(text: &str) {
    // Nobody may be listening any more, which is no reason to fail.
    writeln!(std::io::stderr(), "{text}").ok();
}

impl Progress {
    /// Bars when somebody looks at them.
    pub fn open(plain: bool) -> Self {
        let active = Arc::default();
        let plain = plain || !std::io::stderr().is_terminal();
        let heart = plain.then(|| beat(Arc::clone(&active), HEARTBEAT, complain));
        let bars = (!plain).then(MultiProgress::new);
        Self(Arc::new(Inner { bars, active, ended: Mutex::default(), next: AtomicU64::new(0), _heart: heart }))
    }

    /// Begins a step; `last`: how long it took last time.
    pub fn step(&self, name: &str, last: Option<Duration>) -> Step {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let started = Stopwatch::start();
        let bar = self.0.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_prefix(name.to_owned());
            bar.set_message(last_time(last));
            bar.set_style(style(SPINNER));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        if bar.is_none() {
            complain(format!("{name}: begins {}", last_time(last)).trim_end());
        }
        let active = Active { name: name.to_owned(), message: String::new(), count: None, started };
        unpoisoned(&self.0.active).insert(id, active);
        Step { id, name: name.to_owned(), progress: self.clone(), bar, last, started, told: Mutex::default() }
    }

    /// All steps that are over, in the order they ended.
    pub fn ended(&self) -> Vec<Ended> {
        unpoisoned(&self.0.ended).clone()
    }

    /// A line on standard error, above the bars.
    pub fn say(&self, text: &str) {
        match &self.0.bars {
            Some(bars) => bars.suspend(|| complain(text)),
            None => complain(text),
        }
    }

    /// A line on standard output: a result.
    pub fn tell(&self, text: &str) {
        let write = || {
            let mut out = std::io::stdout();
            writeln!(out, "{text}").and_then(|()| out.flush()).ok();
        };
        match &self.0.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }
}

impl Step {
    /// What a program of ours says it does now. Where there are no bars, each new thing gets a line.
    pub fn tell(&self, line: &ProgressLine) {
        let text = line.text();
        let new = unpoisoned(&self.told).replace(line.step.clone()) != Some(line.step.clone());
        if new && self.bar.is_none() {
            complain(&text);
        }
        self.now(&text, line.count());
    }

    /// What is being done now, and how much of it is done.
    pub fn now(&self, message: &str, count: Option<(u64, u64)>) {
        if let Some(active) = unpoisoned(&self.progress.0.active).get_mut(&self.id) {
            message.clone_into(&mut active.message);
            active.count = count;
        }
        let Some(bar) = &self.bar else { return };
        bar.set_message(format!("{message} {}", last_time(self.last)));
        match count {
            Some((done, total)) => {
                if bar.length() != Some(total) {
                    bar.set_style(style(BAR));
                    bar.set_length(total);
                }
                bar.set_position(done);
            }
            None => bar.set_style(style(SPINNER)),
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ends the step with a line that stays.
    pub fn end(self, outcome: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let line = format!("{}: {outcome} in {} {}", self.name, human(self.elapsed()), last_time(self.last));
        self.progress.say(line.trim_end());
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        unpoisoned(&self.progress.0.active).remove(&self.id);
        let ended = Ended { name: self.name.clone(), took: self.elapsed(), last: self.last };
        unpoisoned(&self.progress.0.ended).push(ended);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn last_time(last: Option<Duration>) -> String {
    last.map_or_else(String::new, |last| format!("(last time {})", human(last)))
}

/// A template that does not parse leaves the default look.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner()).progress_chars("=> ")
}

/// Tells all that goes on, every so often, until the sender is dropped.
fn beat(active: Arc<Mutex<BTreeMap<u64, Active>>>, every: Duration, say: fn(&str)) -> Sender<()> {
    let (sender, ended) = mpsc::channel::<()>();
    thread::spawn(move || {
        while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            for step in unpoisoned(&active).values() {
                say(&pulse(step));
            }
        }
    });
    sender
}

fn pulse(step: &Active) -> String {
    let count = step.count.map_or_else(String::new, |(done, total)| format!(" {done}/{total}"));
    let now = if step.message.is_empty() { String::new() } else { format!(" {}", step.message) };
    format!("{}: running for {}{count}{now}", step.name, human(step.started.elapsed()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn the_heartbeat_names_what_runs() {
        static BEATS: AtomicUsize = AtomicUsize::new(0);
        let active = Active {
            name: "unit".to_owned(),
            message: "names".to_owned(),
            count: Some((3, 9)),
            started: Stopwatch::start(),
        };
        assert_eq!(pulse(&active), "unit: running for 0s 3/9 names");
        let all = Arc::new(Mutex::new(BTreeMap::from([(0, active)])));
        let heart = beat(all, Duration::from_millis(1), |line| {
            assert!(line.starts_with("unit: running"));
            BEATS.fetch_add(1, Ordering::Relaxed);
        });
        let started = Stopwatch::start();
        while BEATS.load(Ordering::Relaxed) < 3 && started.elapsed() < Duration::from_secs(20) {
            thread::yield_now();
        }
        drop(heart);
        assert!(BEATS.load(Ordering::Relaxed) >= 3);
    }

    #[test]
    fn a_step_is_shown_until_it_ends() {
        let progress = Progress::open(true);
        let step = progress.step("images", Some(Duration::from_secs(90)));
        step.now("debootstrap", Some((1, 4)));
        assert!(unpoisoned(&progress.0.active).values().any(|active| pulse(active).ends_with("1/4 debootstrap")));
        step.end("done");
        assert!(unpoisoned(&progress.0.active).is_empty());
        assert_eq!(progress.ended().iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["images"]);
    }
}
