//! Starts a light ground (or PostgreSQL, when told so), tells of it and dies without cleaning up. Tests run this to see
//! that nothing stays behind.

use anyhow::{Context as _, Result};
use lab::cache::Cache;
use lab::light::Light;
use lab::postgres::{Durability, Postgres};

#[tokio::main]
#[allow(clippy::print_stdout)] // Read by the test.
async fn main() -> Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cache = Cache::open(None)?;
    if std::env::args().nth(1).as_deref() == Some("postgres") {
        let postgres = Postgres::start(&cache, Durability::Throwaway).await?;
        let (process, folder) = postgres.process().context("a server without a process")?;
        println!("{process} {}", folder.display());
        std::process::abort();
    }
    let light = Light::start(&cache).await?;
    let folder = light.kubeconfig().parent().context("a kubeconfig without a folder")?.display().to_string();
    println!("{folder} {:?}", light.processes());
    std::process::abort();
}
