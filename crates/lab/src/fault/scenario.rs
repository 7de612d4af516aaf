//! What an operator is put through.

use std::any::Any;
use std::collections::BTreeSet;

use anyhow::Result;
use kube::Client;
use kube::api::ObjectMeta;

use super::life::Program;
use super::log::Log;
use super::mask::Mask;
use super::objects::Kind;
use super::plan::Plan;
use super::proxy::{Horizon, Mischief};
use crate::light::Light;

/// The label that keeps runs apart on a shared ground.
pub const LABEL: &str = "steppe.host/run";

/// One run of a scenario, with names of its own.
pub struct Run {
    /// The ground.
    pub light: &'static Light,
    /// A client with all rights that does not go through the proxy.
    pub client: Client,
    /// Unique in this process, of fixed length, good in names: `r0042x`.
    pub id: String,
    /// What goes wrong in it.
    pub plan: Plan,
}

impl Run {
    /// A name of this run: `r0042x-<base>`.
    pub fn name(&self, base: &str) -> String {
        format!("{}-{base}", self.id)
    }

    /// The label that objects of this run carry, if the operator takes a selector: key and value.
    pub fn label(&self) -> (&'static str, &str) {
        (LABEL, &self.id)
    }

    /// The selector for [`Run::label`].
    pub fn selector(&self) -> String {
        format!("{LABEL}={}", self.id)
    }

    /// Makes names of this run equal to those of another.
    pub fn mask(&self) -> Mask {
        Mask::default().replace(&self.id, "RUN")
    }
}

/// What an operator is put through: made once, run many times, each time in a [`Run`] of its own.
pub trait Scenario: Send + Sync + 'static {
    /// Makes what must be there before the operator starts. What is returned is kept until the run is over, such as a
    /// running [`crate::light::StatusDouble`].
    fn setup(&self, run: &Run) -> impl Future<Output = Result<Box<dyn Any + Send>>>;

    /// The operator's token.
    fn token(&self, run: &Run) -> impl Future<Output = Result<String>>;

    /// The operator.
    fn program(&self, run: &Run) -> Program;

    /// What the operator sees of the whole cluster; all of it by default.
    fn horizon(&self, _run: &Run) -> Option<Horizon> {
        None
    }

    /// What its plans' [`super::Action::Mischief`] does.
    fn mischief(&self, _run: &Run) -> Option<Mischief> {
        None
    }

    /// The namespaces of its objects; none for all of the ground, which costs more the more runs there were.
    fn namespaces(&self, _run: &Run) -> Vec<String> {
        Vec::new()
    }

    /// How many steps there are.
    fn steps(&self) -> usize {
        1
    }

    /// Does step `step`, counted from 0: what a user of the operator would do.
    fn drive(&self, run: &Run, step: usize) -> impl Future<Output = Result<()>>;

    /// Whether the operator has done all that step `step` asks for. An error is "not yet", with the reason.
    fn settled(&self, run: &Run, step: usize) -> impl Future<Output = Result<bool>>;

    /// Kinds to compare beside those that the operator writes.
    fn kinds(&self) -> BTreeSet<Kind> {
        BTreeSet::new()
    }

    /// Whether an object belongs to the run.
    fn owns(&self, run: &Run, object: &ObjectMeta) -> bool {
        [&object.namespace, &object.name].into_iter().flatten().any(|name| name.contains(&run.id))
    }

    /// Whether a field (object as in [`super::Objects::names`], JSON pointer) may differ from the clean run and may move by
    /// itself.
    fn ignores(&self, _object: &str, _pointer: &str) -> bool {
        false
    }

    /// What is wrong beyond what the harness compares.
    fn wrong(&self, _run: &Run, _log: &Log) -> impl Future<Output = Result<Vec<String>>> {
        async { Ok(Vec::new()) }
    }

    /// Removes what would burden the ground for later runs. The guard of `setup` is still kept.
    fn teardown(&self, _run: &Run) -> impl Future<Output = Result<()>> {
        async { Ok(()) }
    }
}
