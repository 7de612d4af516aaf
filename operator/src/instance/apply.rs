//! Fourth step: carry out a plan. The order is that of what depends on what: bounds before pods, the 503 page before a
//! stop, the record of an identity before a start.

use std::sync::Arc;

use crd::{Instance, labels};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use super::observe::{self, Observed, names};
use super::plan::{Birth, NamespacePlan, Plan, ProbePlan, RUNNING, Record};
use super::power::{Missing, Power};
use super::resources::volume;
use super::validate::Wish;
use crate::apply::{Object, Written};
use crate::cache::Held;
use crate::context::Context;
use crate::error::{Error, Step};

/// How many objects of one instance are written at once.
const AT_ONCE: usize = 6;

/// What became of a plan.
#[derive(Debug)]
pub struct Applied {
    /// The instance as it is after it got its finalizer; none when it had one.
    pub held: Option<Arc<Instance>>,
    /// The wish.
    pub wish: Wish,
    /// Whether anything was written: then what was observed is no longer how things are.
    pub changed: bool,
    /// What to write into the status about a birth.
    pub record: Option<Record>,
    /// What the birth waits for.
    pub birth: Option<(&'static str, String)>,
    /// What the server should do.
    pub power: Power,
    /// What is missing of its identity.
    pub missing: Option<Missing>,
    /// What is about to be missing of it, or cannot be seen.
    pub doubt: Option<Missing>,
}

/// Carries out a plan.
///
/// # Errors
/// What the API server or the object store says. Everything up to there has been written; a repeat goes on.
pub async fn apply(context: &Context, seen: &Observed, plan: Plan) -> Result<Applied, Error> {
    let Plan {
        wish,
        hold,
        namespace,
        bounds,
        surroundings,
        ingress,
        birth,
        claim,
        volume,
        server,
        prune,
        probe,
        power,
        missing,
        doubt,
    } = plan;
    let mut work = Work { context, seen, changed: false };
    let held = if hold { Some(Arc::new(work.hold().await?)) } else { None };
    work.namespace(namespace).await?;
    // A stop must not fail because something about the bounds does; a start must.
    let bounded = work.all(bounds).await;
    let surrounded = work.all(surroundings).await;
    let routed = work.one(ingress).await;
    if !power.is_on()
        && let Some(server) = &server
    {
        work.one(server.clone()).await?;
    }
    bounded?;
    surrounded?;
    routed?;
    work.all(claim.into_iter().chain(volume).collect()).await?;
    let (record, waits) = work.birth(&wish, birth).await?;
    if power.is_on()
        && let Some(server) = server
    {
        work.one(server).await?;
    }
    for held in prune {
        work.changed |= context.writer.delete(&held).await? == Written::Changed;
    }
    match probe {
        ProbePlan::Watch(probed) => context.probes.watch(&wish.uid, *probed),
        ProbePlan::Leave => {}
        ProbePlan::Forget => context.probes.forget(&wish.uid),
    }
    Ok(Applied { held, changed: work.changed, record, birth: waits, power, missing, doubt, wish })
}

struct Work<'a> {
    context: &'a Context,
    seen: &'a Observed,
    changed: bool,
}

impl Work<'_> {
    fn held(&self, object: &Object) -> Option<&Held> {
        self.seen.find(object.kind, &object.name).map(|held| &**held)
    }

    async fn one(&mut self, object: Object) -> Result<(), Error> {
        let written = self.context.writer.apply(object.clone(), self.held(&object)).await?;
        self.changed |= written == Written::Changed;
        Ok(())
    }

    async fn all(&mut self, objects: Vec<Object>) -> Result<(), Error> {
        let writes = objects.into_iter().map(|object| {
            let held = self.held(&object);
            self.context.writer.apply(object, held)
        });
        let written: Vec<Written> = stream::iter(writes).buffer_unordered(AT_ONCE).try_collect().await?;
        self.changed |= written.contains(&Written::Changed);
        Ok(())
    }

    /// Puts the finalizer on the instance, over exactly the version that was seen.
    async fn hold(&mut self) -> Result<Instance, Error> {
        let instance = &self.seen.instance;
        let name = instance.name_any();
        let mut finalizers = instance.finalizers().to_vec();
        finalizers.push(labels::KEEP_FINALIZER.to_owned());
        let patch = json!({ "metadata": {
            "uid": instance.uid(),
            "resourceVersion": instance.resource_version(),
            "finalizers": finalizers,
        }});
        let api: Api<Instance> = Api::all(self.context.client.clone());
        let held = api
            .patch(&name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .map_err(|error| Error::kube(Step::Apply, format!("holding Instance {name}"), error))?;
        self.changed = true;
        Ok(held)
    }

    async fn namespace(&mut self, plan: NamespacePlan) -> Result<(), Error> {
        match plan {
            NamespacePlan::Apply(object) => self.one(object).await,
            NamespacePlan::Create(object) => {
                let doing = format!("creating {object}");
                self.changed = true;
                match self.context.writer.create(object).await? {
                    Some(_) => Ok(()),
                    None => Err(Error {
                        stale: true,
                        ..Error::new(Step::Apply, doing, "it exists by now; looking whose it is")
                    }),
                }
            }
        }
    }

    async fn birth(
        &mut self,
        wish: &Wish,
        birth: Birth,
    ) -> Result<(Option<Record>, Option<(&'static str, String)>), Error> {
        match birth {
            Birth::Over => Ok((None, None)),
            Birth::Restore(record) => Ok((Some(*record), None)),
            Birth::Begin(job) => {
                self.secret(wish).await?;
                self.context.writer.create(*job).await?;
                self.changed = true;
                Ok((None, Some(("BirthRunning", RUNNING.to_owned()))))
            }
            Birth::Wait { reason, message } => Ok((None, Some((reason, message)))),
            Birth::Again { message } => Ok((None, Some(("BirthRepeated", message)))),
            Birth::Finish(record) => {
                self.escrow(&record).await?;
                Ok((Some(*record), None))
            }
        }
    }

    /// Makes the identity Secret. One that is there stays as it is, whoever made it.
    async fn secret(&mut self, wish: &Wish) -> Result<(), Error> {
        let context = self.context;
        let known = context.instances.secret(&wish.uid, context.config.identity_check);
        if let Some(Some(_)) = known {
            return Ok(());
        }
        let mut id = [0_u8; 32];
        context.random.fill(&mut id).map_err(|error| Error::new(Step::Apply, "making a birth id", error))?;
        let secret = volume::secret(wish, &hex::encode(id));
        match context.writer.create(secret).await? {
            Some(created) => context.instances.saw_secret(&wish.uid, created.metadata.uid),
            // What is seen of it counts in the next pass, when the birth ends.
            None => drop(observe::secret_sight(context, &wish.uid, &wish.namespace).await?),
        }
        self.changed = true;
        Ok(())
    }

    /// Puts the sealed identity into the object store, before anything counts on it being there. What an earlier try
    /// put stays: it holds the same keys.
    async fn escrow(&self, record: &Record) -> Result<(), Error> {
        let Some(escrow) = &record.escrow else {
            return Ok(());
        };
        let content = bytes::Bytes::from(escrow.content.clone());
        self.context.store.put_if_absent(&escrow.key, content).await.map_err(|error| {
            let doing = format!("putting {} in escrow ({})", names::IDENTITY, escrow.key);
            Error::new(Step::Apply, doing, error)
        })?;
        Ok(())
    }
}
