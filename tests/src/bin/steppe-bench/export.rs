//! What packing a server's data costs, beside `tar | gzip -1 | age`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use bundle::seal::BundleKey;
use lab::cache::Cache;
use lab::tools::Progress;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::process::Command;

use crate::Options;
use crate::frame::{Better, Chapter, Comparison, Figure, Side, TURNS};
use crate::machine::{mebibytes, processor_of_children};
use crate::pack::Packed;

/// Media: so many files of so many bytes that do not get smaller.
const MEDIA: (u64, usize) = (48, 2 << 20);
/// Posts and actors: so many files of about so many bytes of JSON.
const POSTS: (u64, usize) = (6_000, 8 << 10);

/// One kind of data.
#[derive(Debug, Default)]
struct Kind {
    /// MB for a second of processor time.
    ours: Vec<f64>,
    theirs: Vec<f64>,
    packed: Option<Packed>,
}

/// Measures.
///
/// # Errors
/// When `tar`, `gzip` or `age` is missing or the disk is full.
pub async fn measure(options: &Options, cache: &Cache, progress: &mut dyn Progress) -> Result<Chapter> {
    let work = tempfile::tempdir_in(cache.root())?;
    progress.step("Packing: making a server's data");
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    media(&work.path().join("media"))?;
    posts(&work.path().join("posts"))?;
    let recipient = BundleKey::generate().recipient().to_string();
    for round in 1..=options.rounds {
        for name in ["media", "posts"] {
            let folder = work.path().join(name);
            let kind = kinds.entry(name).or_default();
            for side in TURNS {
                progress.step(&format!("Packing {name}, round {round} of {}: {side:?}", options.rounds));
                let before = processor_of_children()?;
                match side {
                    Side::Ours => kind.packed = Some(ours(&folder).await?),
                    Side::Theirs => theirs(&folder, &recipient).await?,
                }
                let seconds = processor_of_children()? - before;
                // The first turn is ours, so the bytes are known from then on.
                let bytes = kind.packed.as_ref().map_or(0, |packed| packed.bytes);
                let rate = bytes as f64 / 1e6 / seconds;
                match side {
                    Side::Ours => kind.ours.push(rate),
                    Side::Theirs => kind.theirs.push(rate),
                }
            }
        }
    }
    Ok(chapter(kinds))
}

async fn ours(folder: &Path) -> Result<Packed> {
    let mut command = Command::new(std::env::current_exe().context("where this program lies")?);
    let output = command.arg("pack").arg(folder).stdin(Stdio::null()).kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "packing {}: {}", folder.display(), String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

async fn theirs(folder: &Path, recipient: &str) -> Result<()> {
    let script = "tar -c -C \"$1\" . | gzip -1 | age -r \"$2\" >/dev/null";
    let mut command = Command::new("sh");
    let status = command.args(["-c", script, "sh"]).arg(folder).arg(recipient).kill_on_drop(true).status().await?;
    ensure!(status.success(), "tar, gzip and age are needed");
    Ok(())
}

fn media(folder: &Path) -> Result<()> {
    std::fs::create_dir(folder)?;
    let mut random = StdRng::seed_from_u64(7);
    for number in 0..MEDIA.0 {
        let mut picture = vec![0; MEDIA.1];
        random.fill_bytes(&mut picture);
        std::fs::write(folder.join(format!("{number}.jpg")), picture)?;
    }
    Ok(())
}

/// Text with about as much in it as posts have: words drawn from a few hundred.
fn posts(folder: &Path) -> Result<()> {
    let mut random = StdRng::seed_from_u64(11);
    for number in 0..POSTS.0 {
        let below = folder.join(format!("{:02x}", number % 256));
        std::fs::create_dir_all(&below)?;
        let mut text = format!("{{\"id\":\"https://birds.example/p/{number}\",\"type\":\"Note\",\"content\":\"");
        while text.len() < POSTS.1 {
            write!(text, "{:x} ", random.next_u32() % 700 * 7919)?;
        }
        text.push_str("\"}");
        std::fs::write(below.join(format!("{number}.json")), text)?;
    }
    Ok(())
}

fn chapter(kinds: BTreeMap<&str, Kind>) -> Chapter {
    let (mut counts, mut comparisons, mut next) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut figures = Vec::new();
    for (name, kind) in kinds {
        let comparison = Comparison::of(
            Figure::of(&format!("{name}, a bundle"), "MB per CPU s", kind.ours),
            Figure::of(&format!("{name}, tar | gzip -1 | age"), "MB per CPU s", kind.theirs),
            Better::More,
        );
        if let Some(packed) = kind.packed {
            counts.insert(format!("{name}: files"), packed.files as f64);
            counts.insert(format!("{name}: MB"), packed.bytes as f64 / 1e6);
            counts.insert(format!("{name}: MB in the bundle"), packed.stored as f64 / 1e6);
            let what = format!("{name}: the most memory that the packing process had");
            figures.push(Figure::of(&what, "MiB", vec![mebibytes(packed.peak)]));
        }
        if comparison.ratio < 1.0 {
            next.push(format!(
                "export: {name} cost {:.2} of the pipe's speed: profile `steppe-bench pack`",
                comparison.ratio
            ));
        }
        comparisons.push(comparison);
    }
    if next.is_empty() {
        next.push("export: cheaper than the pipe; nothing to do before a store is what limits it".to_owned());
    }
    Chapter {
        name: "export",
        how: "a folder into an encrypted bundle that goes nowhere, processor time of all its processes".to_owned(),
        counts,
        comparisons,
        figures,
        next,
    }
}
