//! Operations of a worker, from claim to done, beside as many bare statements of the same kinds.

use std::time::Duration;

use anyhow::{Context as _, Result};
use e2e::control::Control;
use e2e::program::Program;
use e2e::statements::Statements;
use http::StatusCode;
use serde_json::json;
use tokio::time::Instant;

/// So many operations are timed.
const OPERATIONS: usize = 40;

/// What a statement does, as far as its price goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Begins a transaction.
    Begin,
    /// Ends it.
    Commit,
    /// Reads a row.
    Read,
    /// Writes one.
    Write,
}

impl Kind {
    fn of(summary: &str) -> Self {
        match summary.split_whitespace().next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "BEGIN" => Self::Begin,
            "COMMIT" | "ROLLBACK" => Self::Commit,
            "SELECT" => Self::Read,
            _ => Self::Write,
        }
    }

    const fn sql(self) -> &'static str {
        match self {
            Self::Begin => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Read => "SELECT * FROM operations WHERE id = $1",
            Self::Write => "UPDATE operations SET message = message WHERE id = $1",
        }
    }
}

/// A server that is paused and resumed in turn.
pub struct Work<'a> {
    control: &'a Control,
    program: Program,
    server: String,
}

impl<'a> Work<'a> {
    /// A server of its own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prepare(control: &'a Control) -> Result<Self> {
        let person = control.person("worker").await?;
        let program = control.program(&person).await?;
        let server = program.server(control, person.organization, "fish").await?;
        Ok(Self { control, program, server })
    }

    /// Asks for an operation and carries it out; the seconds that its runs took, without what lies between them.
    async fn one(&self, number: usize) -> Result<(String, Duration)> {
        sqlx::query("DELETE FROM rate_limits").execute(&self.control.workshop.platform.pool).await?;
        let path = format!("/instances/{}/{}", self.server, if number.is_multiple_of(2) { "pause" } else { "resume" });
        let body = number.is_multiple_of(2).then(|| json!({ "reason": "We move house." }));
        let asked = self.program.call("POST", &path, body.as_ref()).await?.expect(StatusCode::ACCEPTED)?;
        let id = asked.text("id").to_owned();
        let (mut took, workshop) = (Duration::ZERO, &self.control.workshop);
        let done = async {
            loop {
                let begin = Instant::now();
                if workshop.turn().await? {
                    took += begin.elapsed();
                } else if workshop.operation(id.parse()?).await?.course.state.is_final() {
                    return anyhow::Ok(());
                } else {
                    // What is observed beside this has its turn.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    workshop.skip().await?;
                }
            }
        };
        tokio::time::timeout(e2e::workshop::LIMIT, done).await.context("an operation does not end")??;
        Ok((id, took))
    }

    /// The statements of one operation.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn model(&self) -> Result<Vec<Kind>> {
        self.one(0).await?;
        let path = format!("/instances/{}/resume", self.server);
        self.program.call("POST", &path, None).await?.expect(StatusCode::ACCEPTED)?;
        let mut kinds = Vec::new();
        let workshop = &self.control.workshop;
        let open = "SELECT count(*) FROM operations WHERE state IN ('queued', 'running', 'waiting')";
        let done = async {
            while self.control.count(open).await? > 0 {
                let (statements, guard) = Statements::listen();
                let ran = workshop.turn().await?;
                drop(guard);
                if ran {
                    kinds.extend(statements.heard().iter().map(|one| Kind::of(&one.summary)));
                } else {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    workshop.skip().await?;
                }
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(e2e::workshop::LIMIT, done).await.context("an operation does not end")??;
        Ok(kinds)
    }

    /// Operations a second.
    ///
    /// # Errors
    /// When one does not end.
    pub async fn rate(&self) -> Result<f64> {
        let mut took = Duration::ZERO;
        for number in 0..OPERATIONS {
            took += self.one(number).await?.1;
        }
        Ok(OPERATIONS as f64 / took.as_secs_f64())
    }

    /// The same without a worker: as many statements of the same kinds, on one connection.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn bare(&self, model: &[Kind]) -> Result<f64> {
        let mut connection = self.control.workshop.platform.pool.acquire().await?;
        let id: uuid::Uuid =
            sqlx::query_scalar("SELECT id FROM operations LIMIT 1").fetch_one(&mut *connection).await?;
        let begin = Instant::now();
        for _ in 0..OPERATIONS {
            for kind in model {
                let query = sqlx::query(kind.sql());
                let query = if matches!(kind, Kind::Read | Kind::Write) { query.bind(id) } else { query };
                query.execute(&mut *connection).await?;
            }
        }
        Ok(OPERATIONS as f64 / begin.elapsed().as_secs_f64())
    }
}
