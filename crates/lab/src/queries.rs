//! What the database says of each query of the programs: the files of the folder `.sqlx`, from which the query macros
//! take their types when no database is at hand.
//!
//! The macros write the same files when they are expanded with a database (sqlx-macros-core 0.9, `query/data.rs`:
//! `save_in`), and this calls what they call. But they say nothing until the package compiles again, which it does not
//! without the files; and nothing tells cargo to expand them anew when only the tables have changed.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqlSafeStr as _};

use crate::cache::Cache;
use crate::postgres::Postgres;

/// What became of one query.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// A file of the folder.
    File {
        /// Its name.
        name: String,
        /// Its content.
        content: String,
    },
    /// The database does not understand the query; what it says.
    Error(String),
}

/// The content of a file, in the macros' order.
#[derive(Serialize)]
struct Data<'a, D> {
    db_name: &'static str,
    query: &'a str,
    describe: D,
    hash: &'a str,
}

/// Asks a database with the tables of the folder `migrations` about the queries that the file `list` holds (a JSON array
/// of texts). The answers are in the same order.
pub async fn describe(cache: &Cache, migrations: &Path, list: &Path) -> Result<Vec<Answer>> {
    let text = fs::read(list).with_context(|| format!("cannot read {}", list.display()))?;
    let queries: Vec<String> = serde_json::from_slice(&text).context("the list of queries is no array of texts")?;
    let postgres = Postgres::shared(cache).await?;
    let url = postgres.database("queries").await?;
    let mut connection = PgConnection::connect(&url).await?;
    let migrator =
        Migrator::new(migrations).await.with_context(|| format!("migrations in {}", migrations.display()))?;
    migrator.run(&mut connection).await.context("cannot make the tables")?;
    let mut answers = Vec::new();
    for query in &queries {
        answers.push(ask(&mut connection, query).await?);
    }
    connection.close().await?;
    Ok(answers)
}

async fn ask(connection: &mut PgConnection, query: &str) -> Result<Answer> {
    let describe = match connection.describe(AssertSqlSafe(query).into_sql_str()).await {
        Ok(describe) => describe,
        Err(sqlx::Error::Database(error)) => return Ok(Answer::Error(complaint(query, error.as_ref()))),
        Err(error) => return Err(error).context(format!("cannot ask about {query}")),
    };
    let hash = hex::encode(Sha256::digest(query.as_bytes()));
    let data = Data { db_name: "PostgreSQL", query, describe, hash: &hash };
    let content = format!("{}\n", serde_json::to_string_pretty(&data)?);
    Ok(Answer::File { name: format!("query-{hash}.json"), content })
}

/// What PostgreSQL says, with the line of the query that it means.
fn complaint(query: &str, error: &dyn sqlx::error::DatabaseError) -> String {
    let error = error.downcast_ref::<sqlx::postgres::PgDatabaseError>();
    let mut words = error.message().to_owned();
    if let Some(sqlx::postgres::PgErrorPosition::Original(place)) = error.position() {
        words.push_str(&format!(", at «{}»", line_at(query, place)));
    }
    if let Some(hint) = error.hint() {
        words.push_str(&format!(" ({hint})"));
    }
    words
}

/// The line of the `place`-th letter, counted from 1.
fn line_at(query: &str, place: usize) -> &str {
    let byte = query.char_indices().nth(place.saturating_sub(1)).map_or(query.len(), |(byte, _)| byte);
    let begin = query[..byte].rfind('\n').map_or(0, |end| end + 1);
    query[begin..].lines().next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_is_meant_is_found() {
        let query = "SELECT ä\nFROM nests\nWHERE egs = 1";
        assert_eq!(line_at(query, 10), "FROM nests");
        assert_eq!(line_at(query, 27), "WHERE egs = 1");
        assert_eq!(line_at(query, 8), "SELECT ä");
        assert_eq!(line_at(query, 99), "WHERE egs = 1");
        assert_eq!(line_at("", 1), "");
    }
}
