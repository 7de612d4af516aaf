//! What a derived file is and what it should be, as `git diff` shows it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::Files;
use crate::child::Stream;
use crate::context::Context;

/// Empty when nothing is stale.
pub fn show(context: &Context, wanted: &Files, stale: &BTreeSet<String>) -> anyhow::Result<String> {
    let folder = context.cache.bin().join("wanted");
    let mut shown = String::new();
    for path in stale {
        let should_be = folder.join(path);
        let should_be = match wanted.get(path) {
            Some(content) => {
                super::put(&should_be, Some(content))?;
                should_be
            }
            None => "/dev/null".into(),
        };
        let there = context.root.join(path);
        let there = if there.is_file() { there } else { "/dev/null".into() };
        shown.push_str(&diff(context, &there, &should_be)?);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(shown)
}

/// `git diff` ends with 1 when there is a difference, which is what we ask for.
fn diff(context: &Context, there: &Path, should_be: &Path) -> anyhow::Result<String> {
    let mut lines = Vec::new();
    let git = context.program("git").args(["diff", "--no-index", "--no-color", "--"]).args([there, should_be]);
    git.run(&context.stop, &mut |line| {
        if line.stream == Stream::Out {
            lines.push(line.text.clone());
        }
    })?;
    Ok(format!("{}\n", lines.join("\n")))
}
