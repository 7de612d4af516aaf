//! From a folder to a signed bundle: the real job against the real endpoint, over TLS, with an API server and an object
//! store that are played. The job is killed after every few parts, the commit after every call.

mod api;

use std::path::Path;
use std::sync::{Arc, Mutex};

use bundle::format::{Limits, Manifest, ObjectName, PublicKey};
use bundle::seal::Identities;
use bundle::stream::{self, Folder, Trust};
use crd::Export;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use self::api::Api;
use super::keys::{PlatformKeys, generate};
use super::{commit, order, validate};
use crate::clock::fake::{FixedClock, SeededRandom};
use crate::context::{Context, Deps};
use crate::job::export::{ExportArgs, run};
use crate::job::outcome;
use crate::metrics::Metrics;
use crate::seal::Identity;
use crate::store::fake::FakeStore;
use crate::store::layout;
use crate::{Config, grants};

const UID: &str = "6f1c0c8e-6b7d-4c2e-9f58-2f6f0c3c5a10";
const INSTANCE: &str = "0b6c2c0a-93f6-4f0e-8f0f-0a3d4f4f9a3e";
/// What no log and no object may show.
const CANARIES: [&str; 3] = ["CANARY/PRIVATE/KEY", "CANARY-POD-TOKEN", "AGE-SECRET-KEY-1"];

