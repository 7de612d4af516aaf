//! A store that speaks S3.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential};
use object_store::path::Path;
use object_store::{
    ClientOptions, CredentialProvider, GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _, RetryConfig,
};
use serde::Deserialize;

use super::{Content, Meta, Objects, ObjectsError};

/// The file in a cell's folder that says where its store is.
pub(super) const DESCRIPTION: &str = "store.toml";

/// Where a store is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Description {
    /// Its base URL as seen from here.
    endpoint: String,
    bucket: String,
    #[serde(default = "region")]
    region: String,
}

fn region() -> String {
    "us-east-1".to_owned()
}

/// A store that speaks S3, addressed by path.
#[derive(Debug)]
pub struct S3 {
    cell: String,
    client: AmazonS3,
}

impl S3 {
    /// A store as `description` says. Its credentials are the files `access-key` and `secret-key` in `folder`.
    ///
    /// # Errors
    /// When the description cannot be used.
    pub fn open(cell: &str, folder: PathBuf, description: &str) -> Result<Self, ObjectsError> {
        let wrong = |why: String| ObjectsError::Configuration { cell: cell.to_owned(), why };
        let at: Description =
            toml::from_str(description).map_err(|error| wrong(format!("{DESCRIPTION}: {}", error.message())))?;
        // A part that somebody fetches slowly takes as long as it takes; only silence ends it.
        let options = ClientOptions::new()
            .with_allow_http(true)
            .with_connect_timeout(Duration::from_secs(5))
            .with_timeout_disabled()
            .with_read_timeout(Duration::from_secs(60));
        let retry = RetryConfig { max_retries: 3, retry_timeout: Duration::from_secs(20), ..RetryConfig::default() };
        let client = AmazonS3Builder::new()
            .with_endpoint(at.endpoint.trim_end_matches('/'))
            .with_bucket_name(&at.bucket)
            .with_region(&at.region)
            .with_virtual_hosted_style_request(false)
            .with_client_options(options)
            .with_retry(retry)
            .with_credentials(Arc::new(Files(folder)))
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { cell: cell.to_owned(), client })
    }

    fn path(&self, key: &str) -> Result<Path, ObjectsError> {
        Path::parse(key).map_err(|error| self.unavailable(&error))
    }

    fn unavailable(&self, why: &dyn std::fmt::Display) -> ObjectsError {
        ObjectsError::Unavailable { cell: self.cell.clone(), why: why.to_string() }
    }

    fn failed(&self, error: &object_store::Error) -> ObjectsError {
        if let object_store::Error::NotFound { path, .. } = error {
            return ObjectsError::Missing(path.clone());
        }
        self.unavailable(error)
    }
}

impl Objects for S3 {
    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Meta, ObjectsError>> {
        async move {
            let found = self.client.head(&self.path(key)?).await.map_err(|error| self.failed(&error))?;
            Ok(Meta { size: found.size, tag: found.e_tag })
        }
        .boxed()
    }

    fn read<'a>(&'a self, key: &'a str, range: Range<u64>) -> BoxFuture<'a, Result<Content, ObjectsError>> {
        async move {
            if range.is_empty() {
                return Ok(futures::stream::empty().boxed());
            }
            let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
            let found = self.client.get_opts(&self.path(key)?, options).await.map_err(|error| self.failed(&error))?;
            let cell = self.cell.clone();
            let broken = move |error: object_store::Error| ObjectsError::Unavailable {
                cell: cell.clone(),
                why: error.to_string(),
            };
            Ok(found.into_stream().map_err(broken).boxed())
        }
        .boxed()
    }
}

/// The files `access-key` and `secret-key` in a folder, read anew for each request, so that they can be rotated under a
/// running program.
#[derive(Debug)]
struct Files(PathBuf);

impl CredentialProvider for Files {
    type Credential = AwsCredential;

    fn get_credential<'a, 'b>(&'a self) -> BoxFuture<'b, object_store::Result<Arc<AwsCredential>>>
    where
        'a: 'b,
        Self: 'b,
    {
        let file = |name: &str| {
            let path = self.0.join(name);
            let told = |error: std::io::Error| object_store::Error::Generic {
                store: "S3",
                source: format!("{}: {error}", path.display()).into(),
            };
            std::fs::read_to_string(&path).map(|text| text.trim().to_owned()).map_err(told)
        };
        let read = || Ok(AwsCredential { key_id: file("access-key")?, secret_key: file("secret-key")?, token: None });
        Box::pin(std::future::ready(read().map(Arc::new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_description_is_said_without_its_text() {
        let open = |text: &str| S3::open("west", "/nowhere".into(), text);
        assert!(open("endpoint = \"http://127.0.0.1:9\"\nbucket = \"bundles\"").is_ok());
        let error = open("endpoint = \"http://127.0.0.1:9\"\nbucket = \"b\"\nsecret = \"canary\"").unwrap_err();
        assert!(error.to_string().contains("west") && !error.to_string().contains("canary"), "{error}");
    }
}
