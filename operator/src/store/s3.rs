//! An S3-compatible store.

use std::path::Path as FilePath;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{StreamExt as _, TryStreamExt as _};
use http::{HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer as _};
use object_store::{
    Certificate, ClientOptions, ObjectMeta, ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload, RetryConfig,
};

use super::credentials::Files;
use super::{Grant, Meta, Object, Put, Store, StoreError};

/// S3 checks an object against this header while it is put.
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// A store that speaks S3, addressed by path, with credentials from mounted files.
#[derive(Debug)]
pub struct S3Store {
    credentials: Files,
    client: RwLock<Option<Client>>,
}

#[derive(Debug)]
struct Client {
    at: crd::cell::ObjectStore,
    trust: Option<String>,
    s3: Arc<AmazonS3>,
}

impl S3Store {
    /// A store whose credentials are the files `access-key` and `secret-key` in `folder`. It can be used after the first
    /// [`Store::configure`].
    #[must_use]
    pub fn new(folder: &FilePath) -> Self {
        Self { credentials: Files(folder.to_owned()), client: RwLock::new(None) }
    }

    fn build(&self, at: &crd::cell::ObjectStore, trust: Option<&str>) -> Result<AmazonS3, StoreError> {
        let wrong = |error: &dyn std::fmt::Display| StoreError::Configuration(error.to_string());
        let mut options = ClientOptions::new()
            .with_allow_http(true)
            .with_connect_timeout(Duration::from_secs(5))
            .with_timeout(Duration::from_secs(120));
        if let Some(pem) = trust {
            for certificate in Certificate::from_pem_bundle(pem.as_bytes()).map_err(|e| wrong(&e))? {
                options = options.with_root_certificate(certificate);
            }
        }
        let retry = RetryConfig { max_retries: 3, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() };
        AmazonS3Builder::new()
            .with_endpoint(at.endpoint.trim_end_matches('/'))
            .with_bucket_name(&at.bucket)
            .with_region(&at.region)
            .with_virtual_hosted_style_request(false)
            .with_client_options(options)
            .with_retry(retry)
            .with_credentials(Arc::new(self.credentials.clone()))
            .build()
            .map_err(|e| wrong(&e))
    }

    fn s3(&self) -> Result<Arc<AmazonS3>, StoreError> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        client.as_ref().map(|client| Arc::clone(&client.s3)).ok_or(StoreError::NotConfigured)
    }
}

impl Store for S3Store {
    fn configure(&self, at: &crd::cell::ObjectStore, trust_bundle: Option<&str>) -> Result<(), StoreError> {
        let same = |client: &Client| client.at == *at && client.trust.as_deref() == trust_bundle;
        if self.client.read().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(same) {
            return Ok(());
        }
        let s3 = Arc::new(self.build(at, trust_bundle)?);
        let client = Client { at: at.clone(), trust: trust_bundle.map(str::to_owned), s3 };
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = Some(client);
        Ok(())
    }

    fn presign_put<'a>(
        &'a self,
        key: &'a str,
        sha256: [u8; 32],
        valid: Duration,
    ) -> BoxFuture<'a, Result<Grant, StoreError>> {
        async move {
            let checksum = STANDARD.encode(sha256);
            let value = HeaderValue::from_str(&checksum).map_err(|e| failed("granting", key, e))?;
            let options = SignedUrlOptions::new().with_signed_header(HeaderName::from_static(CHECKSUM), value);
            let path = path(key)?;
            let url = self.s3()?.signed_url_opts(Method::PUT, &path, valid, &options).await;
            let url = url.map_err(|e| failed("granting", key, e))?;
            Ok(Grant { url, headers: vec![(CHECKSUM.to_owned(), checksum)] })
        }
        .boxed()
    }

    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            let put = self.s3()?.put(&path(key)?, content.into()).await;
            put.map(|_| ()).map_err(|e| failed("putting", key, e))
        }
        .boxed()
    }

    fn put_if_absent<'a>(&'a self, key: &'a str, content: Bytes) -> BoxFuture<'a, Result<Put, StoreError>> {
        async move {
            let content = PutPayload::from(content);
            match self.s3()?.put_opts(&path(key)?, content, PutMode::Create.into()).await {
                Ok(_) => Ok(Put::Created),
                Err(object_store::Error::AlreadyExists { .. }) => Ok(Put::Exists),
                Err(error) => Err(failed("putting", key, error)),
            }
        }
        .boxed()
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Object>, StoreError>> {
        async move {
            match self.s3()?.get(&path(key)?).await {
                Ok(found) => {
                    let (size, key) = (found.meta.size, key.to_owned());
                    let stream = found.into_stream().map_err(move |e| failed("reading", &key, e)).boxed();
                    Ok(Some(Object { size, stream }))
                }
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(failed("reading", key, error)),
            }
        }
        .boxed()
    }

    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Meta>, StoreError>> {
        async move {
            match self.s3()?.head(&path(key)?).await {
                Ok(found) => Ok(Some(meta(&found))),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(failed("looking at", key, error)),
            }
        }
        .boxed()
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Meta>, StoreError>> {
        async move {
            let s3 = self.s3()?;
            let path = path(prefix.trim_end_matches('/'))?;
            let found: Result<Vec<_>, _> = s3.list(Some(&path)).map_ok(|found| meta(&found)).try_collect().await;
            let mut found = found.map_err(|e| failed("listing", prefix, e))?;
            found.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(found)
        }
        .boxed()
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            match self.s3()?.delete(&path(key)?).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(failed("deleting", key, error)),
            }
        }
        .boxed()
    }
}

fn path(key: &str) -> Result<Path, StoreError> {
    Path::parse(key).map_err(|e| failed("naming", key, e))
}

fn meta(found: &ObjectMeta) -> Meta {
    let modified = Timestamp::from_second(found.last_modified.timestamp()).unwrap_or_default();
    Meta { key: found.location.to_string(), size: found.size, modified }
}

fn failed(doing: &'static str, key: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Failed { doing, key: key.to_owned(), source: error.into() }
}
