//! What a ground promises: it comes up, is a real API server in what matters, and leaves nothing behind.

use std::collections::BTreeMap;
use std::path::Path;

use k8s_openapi::api::authentication::v1::TokenReview;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Secret};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use lab::cache::Cache;
use lab::light::{Light, Memory};
use lab::process::Identity;
use lab::wait::until;
use serde_json::json;

use crate::{LIMIT, light, namespace};

#[tokio::test]
#[allow(clippy::print_stderr)] // The figures are what one runs it for.
async fn a_ground_comes_up_and_leaves_nothing() {
    let light = Light::start(&Cache::open(None).unwrap()).await.unwrap();
    let Memory { etcd, apiserver, controllers } = light.memory();
    let mebibytes = |bytes: u64| bytes >> 20;
    eprintln!(
        "light ground up in {:.1} s; resident MiB: etcd {}, apiserver {}, controllers {}",
        light.took().as_secs_f64(),
        mebibytes(etcd),
        mebibytes(apiserver),
        mebibytes(controllers),
    );
    assert!(light.took() < LIMIT);
    let folder = light.kubeconfig().parent().unwrap().to_owned();
    let processes = light.processes();
    assert!(folder.is_dir() && etcd > 0 && apiserver > 0 && controllers > 0);
    drop(light);
    assert!(!folder.exists());
    assert!(processes.iter().all(|id| !Path::new(&format!("/proc/{id}")).exists()));
}

#[tokio::test]
async fn a_ground_dies_with_its_process() {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_dying-ground"));
    let output = String::from_utf8(command.output().await.unwrap().stdout).unwrap();
    let line = output.lines().find_map(|line| line.split_once(" [")).unwrap();
    let folder = Path::new(line.0.rsplit(' ').next().unwrap());
    let processes: Vec<i32> = line.1.trim_end_matches(']').split(", ").map(|id| id.parse().unwrap()).collect();
    assert!(folder.starts_with("/") && processes.len() == 3, "{output}");
    let gone = async || {
        anyhow::ensure!(!folder.exists(), "{} is still there", folder.display());
        Ok(processes.iter().all(|id| Identity::of(*id).is_none()).then_some(()))
    };
    until("the orphaned ground to be gone", LIMIT, gone).await.unwrap();
}

#[tokio::test]
async fn two_grounds_side_by_side_know_nothing_of_each_other() {
    let one = light().await;
    let two = Light::start(&Cache::open(None).unwrap()).await.unwrap();
    namespace(&two, "only-there").await;
    let namespaces: Api<Namespace> = Api::all(one.client().await.unwrap());
    assert!(namespaces.get_opt("only-there").await.unwrap().is_none());
}

#[tokio::test]
async fn a_deleted_namespace_goes_with_its_content() {
    let light = light().await;
    namespace(light, "goes").await;
    let client = light.client().await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "goes");
    let map = json!({ "metadata": { "name": "a" } });
    maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    let namespaces: Api<Namespace> = Api::all(client);
    namespaces.delete("goes", &DeleteParams::default()).await.unwrap();
    let gone = async || Ok(namespaces.get_opt("goes").await?.is_none().then_some(()));
    until("the namespace to go", LIMIT, gone).await.unwrap();
}

#[tokio::test]
async fn rights_are_those_of_rbac() {
    let light = light().await;
    namespace(light, "rights").await;
    light.account("rights", "reader", Some("view")).await.unwrap();
    let reader = light.client_of("rights", "reader").await.unwrap();
    let maps = Api::<ConfigMap>::namespaced(reader.clone(), "rights");
    let allowed = async || Ok(Some(maps.list(&ListParams::default()).await?));
    until("the role `view` to be put together", LIMIT, allowed).await.unwrap();
    let refused = Api::<Secret>::namespaced(reader, "rights").list(&ListParams::default()).await.unwrap_err();
    assert!(refused.to_string().contains("system:serviceaccount:rights:reader"), "{refused}");
    let stranger = light.client_as("stranger", &["system:authenticated"]).await.unwrap();
    let refused = Api::<ConfigMap>::namespaced(stranger, "rights").list(&ListParams::default()).await.unwrap_err();
    assert!(refused.to_string().contains("\"stranger\""), "{refused}");
}

#[tokio::test]
async fn a_token_is_good_for_its_audience_only() {
    let light = light().await;
    namespace(light, "tokens").await;
    light.account("tokens", "jobs", None).await.unwrap();
    let token = light.token("tokens", "jobs", &["steppe-grants"]).await.unwrap();
    let reviews: Api<TokenReview> = Api::all(light.client().await.unwrap());
    for (audience, good) in [("steppe-grants", true), ("another", false)] {
        let review = json!({ "metadata": {}, "spec": { "token": token, "audiences": [audience] } });
        let review = reviews.create(&PostParams::default(), &serde_json::from_value(review).unwrap()).await.unwrap();
        let status = review.status.unwrap();
        assert_eq!(status.authenticated.unwrap_or_default(), good, "{status:?}");
        if good {
            assert_eq!(status.user.unwrap().username.unwrap(), "system:serviceaccount:tokens:jobs");
        }
    }
}

#[tokio::test]
async fn pod_security_and_policies_refuse() {
    let light = light().await;
    let labels = BTreeMap::from([("pod-security.kubernetes.io/enforce".to_owned(), "restricted".to_owned())]);
    light.namespace("strict", &labels).await.unwrap();
    let client = light.client().await.unwrap();
    let accounts = Api::<k8s_openapi::api::core::v1::ServiceAccount>::namespaced(client.clone(), "strict");
    let made = async || Ok(accounts.get_opt("default").await?.map(|_| ()));
    until("the default ServiceAccount", LIMIT, made).await.unwrap();
    let pod = json!({ "metadata": { "name": "root" }, "spec": { "containers": [{ "name": "a", "image": "a" }] } });
    let pods: Api<Pod> = Api::namespaced(client.clone(), "strict");
    let refused = pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("violates PodSecurity"), "{refused}");
    policy_refuses(client).await;
}

/// A ValidatingAdmissionPolicy takes effect once the API server has seen it.
async fn policy_refuses(client: kube::Client) {
    use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
    let policy = json!({ "metadata": { "name": "no-evil" }, "spec": {
        "failurePolicy": "Fail",
        "matchConstraints": { "resourceRules": [{
            "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"],
        }] },
        "validations": [{ "expression": "object.metadata.name != 'evil'", "message": "no evil here" }],
    } });
    let binding = json!({ "metadata": { "name": "no-evil" }, "spec": { "policyName": "no-evil", "validationActions": ["Deny"] } });
    let create = PostParams::default();
    let policies = Api::<ValidatingAdmissionPolicy>::all(client.clone());
    policies.create(&create, &serde_json::from_value(policy).unwrap()).await.unwrap();
    let bindings = Api::<ValidatingAdmissionPolicyBinding>::all(client.clone());
    bindings.create(&create, &serde_json::from_value(binding).unwrap()).await.unwrap();
    let maps = Api::<ConfigMap>::namespaced(client, "strict");
    let evil: ConfigMap = serde_json::from_value(json!({ "metadata": { "name": "evil" } })).unwrap();
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let refused =
        async || Ok(maps.create(&dry, &evil).await.err().filter(|error| error.to_string().contains("no evil here")));
    until("the policy to refuse", LIMIT, refused).await.unwrap();
}
