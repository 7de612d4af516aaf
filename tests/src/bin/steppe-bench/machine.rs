//! What the kernel knows of the machine and its processes.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Clock ticks of `/proc/PID/stat` in a second: USER_HZ, which is 100 on all of Linux's common architectures.
const TICKS: f64 = 100.0;

/// Seconds of processor time that a process has used by itself.
///
/// # Errors
/// When it is gone.
pub fn processor(pid: u32) -> Result<f64> {
    seconds(&stat(&pid.to_string())?, [14, 15])
}

/// Seconds of processor time of all children of ours that have ended, and of theirs.
///
/// # Errors
/// Never on Linux.
pub fn processor_of_children() -> Result<f64> {
    seconds(&stat("self")?, [16, 17])
}

fn stat(process: &str) -> Result<String> {
    fs::read_to_string(format!("/proc/{process}/stat")).with_context(|| format!("process {process}"))
}

/// The sum of two fields, counted from 1 as proc(5) does. The second field is a name that may hold anything.
fn seconds(stat: &str, fields: [usize; 2]) -> Result<f64> {
    let (_, rest) = stat.rsplit_once(") ").context("a stat without a name")?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let ticks: Result<Vec<f64>> =
        fields.iter().map(|field| Ok(words.get(field - 3).context("a short stat")?.parse::<f64>()?)).collect();
    Ok(ticks?.iter().sum::<f64>() / TICKS)
}

/// A process's memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Resident now.
    pub now: u64,
    /// The most that was ever resident.
    pub peak: u64,
}

/// What a process takes of memory; `self` is us.
///
/// # Errors
/// When it is gone.
pub fn memory(process: &str) -> Result<Memory> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).with_context(|| format!("process {process}"))?;
    let bytes = |key: &str| -> Result<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key)).with_context(|| format!("no {key}"))?;
        let kibibytes: u64 = line.split_whitespace().next().context("an empty line")?.parse()?;
        Ok(kibibytes * 1024)
    };
    Ok(Memory { now: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
}

/// The machine's load over the last minute; 0 where it is not told.
pub fn load() -> f64 {
    let text = fs::read_to_string(Path::new("/proc/loadavg")).unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_default()
}

/// Bytes as MiB.
#[allow(clippy::cast_precision_loss)] // Four digits are shown.
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_read_behind_any_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194304 100 0 0 0 150 50 30 20 20 0 1 0 100 1000 100";
        assert_eq!(seconds(stat, [14, 15]).unwrap().to_bits(), 2.0_f64.to_bits());
        assert_eq!(seconds(stat, [16, 17]).unwrap().to_bits(), 0.5_f64.to_bits());
    }

    #[test]
    fn our_own_memory_is_known() {
        let memory = memory("self").unwrap();
        assert!(memory.now > 1 << 20 && memory.peak >= memory.now, "{memory:?}");
    }
}
