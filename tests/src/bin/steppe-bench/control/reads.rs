//! Reads of the API over HTTP, beside `pgbench -S` of the same server.

use anyhow::{Context as _, Result, ensure};
use domain::id::OrganizationId;
use domain::scope::Scope;
use e2e::control::{Control, Person};
use e2e::program::Served;
use e2e::statements::Statements;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use lab::postgres::Postgres;
use tokio::process::Command;
use tokio::time::Instant;

/// So many reads are timed.
const READS: usize = 1_500;
/// So many are made with one token, whose share is 300.
const EACH: usize = 250;
/// Servers in the list.
const SERVERS: usize = 10;
/// For so many seconds `pgbench` runs.
const SECONDS: &str = "2";

/// A control plane that is read.
pub struct Reads<'a> {
    control: &'a Control,
    person: Person,
    served: Served,
    http: reqwest::Client,
    pgbench: std::path::PathBuf,
    database: String,
    /// The path of a server.
    pub server: String,
    /// The path of the list of servers.
    pub list: String,
}

impl<'a> Reads<'a> {
    /// Serves a control plane with some servers, and fills what `pgbench` reads.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prepare(control: &'a Control, postgres: &Postgres) -> Result<Self> {
        let person = control.person("reader").await?;
        let program = control.program(&person).await?;
        sqlx::query("UPDATE organizations SET server_limit = 1000").execute(&control.workshop.platform.pool).await?;
        let mut server = String::new();
        for number in 0..SERVERS {
            // One share is for as many orders as somebody makes by hand.
            sqlx::query("DELETE FROM rate_limits").execute(&control.workshop.platform.pool).await?;
            server = program.server(control, person.organization, &format!("birds-{number}")).await?;
        }
        let (pgbench, database) = (postgres.tool("pgbench")?, postgres.database("bench_pgbench").await?);
        let done = Command::new(&pgbench).args(["-i", "-q", &database]).kill_on_drop(true).output().await?;
        ensure!(done.status.success(), "pgbench -i: {}", String::from_utf8_lossy(&done.stderr));
        let list = format!("/organizations/{}/instances", person.organization);
        let served = control.serve().await?;
        let http = reqwest::Client::new();
        Ok(Self { control, person, served, http, pgbench, database, server: format!("/instances/{server}"), list })
    }

    async fn token(&self) -> Result<String> {
        let scopes = Scope::ALL.iter().copied().collect();
        let organization: OrganizationId = self.person.organization;
        self.control.token(self.person.account, organization, &scopes).await
    }

    /// How many statements a read takes. The first one of a token is left out: it notes that the token was used.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn statements(&self, path: &str) -> Result<usize> {
        let program = self.control.program(&self.person).await?;
        program.get(path).await?;
        let (statements, guard) = Statements::listen();
        program.get(path).await?;
        drop(guard);
        Ok(statements.heard().len())
    }

    /// Reads a second, so many at once.
    ///
    /// # Errors
    /// When one is refused.
    pub async fn rate(&self, path: &str, at_once: usize) -> Result<f64> {
        let mut tokens = Vec::new();
        for _ in 0..READS.div_ceil(EACH) {
            tokens.push(self.token().await?);
        }
        let url = format!("{}/v1{path}", self.served.url);
        let begin = Instant::now();
        let all = stream::iter((0..READS).map(|number| {
            let request = self.http.get(&url).bearer_auth(&tokens[number % tokens.len()]);
            async move { anyhow::Ok(request.send().await?.error_for_status()?.bytes().await?.len()) }
        }));
        all.buffer_unordered(at_once).try_for_each(async |_| Ok(())).await?;
        Ok(READS as f64 / begin.elapsed().as_secs_f64())
    }

    /// Selects a second, so many at once.
    ///
    /// # Errors
    /// When the program fails or says something else.
    pub async fn pgbench(&self, at_once: usize) -> Result<f64> {
        let clients = at_once.to_string();
        let done = Command::new(&self.pgbench)
            .args(["-n", "-S", "-M", "prepared", "-T", SECONDS, "-c", &clients, "-j", "2", &self.database])
            .kill_on_drop(true)
            .output()
            .await?;
        let said = String::from_utf8_lossy(&done.stdout);
        ensure!(done.status.success(), "pgbench: {}", String::from_utf8_lossy(&done.stderr));
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.with_context(|| format!("pgbench says no rate: {said}"))
    }
}
