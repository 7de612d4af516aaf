//! The answers of the database to each query in the sources, which the query macros read in place of a database: the
//! queries are found here, `steppe-lab` asks PostgreSQL about them.

mod source;

use std::fs;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use self::source::Query;
use super::Files;
use crate::binaries;
use crate::context::Context;
use crate::lint::tracked;

/// Where the macros look for them.
pub const FOLDER: &str = ".sqlx";

/// As `steppe-lab queries` prints it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    File { name: String, content: String },
    Error(String),
}

/// The files as they should be. `steppe-lab` must be built.
pub fn wanted(context: &Context) -> anyhow::Result<Files> {
    let mut queries = Vec::new();
    let mut complaints = Vec::new();
    for path in tracked(context, &["*.rs"])? {
        let text = fs::read_to_string(context.root.join(&path)).with_context(|| format!("reading {path}"))?;
        match source::find(&path, &text) {
            Ok(found) => queries.extend(found),
            Err(complaint) => complaints.push(complaint),
        }
    }
    if !complaints.is_empty() {
        bail!("queries that cannot be read:\n{}", complaints.join("\n"));
    }
    if queries.is_empty() {
        return Ok(Files::new());
    }
    files(&queries, &ask(context, &queries)?)
}

fn ask(context: &Context, queries: &[Query]) -> anyhow::Result<Vec<Answer>> {
    let list = context.cache.bin().join("queries.json");
    let texts: Vec<&str> = queries.iter().map(|query| query.sql.as_str()).collect();
    fs::write(&list, serde_json::to_vec(&texts)?).with_context(|| format!("writing {}", list.display()))?;
    let lab = binaries::path(&context.cache.bin(), "steppe-lab")?;
    let lab = context.program(lab).args(["--progress", "none", "queries", "--migrations", "migrations", "--list"]);
    let answers = lab.args([&list]).read().context("asking PostgreSQL about the queries")?;
    fs::remove_file(&list).with_context(|| format!("removing {}", list.display()))?;
    serde_json::from_str(&answers).context("reading what steppe-lab printed")
}

fn files(queries: &[Query], answers: &[Answer]) -> anyhow::Result<Files> {
    if answers.len() != queries.len() {
        bail!("{} answers to {} queries", answers.len(), queries.len());
    }
    let mut files = Files::new();
    let mut complaints = Vec::new();
    for (query, answer) in queries.iter().zip(answers) {
        match answer {
            Answer::File { name, content } => {
                files.insert(format!("{FOLDER}/{name}"), content.clone().into_bytes());
            }
            Answer::Error(text) => complaints.push(format!("{}:{}: {text}", query.file, query.line)),
        }
    }
    if !complaints.is_empty() {
        bail!("PostgreSQL does not take these queries:\n{}", complaints.join("\n"));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(line: usize) -> Query {
        Query { file: "a/src/lib.rs".into(), line, sql: "SELECT 1".into() }
    }

    #[test]
    fn the_same_query_twice_is_one_file() {
        let answers =
            r#"[{"file":{"name":"query-1.json","content":"{}\n"}},{"file":{"name":"query-1.json","content":"{}\n"}}]"#;
        let files = files(&[query(1), query(2)], &serde_json::from_str::<Vec<Answer>>(answers).unwrap()).unwrap();
        assert_eq!(files, Files::from([(".sqlx/query-1.json".to_owned(), b"{}\n".to_vec())]));
    }

    #[test]
    fn a_refused_query_is_told_with_its_place() {
        let answers: Vec<Answer> = serde_json::from_str(r#"[{"error":"column \"egs\" does not exist"}]"#).unwrap();
        let error = files(&[query(7)], &answers).unwrap_err().to_string();
        assert!(error.contains("a/src/lib.rs:7: column \"egs\" does not exist"), "{error}");
        assert!(files(&[query(7), query(8)], &answers).is_err());
    }
}
