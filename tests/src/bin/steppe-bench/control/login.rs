//! How long a log-in that fails takes for an address with an account, beside one without: it must not tell them apart.

use anyhow::Result;
use e2e::control::Control;
use http::StatusCode;
use tokio::time::Instant;

/// Milliseconds until the answer.
///
/// # Errors
/// When it is another answer than "wrong".
pub async fn refused(control: &Control, email: &str) -> Result<f64> {
    sqlx::query("DELETE FROM rate_limits").execute(&control.workshop.platform.pool).await?;
    let mut browser = control.browser();
    let begin = Instant::now();
    let answer = browser.post("/log-in", &[("email", email), ("password", "another heron entirely")]).await?;
    let took = begin.elapsed().as_secs_f64() * 1000.0;
    answer.expect(StatusCode::UNPROCESSABLE_ENTITY)?;
    Ok(took)
}
