//! Volumes and buckets.

use std::time::Duration;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::Api;
use lab::{objects, storage, store, wait};
use object_store::aws::AmazonS3Builder;
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

fn client(bucket: &store::Bucket, name: &str) -> impl ObjectStore {
    AmazonS3Builder::new()
        .with_endpoint(&bucket.endpoint)
        .with_region(&bucket.region)
        .with_bucket_name(name)
        .with_access_key_id(&bucket.keys.access_key)
        .with_secret_access_key(&bucket.keys.secret_key)
        .with_allow_http(true)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_bucket_opens_with_its_own_key_only() {
    let place = place().await;
    let (tools, ground) = (&place.tools, &place.ground);
    let one = store::bucket(ground, tools, "test-one").await.unwrap();
    let two = store::bucket(ground, tools, "test-two").await.unwrap();
    let again = store::bucket(ground, tools, "test-one").await.unwrap();
    assert_eq!(again.keys.secret_key, one.keys.secret_key);

    let path = Path::from("a/object");
    let own = client(&one, "test-one");
    let _ = own.delete(&path).await;
    let create = PutOptions::from(PutMode::Create);
    own.put_opts(&path, "content".into(), create.clone()).await.unwrap();
    assert_eq!(own.get(&path).await.unwrap().bytes().await.unwrap(), "content");
    // The commit point of an export: the second writer is told.
    let second = own.put_opts(&path, "other".into(), create).await.unwrap_err();
    assert!(matches!(second, object_store::Error::AlreadyExists { .. }), "{second}");

    let foreign = client(&two, "test-one");
    assert!(foreign.get(&path).await.is_err());
    assert!(foreign.put(&path, "theirs".into()).await.is_err());
    assert_eq!(own.get(&path).await.unwrap().bytes().await.unwrap(), "content");
}

#[tokio::test]
async fn a_bucket_whose_making_was_cut_off_is_finished() {
    let place = place().await;
    let (tools, ground) = (&place.tools, &place.ground);
    let bucket = store::bucket(ground, tools, "test-cut").await.unwrap();
    let done = ground.state_dir.join("store/keys/test-cut.json");
    std::fs::rename(&done, done.with_extension("begun")).unwrap();
    let again = store::bucket(ground, tools, "test-cut").await.unwrap();
    assert_eq!(again.keys.secret_key, bucket.keys.secret_key);
    client(&again, "test-cut").put(&Path::from("x"), "y".into()).await.unwrap();
}
