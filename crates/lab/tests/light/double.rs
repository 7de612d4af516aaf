//! The status double: what is asked of kubelet, the workload controllers and the provisioner is done, in legal order.

use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume, PersistentVolumeClaim, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use lab::light::{Asynchronously, Delays, JobRun, Outcome, Running, Scope, Server, StatusDouble, token};
use lab::wait::until;
use serde_json::{Value, json};

use crate::{LIMIT, light, namespace};

struct Place {
    client: Client,
    name: &'static str,
}

impl Place {
    async fn new(name: &'static str) -> Self {
        let light = light().await;
        namespace(light, name).await;
        light.account(name, "server", None).await.unwrap();
        Self { client: light.client().await.unwrap(), name }
    }

    fn double(&self) -> StatusDouble {
        StatusDouble::new(self.client.clone(), Scope::prefix(self.name), Delays::brief(1))
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), self.name)
    }

    async fn deployment(&self, replicas: i32) {
        let deployment = json!({ "metadata": { "name": "server" }, "spec": {
            "replicas": replicas, "strategy": { "type": "Recreate" }, "selector": { "matchLabels": { "app": "server" } },
            "template": { "metadata": { "labels": { "app": "server" } }, "spec": pod_spec() },
        } });
        let create = PostParams::default();
        self.api::<Deployment>().create(&create, &serde_json::from_value(deployment).unwrap()).await.unwrap();
    }

    async fn job(&self, name: &str, more: Value) {
        let mut spec = json!({ "backoffLimit": 1, "template": { "spec": pod_spec() } });
        spec["template"]["spec"]["restartPolicy"] = json!("Never");
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let job = json!({ "metadata": { "name": name }, "spec": spec });
        self.api::<Job>().create(&PostParams::default(), &serde_json::from_value(job).unwrap()).await.unwrap();
    }

    async fn claim(&self, class: &str) {
        let claim = json!({ "metadata": { "name": "data" }, "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": class,
            "resources": { "requests": { "storage": "1Gi" } },
        } });
        let claims = self.api::<PersistentVolumeClaim>();
        claims.create(&PostParams::default(), &serde_json::from_value(claim).unwrap()).await.unwrap();
    }

    async fn available(&self, replicas: i32) -> Deployment {
        let deployments = self.api::<Deployment>();
        let settled = async || {
            let now = deployments.get("server").await?;
            let status = now.status.clone().unwrap_or_default();
            let done = status.observed_generation == now.metadata.generation
                && status.available_replicas.unwrap_or_default() == replicas
                && status.replicas.unwrap_or_default() == replicas;
            Ok(done.then_some(now))
        };
        until("the Deployment to settle", LIMIT, settled).await.unwrap()
    }

    async fn finished(&self, name: &str, condition: &str) -> Job {
        let jobs = self.api::<Job>();
        let done = async || {
            let job = jobs.get(name).await?;
            let conditions = job.status.iter().flat_map(|status| status.conditions.iter().flatten());
            let holds = conditions.clone().any(|one| one.type_ == condition && one.status == "True");
            let seen: Vec<_> = conditions.map(|one| one.type_.clone()).collect();
            anyhow::ensure!(holds, "the Job has {seen:?}");
            Ok(Some(job))
        };
        until(&format!("the Job {name} to be {condition}"), LIMIT, done).await.unwrap()
    }

    async fn pods(&self) -> Vec<Pod> {
        self.api::<Pod>().list(&ListParams::default()).await.unwrap().items
    }

    async fn no_pods(&self) {
        let none = async || Ok(self.pods().await.is_empty().then_some(()));
        until("the pods to go", LIMIT, none).await.unwrap();
    }
}

fn pod_spec() -> Value {
    json!({ "serviceAccountName": "server", "containers": [{ "name": "main", "image": "example.test/snac" }] })
}

fn mount(mut spec: Value) -> Value {
    spec["volumes"] = json!([{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }]);
    spec
}

fn no_problems(double: &Running) {
    assert_eq!(double.problems(), Vec::<String>::new());
}

#[tokio::test]
async fn a_deployment_comes_up_goes_down_and_up_again() {
    let place = Place::new("dep").await;
    let double = place.double().start();
    place.deployment(1).await;
    place.available(1).await;
    let first = place.pods().await;
    assert_eq!(first.len(), 1);
    let deployments = place.api::<Deployment>();
    for replicas in [0, 1] {
        let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
        deployments.patch("server", &PatchParams::default(), &patch).await.unwrap();
        let now = place.available(replicas).await;
        let conditions = now.status.unwrap().conditions.unwrap();
        assert!(conditions.iter().any(|one| one.type_ == "Available" && one.status == "True"));
        if replicas == 0 {
            place.no_pods().await;
        }
    }
    assert_ne!(place.pods().await[0].uid(), first[0].uid());
    no_problems(&double);
}

