//! Docs tell the truth about the repository: each path they name in backticks and each file they link to exists.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::Violation;

/// Endings of files that a repository like this one holds.
const ENDINGS: [&str; 11] = ["rs", "md", "toml", "yaml", "yml", "go", "mod", "sql", "html", "css", "lock"];

pub fn check(root: &Path, documents: &[String]) -> anyhow::Result<Vec<Violation>> {
    let tops: Vec<String> = fs::read_dir(root)
        .context("listing the repository")?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name != ".git" && name != "target")
        .collect();
    let mut violations = Vec::new();
    for document in documents.iter().filter(|path| *path == "README.md" || path.starts_with("docs/")) {
        let text = fs::read_to_string(root.join(document)).with_context(|| format!("reading {document}"))?;
        let beside = Path::new(document).parent().unwrap_or(Path::new(""));
        let linked = links(&text).into_iter().map(|(line, path)| (line, beside.join(path)));
        let named = named(&text, &tops).into_iter().map(|(line, path)| (line, path.into()));
        for (line, path) in named.chain(linked) {
            if !root.join(&path).exists() {
                let path = path.display();
                let what = format!("names `{path}`, which does not exist");
                violations.push(Violation::new(document, line, what, "name what is there now, or remove the sentence"));
            }
        }
    }
    Ok(violations)
}

/// Line and target of every link to another file: `[text](bundle-format.md#parts)`.
fn links(text: &str) -> Vec<(usize, String)> {
    let of_line = |line: &str| -> Vec<String> {
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        targets
            .map(|(target, _)| target.split('#').next().unwrap_or_default().to_owned())
            .filter(|target| !target.is_empty() && !target.contains(':'))
            .collect()
    };
    let numbered = text.lines().enumerate();
    numbered.flat_map(|(index, line)| of_line(line).into_iter().map(move |path| (index + 1, path))).collect()
}

/// Line and path of everything in backticks that means a path of the repository: it has a slash, and begins with
/// a folder of ours or ends like a source file. Examples in fenced blocks are left alone.
fn named(text: &str, tops: &[String]) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut paths = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let spans = line.split('`').skip(1).step_by(2);
            paths.extend(spans.filter_map(|span| path(span, tops)).map(|path| (index + 1, path)));
        }
    }
    paths
}

fn path(span: &str, tops: &[String]) -> Option<String> {
    let odd = |letter: char| letter.is_whitespace() || "$~\"'(=@".contains(letter);
    let elsewhere = ["/", "-", "./", "../"].iter().any(|start| span.starts_with(start)) || span.contains("://");
    if !span.contains('/') || elsewhere || span.contains(odd) {
        return None;
    }
    // `file.rs:12` and `file.md#heading` name the file; of `charts/*/crds` and `NNN-{a,b}.md` the fixed part counts.
    let path = span.split([':', '#']).next()?;
    let fixed: Vec<&str> = path.split('/').take_while(|part| !part.contains(['*', '<', '{', '…'])).collect();
    let first = fixed.first()?;
    let ours = tops.iter().any(|top| top == first);
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let whole = fixed.len() == path.split('/').count();
    (ours || whole && ENDINGS.contains(&ending)).then(|| fixed.join("/").trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_gone_is_found() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["docs", "crates/names"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let text = "See `crates/names` and `crates/names/src/host.rs`.\n\n`old/place.rs:7`\n```\n`crates/gone`\n```\n";
        fs::write(root.path().join("docs/a.md"), text).unwrap();
        fs::write(root.path().join("README.md"), "`crates/gone/`\n").unwrap();
        let documents = ["README.md", "docs/a.md", "crates/names/NOTES.md"].map(str::to_owned);
        let found = check(root.path(), &documents).unwrap();
        let found: Vec<_> = found.iter().map(|one| format!("{}:{} {}", one.file, one.line, one.what)).collect();
        assert_eq!(
            found,
            [
                "README.md:1 names `crates/gone`, which does not exist",
                "docs/a.md:1 names `crates/names/src/host.rs`, which does not exist",
                "docs/a.md:3 names `old/place.rs`, which does not exist",
            ]
        );
    }

    #[test]
    fn a_link_to_a_file_that_is_gone_is_found() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("docs")).unwrap();
        let text = "[a](b.md#parts), [gone](gone.md), [web](https://steppe.test/x), [here](#parts)\n";
        fs::write(root.path().join("docs/a.md"), text).unwrap();
        fs::write(root.path().join("docs/b.md"), "").unwrap();
        let found = check(root.path(), &["docs/a.md".to_owned()]).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].what.contains("docs/gone.md"));
    }

    #[test]
    fn what_is_no_path_of_ours_is_left_alone() {
        let tops = ["crates", "docs", ".ci"].map(str::to_owned);
        for other in [
            "https://steppe.test/docs",
            "/etc/hosts",
            "~/.cache/steppe",
            "app.kubernetes.io/managed-by",
            "bundles/<uid>/manifest.json",
            "GET /api/v1/instance",
            "text/html",
            "segment-0000/part-0000.tar.gz.age",
        ] {
            assert_eq!(path(other, &tops), None, "{other}");
        }
        assert_eq!(path("crates/*/src", &tops).as_deref(), Some("crates"));
        assert_eq!(path(".ci/run", &tops).as_deref(), Some(".ci/run"));
        assert_eq!(path("docs/decisions/{001,002}.md", &tops).as_deref(), Some("docs/decisions"));
    }
}
