//! Telling open pages that something is new: server-sent events, one for each fact of an organization that the page is about.
//! The page then fetches itself again, so that there is one way in which it is made.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use domain::Topic;
use domain::id::{InstanceId, OrderId, OrganizationId};
use futures::stream::{self, Stream};
use http::HeaderMap;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::Problem;
use crate::platform::Platform;
use crate::store;
use crate::store::outbox::Fact;

/// A comment goes over the line this often, so that whoever is between us and the browser does not end it.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// After so long the browser asks anew, and whether it still may is looked at.
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// What a page says of time gets old though nothing happens: it is told to look again this often.
const GLANCE: Duration = Duration::from_secs(60);
/// How many facts are read at once.
const FACTS: i64 = 100;

/// What a page is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    /// A server.
    Instance(InstanceId),
    /// An order, and the waitlist it may be in.
    Order(OrderId, Option<InstanceId>),
}

/// From where on a page wants to be told: what it showed when it was made.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct From {
    after: i64,
}

struct State {
    platform: Arc<Platform>,
    organization: OrganizationId,
    subject: Subject,
    seq: i64,
    found: VecDeque<Event>,
    beats: watch::Receiver<u64>,
    closed: CancellationToken,
    glance: Instant,
    until: Instant,
}

/// Answers with the facts after the last one that the browser had.
///
/// # Errors
/// None: what cannot be read later ends the stream, and the browser asks again.
pub async fn follow(
    platform: Arc<Platform>,
    organization: OrganizationId,
    subject: Subject,
    from: &From,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let state = State {
        organization,
        subject,
        seq: last.unwrap_or(from.after),
        found: VecDeque::new(),
        beats: platform.live.listen(&platform.pool).await,
        closed: platform.live.closed(),
        glance: Instant::now() + GLANCE,
        until: Instant::now() + LONGEST,
        platform,
    };
    let beat = KeepAlive::new().interval(HEARTBEAT).text("beat");
    Ok(Sse::new(events(state)).keep_alive(beat).into_response())
}

fn events(state: State) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(state, |mut state| async move {
        loop {
            if let Some(event) = state.found.pop_front() {
                return Some((Ok(event), state));
            }
            state.beats.mark_unchanged();
            if let Err(problem) = state.look().await {
                problem.log("live");
                return None;
            }
            if state.found.is_empty() {
                tokio::select! {
                    () = state.closed.cancelled() => return None,
                    () = tokio::time::sleep_until(state.until) => return None,
                    () = tokio::time::sleep_until(state.glance) => state.glance(),
                    changed = state.beats.changed() => changed.ok()?,
                }
            }
        }
    })
}

impl State {
    /// Not a fact, so without an id: who asks anew goes on after the last fact.
    fn glance(&mut self) {
        self.glance += GLANCE;
        self.found.push_back(Event::default().event("news").data("time"));
    }

    async fn look(&mut self) -> Result<(), Problem> {
        let mut connection = self.platform.pool.acquire().await?;
        let facts = store::outbox::after(&mut connection, self.seq, Some(self.organization), FACTS).await?;
        for fact in facts {
            self.seq = fact.seq;
            if is_about(&fact, self.subject) {
                self.found.push_back(Event::default().id(fact.seq.to_string()).event("news").data(fact.topic));
            }
        }
        Ok(())
    }
}

fn is_about(fact: &Fact, subject: Subject) -> bool {
    let told = fact.topic.parse().is_ok_and(Topic::is_for_customers);
    let same = |instance: InstanceId| fact.about.instance == Some(instance);
    told && match subject {
        Subject::Instance(instance) => same(instance),
        Subject::Order(order, instance) => {
            instance.is_some_and(same) || fact.payload.get("order").is_some_and(|id| *id == order.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::store::outbox::About;

    #[test]
    fn pages_are_told_what_is_theirs_and_nothing_that_is_for_staff() {
        let id = |byte| InstanceId::new(Timestamp::UNIX_EPOCH, [byte; 10]);
        let order = OrderId::new(Timestamp::UNIX_EPOCH, [3; 10]);
        let fact = |topic: &str, instance: Option<InstanceId>| Fact {
            seq: 1,
            topic: topic.to_owned(),
            about: About { instance, ..About::default() },
            payload: json!({ "order": order }),
            at: Timestamp::UNIX_EPOCH,
        };
        let mine = Subject::Instance(id(1));
        assert!(is_about(&fact("operation", Some(id(1))), mine));
        assert!(!is_about(&fact("operation", Some(id(2))), mine));
        assert!(!is_about(&fact("alarm", Some(id(1))), mine));
        assert!(!is_about(&fact("a topic of a newer version", Some(id(1))), mine));
        assert!(is_about(&fact("order", None), Subject::Order(order, None)));
        let other = OrderId::new(Timestamp::UNIX_EPOCH, [4; 10]);
        assert!(!is_about(&fact("order", None), Subject::Order(other, None)));
        assert!(is_about(&fact("operation", Some(id(1))), Subject::Order(other, Some(id(1)))));
    }
}
