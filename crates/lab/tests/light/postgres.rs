//! PostgreSQL of one's own: databases apart, data safe where it must be, nothing left behind.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lab::cache::Cache;
use lab::postgres::{Durability, Postgres};
use lab::process::Identity;
use lab::wait;
use sqlx::{Connection as _, PgConnection};
use url::Url;

use super::LIMIT;

async fn start() -> Postgres {
    Postgres::start(&Cache::open(None).unwrap(), Durability::Throwaway).await.unwrap()
}

async fn text(url: &str, sql: &'static str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let text = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    text
}

async fn run(url: &str, sql: &'static str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

const TABLES: &str = "SELECT count(*)::text FROM pg_class WHERE relname = 'nests'";

#[tokio::test]
async fn two_servers_and_their_databases_are_apart() {
    let (one, two) = (start().await, start().await);
    let birds = one.database("birds").await.unwrap();
    run(&birds, "CREATE TABLE nests (eggs int); INSERT INTO nests VALUES (3)").await;
    assert_eq!(text(&birds, "SELECT eggs::text FROM nests").await, "3");
    assert_eq!(text(&birds, "SELECT current_database() || '-' || current_user").await, "birds-steppe");
    assert_eq!(text(&one.database("trees").await.unwrap(), TABLES).await, "0");
    assert_eq!(text(&two.database("birds").await.unwrap(), TABLES).await, "0");
    for name in ["", "Birds", "a-b", "a\"; DROP"] {
        assert!(one.database(name).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn a_database_is_replaced_or_kept_as_asked() {
    let postgres = start().await;
    let birds = postgres.kept_database("birds").await.unwrap();
    run(&birds, "CREATE TABLE nests (eggs int)").await;
    assert_eq!(text(&postgres.kept_database("birds").await.unwrap(), TABLES).await, "1");
    // One who forgot to leave is thrown out.
    let idle = PgConnection::connect(&birds).await.unwrap();
    assert_eq!(text(&postgres.database("birds").await.unwrap(), TABLES).await, "0");
    drop(idle);
}

#[tokio::test]
async fn the_role_that_is_given_out_is_no_superuser_and_has_a_password() {
    let postgres = start().await;
    let superuser = "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user";
    assert_eq!(text(postgres.url(), superuser).await, "false");
    assert!(!format!("{postgres:?}").contains(Url::parse(postgres.url()).unwrap().password().unwrap()));
    let mut url = Url::parse(postgres.url()).unwrap();
    url.set_password(Some("wrong")).unwrap();
    let refused = PgConnection::connect(url.as_str()).await.unwrap_err().to_string();
    assert!(refused.contains("password authentication failed"), "{refused}");
    url.set_username("postgres").unwrap();
    assert!(PgConnection::connect(url.as_str()).await.is_err());
    let (_, folder) = postgres.process().unwrap();
    let open = folder.metadata().unwrap().permissions().mode() & 0o077;
    assert_eq!(open, 0, "others reach the socket, which asks for no password");
}

#[tokio::test]
async fn a_template_is_filled_once() {
    let postgres = start().await;
    let fill = async |url: &str| {
        run(url, "CREATE TABLE nests (eggs int); INSERT INTO nests VALUES (5)").await;
        Ok(())
    };
    let one = postgres.copy("one", "filled", fill).await.unwrap();
    run(&one, "UPDATE nests SET eggs = 7").await;
    let never = async |_: &str| anyhow::bail!("it is filled already");
    let two = postgres.copy("two", "filled", never).await.unwrap();
    assert_eq!(text(&two, "SELECT eggs::text FROM nests").await, "5");
}

#[tokio::test]
async fn what_was_committed_survives_a_death() {
    let mut postgres = Postgres::start(&Cache::open(None).unwrap(), Durability::Kept).await.unwrap();
    assert_eq!(text(postgres.url(), "SELECT current_setting('fsync')").await, "on");
    let url = postgres.database("birds").await.unwrap();
    run(&url, "CREATE TABLE nests (eggs int); INSERT INTO nests VALUES (3)").await;
    postgres.kill().unwrap();
    assert!(PgConnection::connect(&url).await.is_err());
    postgres.revive().await.unwrap();
    assert_eq!(text(&url, "SELECT eggs::text FROM nests").await, "3");
}

#[tokio::test]
async fn a_template_in_the_cache_is_made_once_and_closed() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(Some(folder.path())).unwrap();
    let start = || Postgres::start(&cache, Durability::Throwaway);
    let (one, two) = tokio::join!(start(), start());
    let password = |server: Postgres| Url::parse(server.url()).unwrap().password().unwrap().to_owned();
    assert_eq!(password(one.unwrap()), password(two.unwrap()));
    let made: Vec<_> = cache.path("postgres").read_dir().unwrap().flatten().collect();
    assert_eq!(made.len(), 1, "{made:?}");
    let open = made[0].metadata().unwrap().permissions().mode() & 0o077;
    assert_eq!(open, 0, "others read the password");
}

/// The shared memory segments that a process made (the fifth column of the kernel's table).
fn segments(process: i32) -> Vec<String> {
    let table = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let ours = |line: &&str| line.split_whitespace().nth(4) == Some(&process.to_string());
    table.lines().filter(ours).map(str::to_owned).collect()
}

async fn gone(process: i32, folder: &Path) {
    let identity = Identity::of(process);
    wait::until("the server to be gone", LIMIT, async || {
        anyhow::ensure!(identity.is_none_or(|identity| !identity.lives()), "process {process} lives");
        anyhow::ensure!(!folder.exists(), "{} is there", folder.display());
        let left = segments(process);
        anyhow::ensure!(left.is_empty(), "shared memory is there: {left:?}");
        Ok(Some(()))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn nothing_is_left_of_a_server_that_was_dropped() {
    let postgres = start().await;
    let (process, folder) = postgres.process().unwrap();
    let (process, folder) = (i32::try_from(process).unwrap(), folder.to_owned());
    let connection = PgConnection::connect(postgres.url()).await.unwrap();
    drop(postgres);
    gone(process, &folder).await;
    drop(connection);
}

#[tokio::test]
async fn nothing_is_left_of_a_server_whose_process_died() {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_dying-ground"));
    let output = String::from_utf8(command.arg("postgres").output().await.unwrap().stdout).unwrap();
    let (process, folder) = output.lines().last().and_then(|line| line.split_once(' ')).unwrap();
    assert!(folder.starts_with('/'), "{output}");
    gone(process.parse().unwrap(), Path::new(folder)).await;
}
