//! How fast a folder becomes a bundle, beside `tar | gzip -1 | age`: `cargo run -p bundle --example throughput -- FOLDER [LEVEL [ROUNDS]]`.
//!
//! The parts go nowhere, so that the store does not count. ROUNDS (5) rounds, ours and theirs in turn; each line is one round.
#![allow(clippy::print_stdout, reason = "it prints figures")]

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use bundle::plan::Order;
use bundle::seal::{BundleKey, Recipients};
use bundle::stream::{BoxError, Options, Part, PartSink, Writer};
use tokio::time::Instant;

struct Nowhere(u64);

impl PartSink for Nowhere {
    async fn put(&mut self, part: Part) -> Result<(), BoxError> {
        self.0 += part.bytes.len() as u64;
        Ok(())
    }
}

fn main() -> anyhow::Result<()> {
    let folder: PathBuf = std::env::args_os().nth(1).context("which folder?")?.into();
    let level = std::env::args().nth(2).map_or(Ok(Options::default().level), |level| level.parse())?;
    let key = BundleKey::generate();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let rounds = std::env::args().nth(3).map_or(Ok(5), |rounds| rounds.parse())?;
    for _ in 0..rounds {
        let begin = Instant::now();
        let (bytes, files, stored) = runtime.block_on(ours(&folder, &key, level))?;
        let ours = begin.elapsed().as_secs_f64();
        let begin = Instant::now();
        theirs(&folder, &key)?;
        let theirs = begin.elapsed().as_secs_f64();
        let mb = bytes as f64 / 1e6;
        println!(
            "{files} files, {mb:.0} MB -> {:.0} MB: ours {:.0} MB/s ({ours:.2} s), tar|gzip -1|age {:.0} MB/s ({theirs:.2} s), ratio {:.2}",
            stored as f64 / 1e6,
            mb / ours,
            mb / theirs,
            theirs / ours
        );
    }
    Ok(())
}

async fn ours(folder: &Path, key: &BundleKey, level: u32) -> anyhow::Result<(u64, u64, u64)> {
    let recipients = Recipients::new([key.recipient()])?;
    let options = Options { level, ..Options::default() };
    let mut writer = Writer::open(folder, Order::default(), recipients, Nowhere(0), Vec::new(), options)?;
    while writer.next().await?.is_some() {}
    let (outcome, sink) = writer.finish();
    Ok((outcome.counts.bytes, outcome.counts.files, sink.0))
}

fn theirs(folder: &Path, key: &BundleKey) -> anyhow::Result<()> {
    let script = "tar -c -C \"$1\" . | gzip -1 | age -r \"$2\" >/dev/null";
    let recipient = key.recipient().to_string();
    let status = Command::new("sh").args(["-c", script, "sh"]).arg(folder).arg(recipient).status()?;
    ensure!(status.success(), "tar, gzip and age are needed");
    Ok(())
}