#[tokio::test]
async fn a_server_is_as_the_script_says() {
    let place = Place::new("script").await;
    let ready = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = ready.clone();
    let script = move |_: &Pod| match seen.load(std::sync::atomic::Ordering::SeqCst) {
        true => Server::Ready,
        false => Server::Waiting { reason: "ImagePullBackOff".into(), message: "no such image".into() },
    };
    let _double = place.double().servers(script).start();
    place.deployment(1).await;
    let waits = async || {
        let pods = place.pods().await;
        let status = pods.first().and_then(|pod| pod.status.clone()).unwrap_or_default();
        let states = status.container_statuses.unwrap_or_default();
        let reason = states.first().and_then(|one| one.state.clone()?.waiting?.reason);
        Ok((reason.as_deref() == Some("ImagePullBackOff")).then_some(()))
    };
    until("the pod to wait for its image", LIMIT, waits).await.unwrap();
    ready.store(true, std::sync::atomic::Ordering::SeqCst);
    place.available(1).await;
}

#[tokio::test]
async fn a_job_completes_with_its_message() {
    let place = Place::new("job").await;
    let double = place.double().jobs(|run: &JobRun| Outcome::succeed(format!("born by {}", run.name()))).start();
    place.job("birth", json!({})).await;
    let status = place.finished("birth", "Complete").await.status.unwrap();
    assert_eq!(status.succeeded, Some(1));
    let kinds: Vec<_> = status.conditions.unwrap().into_iter().map(|one| one.type_).collect();
    assert_eq!(kinds, ["SuccessCriteriaMet", "Complete"]);
    let pod = place.pods().await.remove(0);
    assert!(pod.finalizers().is_empty());
    let end = pod.status.unwrap().container_statuses.unwrap().remove(0).state.unwrap().terminated.unwrap();
    assert_eq!((end.exit_code, end.message.as_deref()), (0, Some("born by birth")));
    let delete = DeleteParams::background();
    place.api::<Job>().delete("birth", &delete).await.unwrap();
    place.no_pods().await;
    no_problems(&double);
}

#[tokio::test]
async fn a_job_fails_when_its_tries_are_over() {
    let place = Place::new("fail").await;
    let double = place.double().jobs(|run: &JobRun| Outcome::fail(format!("try {}", run.attempt))).start();
    place.job("export", json!({})).await;
    let status = place.finished("export", "Failed").await.status.unwrap();
    assert_eq!(status.failed, Some(2));
    let conditions = status.conditions.unwrap();
    let kinds: Vec<_> = conditions.iter().map(|one| (one.type_.as_str(), one.reason.as_deref())).collect();
    let reason = Some("BackoffLimitExceeded");
    assert_eq!(kinds, [("FailureTarget", reason), ("Failed", reason)]);
    assert_eq!(place.pods().await.len(), 2);
    no_problems(&double);
}

#[tokio::test]
async fn a_hanging_job_ends_by_its_deadline() {
    let place = Place::new("hang").await;
    let double = place.double().jobs(|_: &JobRun| Outcome::Hang).start();
    place.job("export", json!({ "activeDeadlineSeconds": 1 })).await;
    let status = place.finished("export", "Failed").await.status.unwrap();
    assert_eq!(status.conditions.unwrap().last().unwrap().reason.as_deref(), Some("DeadlineExceeded"));
    no_problems(&double);
}

#[tokio::test]
async fn a_job_deleted_in_its_run_leaves_no_pod() {
    let place = Place::new("cut").await;
    let script = Asynchronously(async |_: JobRun| std::future::pending::<Outcome>().await);
    let double = place.double().jobs(Asynchronously(move |run| (script.0)(run))).start();
    place.job("export", json!({})).await;
    let running = async || {
        let phases: Vec<_> = place.pods().await.into_iter().filter_map(|pod| pod.status?.phase).collect();
        Ok((phases == ["Running"]).then_some(()))
    };
    until("the pod to run", LIMIT, running).await.unwrap();
    place.api::<Job>().delete("export", &DeleteParams::background()).await.unwrap();
    place.no_pods().await;
    no_problems(&double);
}