/// A snac folder of two accounts with some posts, hard links among them.
fn data(home: &Path) {
    let key = |name: &str| {
        json!({ "public": "-----BEGIN PUBLIC KEY-----\nAQID\n-----END PUBLIC KEY-----\n", "secret": format!("-----BEGIN PRIVATE KEY-----\nCANARY/PRIVATE/KEY/{name}\n-----END PRIVATE KEY-----\n") }).to_string()
    };
    for user in ["alice", "bob"] {
        std::fs::create_dir_all(home.join("user").join(user).join("public")).unwrap();
        std::fs::write(home.join(format!("user/{user}/key.json")), key(user)).unwrap();
        std::fs::write(home.join(format!("user/{user}/user.json")), "{}").unwrap();
    }
    std::fs::create_dir_all(home.join("object")).unwrap();
    std::fs::create_dir_all(home.join("tmp")).unwrap();
    std::fs::write(home.join("tmp/left"), "out").unwrap();
    let random = SeededRandom::new(7);
    for n in 0..24 {
        let mut content = vec![0; 9000];
        crate::clock::Random::fill(&random, &mut content).unwrap();
        let object = home.join(format!("object/{n:02}.json"));
        std::fs::write(&object, content).unwrap();
        std::fs::hard_link(&object, home.join(format!("user/alice/public/{n:02}.json"))).unwrap();
    }
    std::fs::write(home.join(".steppe-drain.json"), r#"{"pending":7,"drainedAt":1767326395}"#).unwrap();
}

struct Room {
    folder: tempfile::TempDir,
    api: Api,
    store: Arc<FakeStore>,
    context: Arc<Context>,
    stop: CancellationToken,
}

impl Room {
    async fn open() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        data(&folder.path().join("d"));
        std::fs::write(folder.path().join("token"), "CANARY-POD-TOKEN\n").unwrap();
        for (name, content) in generate(&SeededRandom::new(3)).unwrap() {
            std::fs::write(folder.path().join(name), age::secrecy::ExposeSecret::expose_secret(&content)).unwrap();
        }
        let export = json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "Export", "metadata": { "name": "mine", "uid": UID },
            "spec": { "instanceRef": { "name": "birds", "uid": INSTANCE } },
            "status": { "phase": "Running", "step": "Copying", "stoppedAt": "2026-01-02T04:00:00Z", "copiedAt": null },
        });
        let api = Api {
            export: Arc::new(Mutex::new(export)),
            secret: Arc::default(),
            pod_uid: Arc::new(Mutex::new("pod-0".into())),
        };
        let store = Arc::new(FakeStore::new());
        store.listen().await.unwrap();
        let stop = CancellationToken::new();
        let metrics = Metrics::default();
        let config = Config {
            keys_dir: folder.path().to_owned(),
            grants_url: Some("https://127.0.0.1:1".into()),
            ..Config::default()
        };
        let deps = Deps {
            client: api.client(),
            config,
            clock: Arc::new(FixedClock::at(1_767_326_400)),
            random: Arc::new(SeededRandom::new(1)),
            prober: Arc::new(crate::probe::HttpProber::new()),
            store: store.clone(),
            metrics,
        };
        let context = crate::context(deps, &stop).unwrap_or_else(|error| panic!("{error}"));
        Self { folder, api, store, context, stop }
    }

    fn export(&self) -> Export {
        serde_json::from_value(self.api.export.lock().unwrap().clone()).unwrap()
    }

    fn set_status(&self, key: &str, value: Value) {
        self.api.export.lock().unwrap()["status"][key] = value;
    }

    async fn args(&self) -> ExportArgs {
        let certificate = grants::certificate(&self.context).await.unwrap();
        let address = grants::listen_on(self.context.clone(), &certificate, self.stop.clone()).await.unwrap();
        ExportArgs {
            export_uid: UID.parse().unwrap(),
            flavour: names::Flavour::Snac,
            data: self.folder.path().join("d"),
            grants: format!("https://{address}").parse().unwrap(),
            grants_ca: certificate.pem().to_owned(),
            segment_bytes: 20_000,
            part_bytes: 5_000,
            token: self.folder.path().join("token"),
        }
    }

    async fn order(&self) {
        let valid = validate::Valid {
            software: crate::instance::flavour::software(names::Flavour::Snac).unwrap(),
            version: "2.75".parse().unwrap(),
            hostname: "birds.example".parse().unwrap(),
            recipient: None,
            trust_bundle: false,
        };
        let first = order::ensure(&self.context, &self.export(), &valid).await.unwrap();
        let again = order::ensure(&self.context, &self.export(), &valid).await.unwrap();
        assert_eq!(first, again, "an order is fixed once");
    }

    /// The bundle as somebody has it who downloaded what the manifest names.
    fn download(&self, into: &Path) -> Folder {
        let prefix = layout::bundle(INSTANCE, UID);
        for key in self.store.keys().iter().filter(|key| key.starts_with(&prefix)) {
            let path = into.join(&key[prefix.len()..]);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, self.store.content(key).unwrap()).unwrap();
        }
        Folder::new(into.to_owned())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_job_goes_on_and_the_bundle_is_whole() {
    let room = Room::open().await;
    let args = room.args().await;
    room.order().await;
    let mut kills = 0;
    loop {
        *room.api.pod_uid.lock().unwrap() = format!("pod-{kills}");
        // Each life is a little longer than the last, or a quick killer would never let a segment come to its end.
        let until = room.store.granted_puts() + 3 + kills % 8;
        let job = run(&args);
        tokio::pin!(job);
        let killed = async {
            while room.store.granted_puts() < until {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            result = &mut job => { result.unwrap(); break; }
            () = killed => kills += 1,
        }
        assert!(kills < 100, "the job makes no progress");
    }
    assert!(kills >= 5, "{kills} kills");

    room.set_status("copiedAt", json!("2026-01-02T04:00:09Z"));
    let bundle = commit_after_every_failure(&room).await;
    assert_eq!((bundle.stopped_seconds, bundle.deliveries_cut), (9, Some(7)));

    let claim = Identity::generate();
    let sealed = order::seal_key(&room.context, &room.export(), &claim.recipient().to_string()).await.unwrap().unwrap();
    let key = String::from_utf8(claim.open(sealed).unwrap()).unwrap();
    check_restored(&room, &bundle, &Identities::parse(&key).unwrap()).await;

    // The kit tells people what a key looks like.
    for object in room.store.keys().into_iter().filter(|key| !key.ends_with("/restore.sh")) {
        let content = room.store.content(&object).unwrap();
        for canary in CANARIES {
            assert!(!content.windows(canary.len()).any(|window| window == canary.as_bytes()), "{canary} in {object}");
        }
    }
    let log = String::from_utf8(room.store.content(&layout::log(UID)).unwrap().to_vec()).unwrap();
    assert!(log.contains("finished") && log.contains("7 deliveries"), "{log}");
    room.stop.cancel();
}

/// Lets the store fail at the n-th call of the commit, for each n, and goes on: the digest stays the same.
async fn commit_after_every_failure(room: &Room) -> crd::Bundle {
    let manifest = format!("{}manifest.json", layout::bundle(INSTANCE, UID));
    for survives in 0..500 {
        room.store.fail_after(survives, 1);
        let result = commit::commit(&room.context, &room.export()).await;
        room.store.fail_after(0, 0);
        if let Ok(bundle) = result {
            let bundle = bundle.unwrap();
            let again = commit::commit(&room.context, &room.export()).await.unwrap().unwrap();
            assert_eq!(again, bundle);
            assert!(survives > 3, "the store never failed");
            return bundle;
        }
        assert!(room.store.content(&manifest).is_none() || survives > 3);
    }
    panic!("the commit never came through");
}

async fn check_restored(room: &Room, bundle: &crd::Bundle, key: &Identities) {
    let keys = PlatformKeys::read(room.folder.path()).unwrap();
    let public: PublicKey = keys.signer.public();
    let downloaded = tempfile::tempdir().unwrap();
    let folder = room.download(downloaded.path());
    let opened = stream::open(&folder, &Trust::Key(public)).await.unwrap();
    assert_eq!(opened.digest.to_string(), bundle.manifest_digest);
    stream::verify(&folder, &opened.manifest, |_| {}).await.unwrap();
    let manifest = &opened.manifest;
    assert_eq!((manifest.counts.users, manifest.counts.posts, manifest.instance.actor_keys.len()), (2, 24, 2));
    assert_eq!(manifest.counts.hard_links, 24);
    assert!(manifest.segments.len() > 3);
    let target = downloaded.path().join("restored");
    let limits = Limits::signed(manifest);
    stream::extract(&folder, manifest, key, limits, &target, |_| {}).await.unwrap();
    for name in ["object/07.json", "user/bob/key.json"] {
        assert_eq!(
            std::fs::read(target.join(name)).unwrap(),
            std::fs::read(room.folder.path().join("d").join(name)).unwrap()
        );
    }
    assert!(target.join("tmp").exists() && !target.join("tmp/left").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_another_pod_overwrote_is_noticed() {
    let room = Room::open().await;
    let args = room.args().await;
    room.order().await;
    run(&args).await.unwrap();
    room.set_status("copiedAt", json!("2026-01-02T04:00:09Z"));
    let part = format!("{}{}", layout::bundle(INSTANCE, UID), ObjectName::part(0, 0));
    let whole = room.store.content(&part).unwrap();

    // A second writer is on record, and a part is another one of the same length.
    let mut other = whole.to_vec();
    other[500] ^= 1;
    room.store.set(&layout::work_writer(UID, "pod-9"), "");
    room.store.set(&part, other);
    let broken = commit::commit(&room.context, &room.export()).await.unwrap().unwrap_err();
    assert!(broken.contains("is not what its record says"), "{broken}");
    room.store.forget(&part);
    let broken = commit::commit(&room.context, &room.export()).await.unwrap().unwrap_err();
    assert!(broken.contains("is missing"), "{broken}");
    room.store.set(&part, whole);
    let bundle = commit::commit(&room.context, &room.export()).await.unwrap().unwrap();
    assert_eq!(bundle.manifest_digest.len(), 64);
    let written = room.store.content(&format!("{}manifest.json", bundle.prefix)).unwrap();
    assert_eq!(Manifest::digest(&written).to_string(), bundle.manifest_digest);
    room.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_whose_export_is_over_is_sent_home() {
    let room = Room::open().await;
    let args = room.args().await;
    room.order().await;
    room.set_status("step", json!("Signing"));
    let failure = run(&args).await.unwrap_err();
    assert_eq!((failure.code, failure.reason.as_str()), (outcome::REFUSED, "ExportOver"));
    assert_eq!(room.store.granted_puts(), 0);
    room.stop.cancel();
}
