//! What the control plane's programs take of memory when nobody asks anything of them.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use age::secrecy::ExposeSecret as _;
use anyhow::{Context as _, Result, ensure};
use lab::cache::Cache;
use lab::postgres::Postgres;
use lab::process::beside;
use lab::wait;
use tokio::process::{Child, Command};

use crate::frame::Figure;
use crate::machine::{self, mebibytes};

/// A deadline, not a measure.
const LIMIT: Duration = Duration::from_secs(60);

/// Starts both on an empty database and asks the kernel once they answer.
///
/// # Errors
/// When one does not come up.
pub async fn measure(cache: &Cache, postgres: &Postgres) -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(cache.root())?;
    let ports = [port()?, port()?, port()?];
    let config = configuration(folder.path(), &postgres.database("bench_idle").await?, ports)?;
    let done = start(&config, "migrate", folder.path())?.wait().await?;
    ensure!(done.success(), "steppe migrate: {}", said(folder.path(), "migrate"));
    let (server, worker) = (start(&config, "server", folder.path())?, start(&config, "worker", folder.path())?);
    let pages = [format!("http://127.0.0.1:{}/log-in", ports[0]), format!("http://127.0.0.1:{}/readyz", ports[2])];
    for (name, page) in ["server", "worker"].into_iter().zip(pages) {
        let answers = async || Ok(reqwest::get(&page).await?.error_for_status().map(|_| Some(()))?);
        wait::until(&format!("{page} to answer"), LIMIT, answers).await.with_context(|| said(folder.path(), name))?;
    }
    let memory = |child: &Child| machine::memory(&child.id().context("it has ended")?.to_string());
    let (server, worker) = (memory(&server)?, memory(&worker)?);
    let figure = |what: &str, bytes| Figure::of(what, "MiB", vec![mebibytes(bytes)]);
    Ok(vec![figure("resident, `steppe server` idle", server.now), figure("resident, `steppe worker` idle", worker.now)])
}

fn port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn configuration(folder: &Path, database: &str, ports: [u16; 3]) -> Result<std::path::PathBuf> {
    let path = |name: &str| folder.join(name).display().to_string();
    fs::write(folder.join("key"), age::x25519::Identity::generate().to_string().expose_secret())?;
    fs::create_dir(folder.join("cells"))?;
    let [listen, staff, worker] = ports.map(|port| format!("127.0.0.1:{port}"));
    let lines = [
        ("database-url", database.to_owned()),
        ("key-file", path("key")),
        ("cells-dir", path("cells")),
        ("url", "https://steppe.example".to_owned()),
        ("support", "help@steppe.example".to_owned()),
        ("listen", listen),
        ("staff-listen", staff),
        ("worker-listen", worker),
    ];
    let text: String = lines.iter().map(|(name, value)| format!("{name} = {value:?}\n")).collect();
    let file = folder.join("steppe.toml");
    fs::write(&file, text)?;
    Ok(file)
}

fn start(config: &Path, word: &str, folder: &Path) -> Result<Child> {
    let log = fs::File::create(folder.join(format!("{word}.log")))?;
    let mut command = Command::new(beside("steppe")?);
    command.arg("--config").arg(config).arg(word).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.kill_on_drop(true).spawn().with_context(|| format!("cannot run steppe {word}"))
}

fn said(folder: &Path, word: &str) -> String {
    fs::read_to_string(folder.join(format!("{word}.log"))).unwrap_or_default()
}