#[tokio::test]
async fn a_jobs_script_can_present_its_pods_token() {
    let place = Place::new("grant").await;
    let script = |run: JobRun| async move {
        match token(run.client.clone(), &run.namespace(), "server", &["steppe-grants"], Some(&run.pod)).await {
            Ok(token) => Outcome::succeed(token),
            Err(error) => Outcome::fail(format!("{error:#}")),
        }
    };
    let _double = place.double().jobs(Asynchronously(script)).start();
    place.job("export", json!({})).await;
    place.finished("export", "Complete").await;
    let pod = place.pods().await.remove(0);
    let end = pod.status.clone().unwrap().container_statuses.unwrap().remove(0).state.unwrap().terminated.unwrap();
    let reviews: Api<k8s_openapi::api::authentication::v1::TokenReview> = Api::all(place.client.clone());
    let review = json!({ "metadata": {}, "spec": { "token": end.message, "audiences": ["steppe-grants"] } });
    let review = reviews.create(&PostParams::default(), &serde_json::from_value(review).unwrap()).await.unwrap();
    let user = review.status.unwrap().user.unwrap();
    assert_eq!(user.extra.unwrap()["authentication.kubernetes.io/pod-uid"], [pod.uid().unwrap()]);
}

#[tokio::test]
async fn a_claim_is_bound_by_its_first_pod_and_goes_with_its_policy() {
    for (name, class, survives) in [("vol-a", "local-path", false), ("vol-b", "local-path-retain", true)] {
        let place = Place::new(name).await;
        let write = |run: &JobRun| {
            run.write("data", "key", "value");
            Outcome::succeed(run.read("data", "key").unwrap_or_default())
        };
        let double = place.double().jobs(write).start();
        place.claim(class).await;
        place
            .job(
                "birth",
                json!({ "template": { "spec": mount({
            let mut spec = pod_spec();
            spec["restartPolicy"] = json!("Never");
            spec
        }) } }),
            )
            .await;
        place.finished("birth", "Complete").await;
        let claims = place.api::<PersistentVolumeClaim>();
        let volume = claims.get("data").await.unwrap().spec.unwrap().volume_name.unwrap();
        assert_eq!(double.disks().files(&volume)["key"], "value");
        place.api::<Job>().delete("birth", &DeleteParams::background()).await.unwrap();
        claims.delete("data", &DeleteParams::default()).await.unwrap();
        let volumes: Api<PersistentVolume> = Api::all(place.client.clone());
        let settled = async || {
            let phase = volumes.get_opt(&volume).await?.map(|volume| volume.status.unwrap_or_default().phase);
            Ok(if survives { phase.flatten().as_deref() == Some("Released") } else { phase.is_none() }.then_some(()))
        };
        until("the volume to follow its policy", LIMIT, settled).await.unwrap();
        assert_eq!(double.disks().destroyed().is_empty(), survives);
        assert_eq!(double.disks().files(&volume).is_empty(), !survives);
        no_problems(&double);
    }
}

#[tokio::test]
async fn a_namespace_with_everything_in_it_goes() {
    let place = Place::new("whole").await;
    let double = place.double().start();
    place.claim("local-path-retain").await;
    place.deployment(1).await;
    place.job("birth", json!({})).await;
    place.available(1).await;
    place.finished("birth", "Complete").await;
    let namespaces: Api<Namespace> = Api::all(place.client.clone());
    namespaces.delete("whole", &DeleteParams::default()).await.unwrap();
    let gone = async || Ok(namespaces.get_opt("whole").await?.is_none().then_some(()));
    until("the namespace to go", LIMIT, gone).await.unwrap();
    no_problems(&double);
}

#[tokio::test]
async fn a_paused_double_does_nothing() {
    let place = Place::new("pause").await;
    let double = place.double().start();
    double.pause();
    place.job("birth", json!({})).await;
    // Another double's Job shows that time enough has passed.
    let other = Place::new("unpaused").await;
    let _other = other.double().start();
    other.job("birth", json!({})).await;
    other.finished("birth", "Complete").await;
    assert!(place.api::<Job>().get("birth").await.unwrap().status.unwrap_or_default().start_time.is_none());
    double.resume();
    place.finished("birth", "Complete").await;
}

#[tokio::test]
#[allow(clippy::print_stderr)] // The figure is what one runs it for.
async fn a_hundred_tenants_settle() {
    let double =
        StatusDouble::new(light().await.client().await.unwrap(), Scope::prefix("many-"), Delays::brief(3)).start();
    let begin = tokio::time::Instant::now();
    let names: Vec<&'static str> = (0..100).map(|n| &*format!("many-{n}").leak()).collect();
    let tenant = async |name: &'static str| {
        let place = Place::new(name).await;
        place.claim("local-path").await;
        place.job("birth", json!({})).await;
        place.deployment(1).await;
        place.available(1).await;
        place.finished("birth", "Complete").await;
    };
    let all = futures::stream::iter(names).map(tenant).buffer_unordered(100);
    all.for_each(async |()| ()).await;
    let (took, memory) = (begin.elapsed().as_secs_f64(), light().await.memory());
    eprintln!("a hundred tenants settled in {took:.1} s; API server at {} MiB", memory.apiserver >> 20);
    no_problems(&double);
}
