//! Two clones share one build folder: one builds at a time, and the other says whom it waits for.

use std::fs::{self, File, TryLockError};
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use crate::stop::Stop;

const TICK: Duration = Duration::from_millis(250);

/// Held until dropped, and by the kernel no longer than we live.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock; `note` tells others who holds it; `waiting` is called once with the holder's note.
    pub fn take(path: &Path, note: &str, stop: &Stop, waiting: &mut dyn FnMut(&str)) -> anyhow::Result<Self> {
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .with_context(|| format!("opening the lock {}", path.display()))?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {
                    if !told {
                        waiting(fs::read_to_string(path).unwrap_or_default().trim());
                        told = true;
                    }
                    stop.check()?;
                    thread::sleep(TICK);
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("locking {}", path.display()));
                }
            }
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{note}")?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_second_waits_and_names_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("build");
        let stop = Stop::default();
        let first = Lock::take(&path, "clone one, process 1", &stop, &mut |_| panic!("nobody holds it")).unwrap();
        let (sender, heard) = mpsc::channel();
        let second = thread::spawn({
            let path = path.clone();
            move || {
                let tell = &mut |holder: &str| sender.send(holder.to_owned()).unwrap();
                Lock::take(&path, "clone two", &Stop::default(), tell).map(drop)
            }
        });
        assert_eq!(heard.recv_timeout(Duration::from_secs(20)).unwrap(), "clone one, process 1");
        drop(first);
        second.join().unwrap().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "clone two\n");
    }
}
