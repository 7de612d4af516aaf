//! The object store's client against a real S3 server.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::StreamExt as _;
use lab::tools::{self, Quiet};
use lab::wait;
use operator::store::{self, Grant, Put, S3Store, Store, StoreError};

const SECRET: &str = "CANARY-SECRET-KEY";

/// A versitygw of its own, and our client for it. Ends when dropped.
struct Gateway {
    child: Child,
    folder: tempfile::TempDir,
    store: S3Store,
    at: crd::cell::ObjectStore,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Gateway {
    async fn start() -> Result<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let tools = tools::services(&e2e::node::cache()?, &mut Quiet).await?;
        let folder = tempfile::tempdir()?;
        for name in ["data/bundles", "keys"] {
            std::fs::create_dir_all(folder.path().join(name))?;
        }
        std::fs::write(folder.path().join("keys/access-key"), "root\n")?;
        std::fs::write(folder.path().join("keys/secret-key"), format!("{SECRET}\n"))?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let child = Command::new(tools.program("versitygw"))
            .args(["--port", &format!("127.0.0.1:{port}"), "--health", "/health", "--region", "us-east-1", "--quiet"])
            .arg("posix")
            .arg(folder.path().join("data"))
            .env("ROOT_ACCESS_KEY", "root")
            .env("ROOT_SECRET_KEY", SECRET)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let at = crd::cell::ObjectStore {
            endpoint: format!("http://127.0.0.1:{port}"),
            bucket: "bundles".into(),
            region: "us-east-1".into(),
            cidrs: Vec::new(),
        };
        let store = S3Store::new(&folder.path().join("keys"));
        assert!(matches!(store.head("x").await, Err(StoreError::NotConfigured)));
        store.configure(&at, None)?;
        let gateway = Self { child, folder, store, at };
        wait::until("the store to answer", Duration::from_secs(20), async || {
            Ok(gateway.store.list("none/").await.ok())
        })
        .await?;
        Ok(gateway)
    }
}

async fn put(grant: &Grant, content: &str) -> Result<u16> {
    let mut request = reqwest::Client::new().put(grant.url.clone()).body(content.to_owned());
    for (name, value) in &grant.headers {
        request = request.header(name, value);
    }
    Ok(request.send().await?.status().as_u16())
}

fn sha256(content: &str) -> [u8; 32] {
    *bundle::format::Digest::of(content).as_bytes()
}

#[tokio::test]
async fn objects_come_and_go() -> Result<()> {
    let gateway = Gateway::start().await?;
    let store: &dyn Store = &gateway.store;
    assert_eq!(store::read(store, "work/e/finish.json", 10).await?, None);
    assert_eq!(store.head("work/e/finish.json").await?, None);
    store.put("work/e/finish.json", Bytes::from_static(b"one")).await?;
    store.put("work/e/finish.json", Bytes::from_static(b"two")).await?;
    assert_eq!(store::read(store, "work/e/finish.json", 10).await?.context("gone")?, "two");
    assert!(matches!(store::read(store, "work/e/finish.json", 2).await, Err(StoreError::TooLong { limit: 2 })));
    assert_eq!(store.head("work/e/finish.json").await?.context("gone")?.size, 3);

    // An empty object marks that a pod has begun to write.
    store.put("work/e/writers/pod-1", Bytes::new()).await?;
    for n in 0..5 {
        store.put(&format!("work/e/segments/{n:06}.json"), Bytes::from(vec![b'x'; n])).await?;
    }
    let listed = store.list("work/e/segments/").await?;
    let sizes: Vec<_> = listed.iter().map(|meta| (meta.key.as_str(), meta.size)).collect();
    assert_eq!(sizes.first(), Some(&("work/e/segments/000000.json", 0)));
    assert_eq!(sizes.last(), Some(&("work/e/segments/000004.json", 4)));
    assert_eq!(store.list("work/e/").await?.len(), 7);
    assert_eq!(store.list("work/").await?.len(), 7);
    // A prefix is a folder, not the beginning of a name.
    store.put("work/elsewhere", Bytes::new()).await?;
    assert_eq!(store.list("work/e/").await?.len(), 7);

    store.delete("work/e/finish.json").await?;
    store.delete("work/e/finish.json").await?;
    assert_eq!(store.head("work/e/finish.json").await?, None);
    Ok(())
}

