//! Databases on a server, ours or a given one.

use anyhow::{Context, Result, ensure};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;

/// What PostgreSQL cuts names to.
const LONGEST: usize = 63;

/// The server that the surroundings name.
#[allow(clippy::disallowed_methods)] // The one door to it.
pub fn given() -> Result<Option<Url>> {
    let text = std::env::var("DATABASE_URL").ok().filter(|text| !text.is_empty());
    // Its password must not be shown.
    text.map(|text| Url::parse(&text).context("DATABASE_URL is no address like postgres://role@host/database"))
        .transpose()
}

/// What databases are called on a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Naming {
    /// As one wishes: the server is ours alone.
    Plain,
    /// `<database of the server's address>_<name>`, so that nobody meets another's.
    Prefixed,
}

/// Makes the database `name`, empty or a copy of `template`, in place of one of that name. Returns its address.
pub async fn replace(server: &Url, naming: Naming, name: &str, template: Option<&str>) -> Result<String> {
    let full = full_name(server, naming, name)?;
    let source = match template {
        Some(template) => format!(" TEMPLATE \"{}\"", full_name(server, naming, template)?),
        None => String::new(),
    };
    let mut connection = connect(server).await?;
    let drop = format!("DROP DATABASE IF EXISTS \"{full}\" WITH (FORCE)");
    let create = format!("CREATE DATABASE \"{full}\"{source}");
    for sql in [drop, create] {
        run(&mut connection, sql).await.with_context(|| format!("database {full}"))?;
    }
    connection.close().await?;
    Ok(address(server, &full))
}

/// The address of the database `name`, made if it is missing.
pub async fn keep(server: &Url, naming: Naming, name: &str) -> Result<String> {
    let full = full_name(server, naming, name)?;
    let mut connection = connect(server).await?;
    let there = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)");
    if !there.bind(&full).fetch_one(&mut connection).await? {
        run(&mut connection, format!("CREATE DATABASE \"{full}\""))
            .await
            .with_context(|| format!("database {full}"))?;
    }
    connection.close().await?;
    Ok(address(server, &full))
}

async fn connect(server: &Url) -> Result<PgConnection> {
    PgConnection::connect(server.as_str()).await.context("cannot reach PostgreSQL")
}

/// Runs a statement about a database: they take no parameters, and names of databases here are letters, digits and
/// underscores.
async fn run(connection: &mut PgConnection, sql: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
}

fn address(server: &Url, database: &str) -> String {
    let mut url = server.clone();
    url.set_path(database);
    url.into()
}

fn full_name(server: &Url, naming: Naming, name: &str) -> Result<String> {
    let full = match naming {
        Naming::Plain => name.to_owned(),
        Naming::Prefixed => format!("{}_{name}", server.path().trim_start_matches('/')),
    };
    let good = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let fits = !name.is_empty() && full.len() <= LONGEST && full.chars().all(good);
    ensure!(fits, "{full:?} cannot name a database: take 1 to {LONGEST} lower-case letters, digits and underscores");
    Ok(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_given_server_names_begin_with_its_database() {
        let server = Url::parse("postgres://me:secret@db.example/mine?sslmode=require").unwrap();
        assert_eq!(full_name(&server, Naming::Prefixed, "orders").unwrap(), "mine_orders");
        assert_eq!(full_name(&server, Naming::Plain, "orders").unwrap(), "orders");
        assert!(full_name(&server, Naming::Prefixed, &"x".repeat(60)).is_err());
    }
}
