//! A story as the harness wants it: a place for each run, an operator that can be killed, and what must hold in the end.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use futures::FutureExt as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use lab::fault::{Action, Horizon, Log, Mischief, Plan, Program, Run, Scenario, THEFT};
use operator::metrics::Metrics;
use operator::{Config, Deps};
use tokio_util::sync::CancellationToken;

use super::place::{Nodes, Place, horizon, server, space, system, token};
use super::plant::Plant;
use super::{rules, theft};

/// What the operator is put through.
pub trait Story: Send + Sync + 'static {
    /// One word.
    fn name(&self) -> &'static str;

    /// Who runs Jobs.
    fn nodes(&self) -> Nodes {
        Nodes::Births
    }

    /// Makes what is there before it begins.
    fn begin(&self, place: &Place) -> impl Future<Output = Result<()>>;

    /// How many steps there are.
    fn steps(&self) -> usize {
        1
    }

    /// Does step `step`, counted from 0: what a person does.
    fn drive(&self, place: &Place, step: usize) -> impl Future<Output = Result<()>>;

    /// Whether all that step `step` asks for has been done.
    fn settled(&self, place: &Place, step: usize) -> impl Future<Output = Result<bool>>;

    /// What else is wrong in the end.
    fn wrong(&self, _place: &Place) -> impl Future<Output = Result<Vec<String>>> {
        async { Ok(Vec::new()) }
    }
}

/// A story for the harness.
pub struct Scene<S> {
    story: S,
    plant: Option<Plant>,
    places: Mutex<BTreeMap<String, Arc<Place>>>,
}

impl<S: Story> Scene<S> {
    /// The story with the operator as it is.
    pub fn new(story: S) -> Self {
        Self { story, plant: None, places: Mutex::default() }
    }

    /// The story with a fault planted into the operator.
    pub fn planted(story: S, plant: Plant) -> Self {
        Self { plant: Some(plant), ..Self::new(story) }
    }

    fn place(&self, run: &Run) -> Result<Arc<Place>> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.get(&run.id).cloned().with_context(|| format!("there is no place for {}", run.id))
    }
}

/// One operator; returns only when it fails.
async fn operate(place: Arc<Place>, config: kube::Config, plant: Option<Plant>, elect: bool) -> Result<()> {
    let seat = place.seats.take();
    let metrics = Metrics::default();
    let planted = plant.map(|plant| plant.at_work(place.store.clone()));
    let client = match &planted {
        Some(planted) => planted.client(config, &metrics)?,
        None => operator::client(config, &metrics)?,
    };
    let deps = place.deps(client);
    let store = planted.map_or(deps.store.clone(), |planted| Arc::new(planted));
    let config = Config {
        replica: seat.name().to_owned(),
        leader_elect: elect,
        grants_listen: seat.address(),
        ..deps.config.clone()
    };
    operator::run(Deps { config, metrics, store, ..deps }, CancellationToken::new()).await?;
    bail!("the operator ended without being told to")
}

/// Whether the operators of a plan elect a leader. Where none is elected, all lead.
fn elects(plan: &Plan) -> bool {
    plan.faults.iter().any(|fault| matches!(&fault.action, Action::Mischief { what } if what == THEFT))
}

impl<S: Story> Scenario for Scene<S> {
    async fn setup(&self, run: &Run) -> Result<Box<dyn Any + Send>> {
        let place = Arc::new(Place::open(run, self.story.nodes()).await?);
        self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(run.id.clone(), place.clone());
        self.story.begin(&place).await?;
        Ok(Box::new(()))
    }

    async fn token(&self, run: &Run) -> Result<String> {
        token(run.light).await
    }

    fn program(&self, run: &Run) -> Program {
        let (place, plant, elect) = (self.place(run).ok(), self.plant, elects(&run.plan));
        Arc::new(move |config| {
            let place = place.clone();
            async move { operate(place.context("no place")?, config, plant, elect).await }.boxed()
        })
    }

    fn horizon(&self, run: &Run) -> Option<Horizon> {
        Some(horizon(&run.id))
    }

    fn mischief(&self, run: &Run) -> Option<Mischief> {
        let (client, namespace) = (run.client.clone(), system(&run.id));
        Some(Box::new(move |_| theft::steal(client.clone(), namespace.clone()).boxed()))
    }

    fn namespaces(&self, run: &Run) -> Vec<String> {
        // In the operator's own, creates are counted.
        vec![space(&run.id)]
    }

    fn steps(&self) -> usize {
        self.story.steps()
    }

    async fn drive(&self, run: &Run, step: usize) -> Result<()> {
        self.story.drive(&*self.place(run)?, step).await
    }

    async fn settled(&self, run: &Run, step: usize) -> Result<bool> {
        self.story.settled(&*self.place(run)?, step).await
    }

    fn owns(&self, run: &Run, object: &ObjectMeta) -> bool {
        let named = [&object.namespace, &object.name].into_iter().flatten().any(|name| name.contains(&run.id));
        let labels = object.labels.as_ref();
        named || labels.and_then(|labels| labels.get(crd::labels::INSTANCE)) == Some(&server(&run.id))
    }

    fn ignores(&self, object: &str, pointer: &str) -> bool {
        rules::is_drawn(object, pointer)
    }

    async fn wrong(&self, run: &Run, log: &Log) -> Result<Vec<String>> {
        let place = self.place(run)?;
        let mut wrong = rules::broken_by_requests(&log.records());
        wrong.extend(rules::broken_by_objects(&place).await?);
        wrong.extend(self.story.wrong(&place).await?);
        Ok(wrong)
    }

    async fn teardown(&self, run: &Run) -> Result<()> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).remove(&run.id);
        Ok(())
    }
}
