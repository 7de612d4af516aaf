//! Third step: decide everything. What follows only carries it out.

mod identity;
mod text;

use std::sync::Arc;

use crd::{Mode, labels};
use kube::ResourceExt as _;

use super::observe::{NamespaceSight, Observed, names};
use super::power::{self, Missing, Power, Rest};
use super::resources::{access, ingress, limits, namespace, network, server, volume};
use super::validate::{Refusal, Wish};
use crate::apply::Object;
use crate::cache::{Held, Seen};
use crate::kind::Kind;
use crate::probe::{Probed, Target, Verdict};

pub use identity::{Birth, Escrow, RUNNING, Record};

/// What to do about an instance.
#[derive(Debug)]
pub enum Decision {
    /// Change nothing: somebody said so.
    Paused(&'static str),
    /// Change nothing: the wish cannot be carried out.
    Refused(Refusal),
    /// Carry it out.
    Carry(Box<Plan>),
}

/// Everything that one reconcile does. Consumed whole by [`super::apply`].
#[derive(Debug)]
pub struct Plan {
    /// The wish it carries out.
    pub wish: Wish,
    /// Whether the instance gets the finalizer that holds its deletion.
    pub hold: bool,
    /// The namespace.
    pub namespace: NamespacePlan,
    /// What keeps the tenant inside its bounds; without it no pod starts.
    pub bounds: Vec<Object>,
    /// Services and trusted certificates.
    pub surroundings: Vec<Object>,
    /// The public name.
    pub ingress: Object,
    /// What to do for the server's birth.
    pub birth: Birth,
    /// The claim; none when there is no claim of ours to write to.
    pub claim: Option<Object>,
    /// The volume; none while it is unknown.
    pub volume: Option<Object>,
    /// The server; none while nothing has to change about it.
    pub server: Option<Object>,
    /// Objects of ours that belong to nothing any more.
    pub prune: Vec<Arc<Held>>,
    /// What to do about probes.
    pub probe: ProbePlan,
    /// What the server should do.
    pub power: Power,
    /// What is missing of its identity.
    pub missing: Option<Missing>,
    /// What is about to be missing of it, or cannot be seen.
    pub doubt: Option<Missing>,
}

/// How the namespace is written.
#[derive(Debug)]
pub enum NamespacePlan {
    /// There is none: make it, and only make it, so that somebody else's is never taken.
    Create(Object),
    /// It is ours.
    Apply(Object),
}

/// What to do about probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbePlan {
    /// Probe it.
    Watch(Box<Probed>),
    /// Leave it as it is: it is starting.
    Leave,
    /// It is down on purpose.
    Forget,
}

/// Decides what to do.
#[must_use]
pub fn plan(seen: &Observed, wish: Result<Wish, Refusal>) -> Decision {
    if let Some(by) = seen.paused_by() {
        return Decision::Paused(by);
    }
    match wish {
        Err(refusal) => Decision::Refused(refusal),
        Ok(wish) => Decision::Carry(Box::new(carry(seen, wish))),
    }
}

fn carry(seen: &Observed, wish: Wish) -> Plan {
    let recorded = seen.instance.status.as_ref().and_then(|status| status.identity.clone());
    let missing = recorded.as_ref().and_then(|identity| power::missing(seen, identity));
    let birth = identity::birth(seen, &wish);
    // What is recorded in this pass counts for the announcement of a start, which only a later pass follows up.
    let born = recorded.is_some() || birth.record().is_some();
    let power = power::power(seen, &wish, born, missing.as_ref());
    let (system, _) = &seen.operator;
    let space = namespace::namespace(&wish, recorded.as_ref());
    let mut bounds = access::service_accounts(&wish);
    bounds.push(access::role_binding(&wish, &seen.operator));
    bounds.push(limits::resource_quota(&wish));
    bounds.push(limits::limit_range(&wish));
    bounds.extend(network::policies(&wish, system));
    let mut surroundings = vec![server::service(&wish), server::holding(&wish, &seen.holding_host)];
    if let Some(bundle) = &wish.cell.trust_bundle {
        surroundings.push(volume::trust(&wish, bundle));
    }
    let mut plan = Plan {
        hold: !seen.instance.finalizers().iter().any(|name| name == labels::KEEP_FINALIZER)
            && seen.instance.metadata.deletion_timestamp.is_none(),
        namespace: match seen.namespace {
            NamespaceSight::Absent => NamespacePlan::Create(space),
            NamespaceSight::Terminating | NamespaceSight::Present { .. } => NamespacePlan::Apply(space),
        },
        bounds,
        surroundings,
        ingress: ingress::ingress(&wish, backend(seen, &power)),
        birth,
        claim: identity::claim(seen, &wish, recorded.as_ref()),
        volume: identity::volume(seen, &wish, recorded.as_ref()),
        server: recorded.as_ref().and_then(|identity| server(seen, &wish, &power, identity)),
        prune: Vec::new(),
        probe: probe(seen, &wish, &power),
        power,
        missing,
        doubt: power::doubt(seen, recorded.as_ref()),
        wish,
    };
    plan.prune = prune(seen, &plan);
    plan
}

