//! The Job of a piece of work, as the caches have it.

use crd::labels;

use super::{ATTEMPT, live, pod};
use crate::cache::{Ended, Seen};
use crate::context::Context;
use crate::error::Error;
use crate::job::outcome::{self, Failure, IDENTITY, REFUSED};
use crate::kind::Kind;

/// The Job of a piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Which attempt of the work it is.
    pub attempt: u32,
    /// Whether its deletion has been asked for.
    pub deleting: bool,
    /// Whether it ended well, and all its pods have ended.
    pub complete: bool,
    /// Why it was given up, if it was.
    pub failed: Option<String>,
    /// How the newest of its pods ended.
    pub ended: Option<Ended>,
    /// Why its newest pod cannot start.
    pub waiting: Option<String>,
}

impl Job {
    /// Finds it. When it is over and the caches do not say yet how its pod ended, the API is asked.
    ///
    /// # Errors
    /// What the API server says.
    pub async fn find(context: &Context, instance: &str, work_uid: &str, role: &str) -> Result<Option<Self>, Error> {
        let Some(mut job) = Self::cached(context, instance, work_uid, role) else {
            return Ok(None);
        };
        let over = job.complete || job.failed.is_some();
        if over && job.ended.is_none() && !job.deleting {
            let namespace = context.config.namespace(instance);
            job.ended = live::work_ended(&context.client, &namespace, work_uid, role).await?;
        }
        Ok(Some(job))
    }

    fn cached(context: &Context, instance: &str, work_uid: &str, role: &str) -> Option<Self> {
        let namespace = context.config.namespace(instance);
        let owned = &context.caches.owned;
        let held = owned.get(instance, Kind::Job, Some(&namespace), &pod::job_name(role, work_uid))?;
        let Seen::Job { complete, ended_at, message } = &held.seen else {
            return None;
        };
        let mut pods = owned.of(instance);
        pods.retain(|pod| pod.kind == Kind::Pod && pod.label(labels::WORK_UID) == Some(work_uid));
        let created = |seen: &Seen| {
            if let Seen::Pod { created, .. } = seen { *created } else { None }
        };
        let newest = pods.iter().max_by_key(|pod| created(&pod.seen));
        let (ended, waiting) = match newest.map(|pod| &pod.seen) {
            Some(Seen::Pod { ended, waiting, .. }) => (ended.iter().find(|end| end.container == role), waiting.clone()),
            Some(_) | None => (None, None),
        };
        Some(Self {
            name: held.name.clone(),
            uid: held.uid.clone(),
            attempt: held.label(ATTEMPT).and_then(|text| text.parse().ok()).unwrap_or(1),
            deleting: held.deleting,
            complete: *complete,
            failed: ended_at.filter(|_| !complete).map(|_| message.clone()),
            ended: ended.cloned(),
            waiting,
        })
    }

    /// What its pod said when it failed, if trying again is useless.
    #[must_use]
    pub fn lasting_failure(&self) -> Option<Failure> {
        let end = self.ended.as_ref()?;
        let lasting = [REFUSED, IDENTITY].iter().any(|code| i64::from(*code) == end.code);
        outcome::parse::<serde_json::Value>(&end.message).err().filter(|_| lasting)
    }

    /// Why it failed, in words.
    #[must_use]
    pub fn why(&self) -> String {
        let told = self
            .ended
            .as_ref()
            .filter(|end| end.code != 0)
            .and_then(|end| outcome::parse::<serde_json::Value>(&end.message).err());
        match (told, &self.failed) {
            (Some(failure), _) => failure.message,
            (None, Some(message)) if !message.is_empty() => message.clone(),
            (None, Some(_) | None) => "it ended without saying what it did".to_owned(),
        }
    }
}
