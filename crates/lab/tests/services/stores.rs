//! Volumes and buckets.

use std::time::Duration;

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::Api;
use lab::{objects, storage, store, wait};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer, AwsCredential};
use object_store::client::HttpRequest;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use serde_json::json;

use super::ground::place;

#[tokio::test]
async fn a_volume_is_bound_written_and_kept() {
    let place = place().await;
    place.namespace("volumes").await.unwrap();
    let claims = Api::<PersistentVolumeClaim>::namespaced(place.client.clone(), "volumes");
    let claim = json!({"metadata": {"name": "data"}, "spec": {
        "storageClassName": storage::CLASS, "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}}}});
    objects::apply(&claims, claim).await.unwrap();
    let more = json!({
        "command": ["sh", "-c", "mkdir /data/d && echo kept > /data/d/file && id -u > /dev/termination-log"],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    });
    place.pod("volumes", "writer", &place.images.busybox.tagged(), &[], more).await.unwrap();
    assert_eq!(place.ended("volumes", "writer").await.unwrap().trim(), "1000");
    let bound = claims.get("data").await.unwrap();
    let name = bound.spec.unwrap().volume_name.unwrap();
    place.clear("volumes").await.unwrap();
    let volumes = Api::<PersistentVolume>::all(place.client.clone());
    let volume = wait::until("the volume to be released", Duration::from_secs(20), async || {
        let volume = volumes.get(&name).await?;
        let released = volume.status.as_ref().and_then(|it| it.phase.as_deref()) == Some("Released");
        Ok(released.then_some(volume))
    })
    .await
    .unwrap();
    let folder = volume.spec.unwrap().host_path.unwrap().path;
    assert!(folder.starts_with(place.ground.state_dir.to_str().unwrap()), "{folder}");
    assert_eq!(std::fs::read_to_string(format!("{folder}/d/file")).unwrap(), "kept\n");
    volumes.delete(&name, &kube::api::DeleteParams::default()).await.unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

fn builder(bucket: &store::Bucket, keys: &store::Keys) -> AmazonS3Builder {
    AmazonS3Builder::new()
        .with_endpoint(&bucket.endpoint)
        .with_region(&bucket.region)
        .with_bucket_name(&bucket.name)
        .with_access_key_id(&keys.access_key)
        .with_secret_access_key(&keys.secret_key)
        .with_allow_http(true)
}

fn client(bucket: &store::Bucket, keys: &store::Keys) -> impl ObjectStore {
    builder(bucket, keys).build().unwrap()
}

async fn text(store: &impl ObjectStore, path: &Path) -> String {
    let bytes = store.get(path).await.unwrap().bytes().await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_bucket_opens_with_its_own_keys_only() {
    let place = place().await;
    let (tools, ground) = (&place.tools, &place.ground);
    let one = store::bucket(ground, tools, "test-one").await.unwrap();
    let two = store::bucket(ground, tools, "test-two").await.unwrap();
    let again = store::bucket(ground, tools, "test-one").await.unwrap();
    assert_eq!(again.keys.secret_key, one.keys.secret_key);
    assert_eq!(again.purger_keys.secret_key, one.purger_keys.secret_key);

    let path = Path::from("a/object");
    let own = client(&one, &one.keys);
    client(&one, &one.purger_keys).delete(&path).await.unwrap();
    let create = PutOptions::from(PutMode::Create);
    own.put_opts(&path, "content".into(), create.clone()).await.unwrap();
    assert_eq!(text(&own, &path).await, "content");
    // The commit point of an export: the second writer is told.
    let second = own.put_opts(&path, "other".into(), create).await.unwrap_err();
    assert!(matches!(second, object_store::Error::AlreadyExists { .. }), "{second}");

    for keys in [&two.keys, &two.purger_keys] {
        let foreign = client(&one, keys);
        assert!(foreign.get(&path).await.is_err());
        assert!(foreign.put(&path, "theirs".into()).await.is_err());
        assert!(foreign.delete(&path).await.is_err());
    }
    assert_eq!(text(&own, &path).await, "content");
}

/// One object at a time and many at once are different requests.
#[tokio::test]
async fn only_the_purgers_key_deletes() {
    let place = place().await;
    let bucket = store::bucket(&place.ground, &place.tools, "test-deletes").await.unwrap();
    let (operator, purger) = (client(&bucket, &bucket.keys), client(&bucket, &bucket.purger_keys));
    let (path, other) = (Path::from("bundles/i/e/manifest.json"), Path::from("keys/i/e.age"));
    for path in [&path, &other] {
        operator.put(path, "first".into()).await.unwrap();
        operator.put(path, "second".into()).await.unwrap();
    }
    assert_eq!(text(&operator, &path).await, "second");
    let below = async |store: &dyn ObjectStore| store.list(None).try_collect::<Vec<_>>().await.unwrap().len();
    assert_eq!(below(&operator).await, 2);

    let refused = operator.delete(&path).await.unwrap_err();
    assert!(refused.to_string().contains("AccessDenied"), "{refused}");
    let single = builder(&bucket, &bucket.keys).with_config(AmazonS3ConfigKey::DisableBulkDelete, "true");
    let refused = single.build().unwrap().delete(&path).await.unwrap_err();
    assert!(refused.to_string().contains("AccessDenied"), "{refused}");
    let policy = operator_put(&bucket, "?policy", "{}").await;
    assert_eq!(policy, 403, "the operator's key can change who may do what");
    assert_eq!((below(&operator).await, text(&purger, &other).await.as_str()), (2, "second"));

    purger.delete(&path).await.unwrap();
    purger.put(&other, "third".into()).await.unwrap();
    assert_eq!((below(&purger).await, text(&operator, &other).await.as_str()), (1, "third"));
    purger.delete(&other).await.unwrap();
}

/// What the store answers to a PUT about the bucket that is signed with the operator's key.
async fn operator_put(bucket: &store::Bucket, query: &str, body: &str) -> u16 {
    let credential = AwsCredential {
        key_id: bucket.keys.access_key.clone(),
        secret_key: bucket.keys.secret_key.clone(),
        token: None,
    };
    let url = format!("{}/{}{query}", bucket.endpoint, bucket.name);
    let mut request: HttpRequest = http::Request::put(&url).body(body.to_owned().into()).unwrap();
    AwsAuthorizer::new(&credential, "s3", &bucket.region).try_authorize(&mut request, None).unwrap();
    let headers = std::mem::take(request.headers_mut());
    let answer = reqwest::Client::new().put(&url).headers(headers).body(body.to_owned()).send().await.unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn a_bucket_whose_making_was_cut_off_is_finished() {
    let place = place().await;
    let (tools, ground) = (&place.tools, &place.ground);
    // Written down, and then it was cut off: the store has not heard of it.
    let keys = store::Keys { access_key: "test-cut".into(), secret_key: "ab".repeat(24) };
    let kept = ground.state_dir.join("store/keys/test-cut.json");
    std::fs::write(kept, serde_json::to_vec(&keys).unwrap()).unwrap();
    let bucket = store::bucket(ground, tools, "test-cut").await.unwrap();
    assert_eq!(bucket.keys.secret_key, keys.secret_key);
    client(&bucket, &bucket.keys).put(&Path::from("x"), "y".into()).await.unwrap();
}