/// Traffic goes to the server while it should be up and has been seen serving; one that takes traffic already keeps it
/// through a restart. All else goes to the 503 page.
fn backend(seen: &Observed, power: &Power) -> &'static str {
    let taking = seen.find(Kind::Ingress, names::SERVER).is_some_and(
        |held| matches!(&held.seen, Seen::Ingress { backend } if backend.as_deref() == Some(names::SERVER)),
    );
    if power.is_on() && (taking || seen.health.serving == Verdict::Up) { names::SERVER } else { names::HOLDING }
}

fn server(seen: &Observed, wish: &Wish, power: &Power, identity: &crd::Identity) -> Option<Object> {
    let held = seen.server();
    let reason = match power {
        Power::On => None,
        // As it is: down, with the reason it was stopped for.
        Power::Announce | Power::Wait(_) => return None,
        Power::Off(rest) => {
            held?; // never up before: nothing to stop
            Some(match rest {
                Rest::Exporting(name) => format!("{}/{name}", rest.reason()),
                Rest::NotBorn | Rest::IdentityMissing | Rest::Frozen | Rest::ReadOnly | Rest::Closing => {
                    rest.reason().to_owned()
                }
            })
        }
    };
    let run =
        server::Run { fingerprint: &identity.fingerprint, operator_image: &seen.image, stopped_for: reason.as_deref() };
    let starts = reason.is_none() && held.is_some_and(|held| matches!(held.seen, Seen::Deployment { wanted: 0, .. }));
    Some(Object { unseen_writes_refused: starts, ..server::deployment(wish, run) })
}

fn probe(seen: &Observed, wish: &Wish, power: &Power) -> ProbePlan {
    if !power.is_on() {
        return ProbePlan::Forget;
    }
    let ready = seen.server().is_some_and(|held| matches!(held.seen, Seen::Deployment { ready, .. } if ready > 0));
    let served = seen
        .instance
        .status
        .as_ref()
        .is_some_and(|status| crd::condition::is_true(&status.conditions, crd::condition::SERVING));
    if !ready && !served {
        return ProbePlan::Leave;
    }
    let host = wish.hostname.to_string();
    ProbePlan::Watch(Box::new(Probed {
        name: wish.id.to_string(),
        service: Target {
            url: format!("http://{}.{}.svc{}", names::SERVER, wish.namespace, wish.software.health),
            host: Some(host.clone()),
            expect: None,
            trust: None,
        },
        public: Target {
            url: format!("https://{host}{}", wish.software.about),
            host: None,
            expect: Some(host),
            trust: wish.cell.trust_bundle.clone(),
        },
    }))
}

/// Objects that carry this instance's uid, are in no plan and hold no data.
fn prune(seen: &Observed, plan: &Plan) -> Vec<Arc<Held>> {
    let planned = |held: &Held| {
        plan.objects().any(|object| object.kind == held.kind && object.name == held.name)
            || (held.kind == Kind::Job && held.name == names::BIRTH && !plan.birth.is_over())
    };
    seen.owned
        .iter()
        .filter(|held| {
            held.label(labels::INSTANCE_UID) == Some(plan.wish.uid.as_str())
                && held.namespace.as_deref() == Some(plan.wish.namespace.as_str())
                && held.label(labels::WORK_UID).is_none()
                && !held.deleting
                && is_prunable(held.kind)
                && !planned(held)
        })
        .cloned()
        .collect()
}

const fn is_prunable(kind: Kind) -> bool {
    match kind {
        Kind::ServiceAccount
        | Kind::RoleBinding
        | Kind::ResourceQuota
        | Kind::LimitRange
        | Kind::NetworkPolicy
        | Kind::ConfigMap
        | Kind::Job
        | Kind::Service
        | Kind::Ingress => true,
        // Data, what holds data, a server that runs, and what others make.
        Kind::Namespace
        | Kind::Secret
        | Kind::PersistentVolumeClaim
        | Kind::PersistentVolume
        | Kind::Deployment
        | Kind::Pod => false,
    }
}

impl Plan {
    /// All objects that are applied or made, but for the identity Secret.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        let (NamespacePlan::Create(namespace) | NamespacePlan::Apply(namespace)) = &self.namespace;
        std::iter::once(namespace)
            .chain(&self.bounds)
            .chain(&self.surroundings)
            .chain(&self.claim)
            .chain(&self.volume)
            .chain(self.birth.job())
            .chain(&self.server)
            .chain(std::iter::once(&self.ingress))
    }

    /// The mode in force, and why it is not the wished one.
    #[must_use]
    pub fn mode(&self) -> (Mode, Option<String>) {
        power::mode(&self.wish, &self.power)
    }
}
