//! What the control plane needs beside a cell: its database and a mail server.

use lab::cache::Cache;
use lab::mailpit;
use lab::postgres;
use lab::tools::Quiet;
use sqlx::{Connection as _, PgConnection};

use super::ground::place;

async fn eggs(url: &str) -> i32 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let eggs = sqlx::query_scalar("SELECT eggs FROM nests").fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    eggs
}

#[tokio::test]
async fn a_grounds_database_keeps_its_data_when_it_is_stopped() {
    let place = place().await;
    let cache = Cache::open(None).unwrap();
    let database = postgres::on(&place.ground, &cache).await.unwrap();
    let url = database.database("birds").await.unwrap();
    assert!(url.contains(&place.ground.addresses.node_ip.to_string()), "the host and pods reach it");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let fill = "CREATE TABLE nests (eggs int); INSERT INTO nests VALUES (3)";
    sqlx::raw_sql(fill).execute(&mut connection).await.unwrap();
    let fsync: String = sqlx::query_scalar("SELECT current_setting('fsync')").fetch_one(&mut connection).await.unwrap();
    assert_eq!(fsync, "on");
    postgres::on(&place.ground, &cache).await.unwrap();
    assert_eq!(eggs(&url).await, 3, "what runs is let be");
    // The open connection does not hold it.
    postgres::stop(&place.ground).await.unwrap();
    assert!(PgConnection::connect(&url).await.is_err());
    let database = postgres::on(&place.ground, &cache).await.unwrap();
    assert_eq!(eggs(&database.kept_database("birds").await.unwrap()).await, 3);
}

#[tokio::test]
async fn a_grounds_mails_are_read_from_the_host() {
    let place = place().await;
    let mailpit = mailpit::on(&place.ground, &Cache::open(None).unwrap(), &mut Quiet).await.unwrap();
    assert_eq!(mailpit.smtp().ip(), place.ground.addresses.node_ip);
    mailpit::on(&place.ground, &Cache::open(None).unwrap(), &mut Quiet).await.unwrap();
    mailpit::of(&place.ground).unwrap().mails("ada@x.test", "").await.unwrap();
}