#[tokio::test]
async fn a_manifest_is_written_once() -> Result<()> {
    let gateway = Gateway::start().await?;
    let store: &dyn Store = &gateway.store;
    let tries = (0..8).map(|n| async move {
        let content = Bytes::from(format!("manifest {n}"));
        store.put_if_absent("bundles/i/e/manifest.json", content).await
    });
    let puts: Vec<_> = futures::future::join_all(tries).await.into_iter().collect::<Result<_, _>>()?;
    assert_eq!(puts.iter().filter(|put| **put == Put::Created).count(), 1, "{puts:?}");
    let written = store::read(store, "bundles/i/e/manifest.json", 100).await?.context("gone")?;
    let ensured = store::ensure(store, "bundles/i/e/manifest.json", Bytes::from_static(b"other"), 100).await?;
    assert_eq!(ensured, written);
    Ok(())
}

#[tokio::test]
async fn a_big_object_is_streamed() -> Result<()> {
    let gateway = Gateway::start().await?;
    let content = Bytes::from((0..8 << 20).map(|n: u32| n.to_le_bytes()[0]).collect::<Vec<_>>());
    gateway.store.put("bundles/i/e/part", content.clone()).await?;
    let mut object = gateway.store.get("bundles/i/e/part").await?.context("gone")?;
    assert_eq!(object.size, content.len() as u64);
    let (mut chunks, mut bytes) = (0, Vec::new());
    while let Some(chunk) = object.stream.next().await {
        bytes.extend_from_slice(&chunk?);
        chunks += 1;
    }
    assert!(chunks > 1 && bytes == content);
    Ok(())
}

#[tokio::test]
async fn a_grant_opens_one_object_for_one_content_for_a_while() -> Result<()> {
    let gateway = Gateway::start().await?;
    let key = "bundles/i/e/segment-0000/part-0000.tar.gz.age";
    let grant = gateway.store.presign_put(key, sha256("right"), Duration::from_secs(60)).await?;
    assert_eq!(put(&grant, "wrong").await?, 400, "another content");
    assert_eq!(gateway.store.head(key).await?, None);
    let bare = Grant { headers: Vec::new(), ..grant.clone() };
    assert_eq!(put(&bare, "right").await?, 403, "without the header that was signed");
    let mut elsewhere = grant.clone();
    elsewhere.url.set_path("/bundles/bundles/i/e/manifest.json");
    assert_eq!(put(&elsewhere, "right").await?, 403, "another object");
    assert_eq!(put(&grant, "right").await?, 200);
    assert_eq!(put(&grant, "right").await?, 200, "a repeat");
    assert_eq!(store::read(&gateway.store, key, 10).await?.context("gone")?, "right");

    let brief = gateway.store.presign_put(key, sha256("late"), Duration::from_secs(1)).await?;
    wait::until("the grant to expire", Duration::from_secs(20), async || {
        Ok((put(&brief, "late").await? == 403).then_some(()))
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn keys_can_be_rotated_and_are_never_told() -> Result<()> {
    let gateway = Gateway::start().await?;
    let mut told = format!("{:?}", gateway.store);
    let file = gateway.folder.path().join("keys/secret-key");
    std::fs::write(&file, "CANARY-WRONG")?;
    let error = gateway.store.put("a/b", Bytes::new()).await.err().context("a wrong key was taken")?;
    told.push_str(&format!("{error:?} {error}"));
    std::fs::remove_file(&file)?;
    let error = gateway.store.put("a/b", Bytes::new()).await.err().context("no key was taken")?;
    told.push_str(&format!("{error:?} {error}"));
    std::fs::write(&file, SECRET)?;
    gateway.store.put("a/b", Bytes::new()).await?;
    let grant = gateway.store.presign_put("a/b", sha256(""), Duration::from_secs(60)).await?;
    told.push_str(&format!("{grant:?}"));
    assert!(!told.contains("CANARY") && !told.contains("X-Amz-Signature"), "{told}");

    let mut gone = gateway.at.clone();
    gone.endpoint = "http://127.0.0.1:9".into();
    gateway.store.configure(&gone, None)?;
    assert!(gateway.store.head("a/b").await.is_err());
    gateway.store.configure(&gateway.at, None)?;
    assert!(gateway.store.head("a/b").await?.is_some());
    Ok(())
}
