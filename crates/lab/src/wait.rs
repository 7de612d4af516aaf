//! Waiting for a condition instead of for time to pass.

use std::fmt;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

/// First pause between two looks; doubled up to [`SLOWEST`].
const FASTEST: Duration = Duration::from_millis(25);
/// Longest pause between two looks.
const SLOWEST: Duration = Duration::from_millis(200);

/// An answer that waiting longer cannot better, such as "the process has ended". Returned as the error of a look, it
/// ends [`until`] at once.
#[derive(Debug)]
pub struct GiveUp(pub String);

impl fmt::Display for GiveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GiveUp {}

/// Looks until there is an answer. `look` says `Some` when the condition holds, `None` when it does not yet; an error
/// counts as "not yet" and is remembered, except [`GiveUp`]. When `limit` is over, the error names `what` was waited
/// for and the last answer. A look that hangs is cut at the limit.
pub async fn until<T>(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + limit;
    let mut pause = FASTEST;
    let mut last = String::from("no answer yet");
    loop {
        match tokio::time::timeout_at(deadline, look()).await {
            Ok(Ok(Some(answer))) => return Ok(answer),
            Ok(Ok(None)) => last = String::from("not yet"),
            Ok(Err(error)) if error.is::<GiveUp>() => {
                return Err(error.context(format!("gave up waiting for {what}")));
            }
            Ok(Err(error)) => last = format!("{error:#}"),
            Err(_) => last = format!("{last}; the next look did not end in time"),
        }
        if Instant::now() + pause >= deadline {
            bail!("{what}: not so after {:.1} s; last answer: {last}", limit.as_secs_f64());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(SLOWEST);
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[tokio::test]
    async fn the_first_answer_ends_the_wait() {
        let mut looks = 0;
        let answer = until("the third look", Duration::from_secs(5), async || {
            looks += 1;
            Ok((looks == 3).then_some(looks))
        });
        assert_eq!(answer.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_time_out_names_the_wish_and_the_last_answer() {
        let answer = until("the node to be Ready", Duration::from_millis(150), async || {
            Err::<Option<()>, _>(anyhow!("refused"))
        });
        let text = format!("{:#}", answer.await.unwrap_err());
        assert!(text.contains("the node to be Ready") && text.contains("refused"), "{text}");
    }

    #[tokio::test]
    async fn a_hanging_look_is_cut() {
        let answer = until("an end", Duration::from_millis(100), async || {
            std::future::pending::<()>().await;
            Ok(Some(()))
        });
        assert!(format!("{:#}", answer.await.unwrap_err()).contains("did not end in time"));
    }

    #[tokio::test]
    async fn giving_up_does_not_wait() {
        let begin = Instant::now();
        let answer =
            until("etcd", Duration::from_secs(60), async || Err::<Option<()>, _>(GiveUp("it died".into()).into()));
        assert!(format!("{:#}", answer.await.unwrap_err()).contains("it died"));
        assert!(begin.elapsed() < Duration::from_secs(1));
    }
}
