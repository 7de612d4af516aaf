//! Starts a light ground, tells of it and dies without cleaning up. A test of the light ground runs this to see that
//! nothing stays behind.

use anyhow::{Context as _, Result};
use lab::cache::Cache;
use lab::light::Light;

#[tokio::main]
#[allow(clippy::print_stdout)] // Read by the test.
async fn main() -> Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let light = Light::start(&Cache::open(None)?).await?;
    let folder = light.kubeconfig().parent().context("a kubeconfig without a folder")?.display().to_string();
    println!("{folder} {:?}", light.processes());
    std::process::abort();
}
