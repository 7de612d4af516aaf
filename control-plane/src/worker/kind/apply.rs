//! Telling a cell what a server should be now. A repeat writes the same or a newer wish.

use crd::condition;
use domain::operation::is_reached;
use names::Revision;

use super::super::ask::ask;
use super::super::{Done, Run, Stop};
use crate::store::instance::Instance;

/// Writes the wish and waits until it has been seen carried out.
///
/// # Errors
/// Why it is not done yet.
pub async fn run(run: &mut Run<'_>) -> Result<Done, Stop> {
    if !run.has_asked() {
        ask(run).await?;
        run.progress("apply", 0, "").await?;
    }
    let instance = run.instance().await?;
    reached(&instance, run.operation.revision)?;
    let tx = run.begin().await?;
    run.done(tx).await
}

/// Whether a wish has been carried out in full.
///
/// # Errors
/// To wait, and for what.
pub fn reached(instance: &Instance, wanted: Option<Revision>) -> Result<(), Stop> {
    let Some(wanted) = wanted else {
        return Err(Stop::fail("no-revision", "the wish it waits for has no number"));
    };
    if is_reached(wanted, instance.observed.revision) {
        return Ok(());
    }
    Err(waiting_for(instance))
}

/// What a server is waiting for, as its cell says.
#[must_use]
pub fn waiting_for(instance: &Instance) -> Stop {
    let said = |type_: &str| instance.observed.condition(type_);
    if let Some(refused) = said(condition::ACCEPTED).filter(|accepted| !accepted.is_true()) {
        return Stop::person("cell-refused", refused.message.clone());
    }
    if let Some(missing) = said(condition::IDENTITY_MISSING).filter(|missing| missing.is_true()) {
        return Stop::person("identity-missing", missing.message.clone());
    }
    if said(condition::PAUSED).is_some_and(condition_is_true) {
        return Stop::person("cell-paused", "the cell has been told to change nothing");
    }
    let message = said(condition::READY).filter(|ready| !ready.is_true()).map(|ready| ready.message.clone());
    Stop::news("cell-works", message.unwrap_or_default())
}

fn condition_is_true(condition: &crd::Condition) -> bool {
    condition.is_true()
}

#[cfg(test)]
mod tests {
    use super::super::super::wish::tests::instance;
    use super::*;

    fn seen(type_: &str, status: &str) -> Instance {
        let mut instance = instance();
        instance.observed.conditions = vec![crd::Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: "Why".to_owned(),
            message: "because".to_owned(),
            last_transition_time: instance.created_at,
            observed_generation: None,
        }];
        instance
    }

    fn reason(stop: &Stop) -> &str {
        match stop {
            Stop::Wait { reason, .. } | Stop::Retry { reason, .. } | Stop::Fail { reason, .. } => reason,
            Stop::Lost | Stop::GivenUp => "",
        }
    }

    #[test]
    fn it_ends_when_its_wish_or_a_later_one_was_carried_out() {
        let mut instance = instance();
        assert!(reached(&instance, Some(Revision(4))).is_err());
        instance.observed.revision = Some(Revision(3));
        assert!(reached(&instance, Some(Revision(4))).is_err());
        instance.observed.revision = Some(Revision(5));
        assert_eq!(reached(&instance, Some(Revision(4))), Ok(()));
        assert!(matches!(reached(&instance, None), Err(Stop::Fail { .. })));
    }

    #[test]
    fn why_it_waits() {
        for (type_, status, word) in [
            ("Accepted", "False", "cell-refused"),
            ("IdentityMissing", "True", "identity-missing"),
            ("Paused", "True", "cell-paused"),
            ("Ready", "False", "cell-works"),
            ("Ready", "True", "cell-works"),
        ] {
            assert_eq!(reason(&waiting_for(&seen(type_, status))), word, "{type_} {status}");
        }
    }
}
