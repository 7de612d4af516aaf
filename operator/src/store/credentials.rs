//! Credentials from mounted files, read anew for each request, so that they can be rotated under a running program.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::aws::AwsCredential;
use object_store::{CredentialProvider, Error, Result};

use super::StoreError;

/// The files `access-key` and `secret-key` in one folder, as a Secret is mounted.
#[derive(Debug, Clone)]
pub(super) struct Files(pub PathBuf);

impl Files {
    pub(super) fn read(&self) -> std::result::Result<AwsCredential, StoreError> {
        let file = |name: &str| {
            let path = self.0.join(name);
            std::fs::read_to_string(&path)
                .map(|text| text.trim().to_owned())
                .map_err(|error| StoreError::Credentials { path: path.display().to_string(), error })
        };
        Ok(AwsCredential { key_id: file("access-key")?, secret_key: file("secret-key")?, token: None })
    }
}

impl CredentialProvider for Files {
    type Credential = AwsCredential;

    fn get_credential<'a, 'b>(&'a self) -> futures::future::BoxFuture<'b, Result<Arc<AwsCredential>>>
    where
        'a: 'b,
        Self: 'b,
    {
        let read = self.read().map(Arc::new).map_err(|error| Error::Generic { store: "S3", source: error.into() });
        Box::pin(std::future::ready(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_trimmed_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files(folder.path().to_owned());
        assert!(files.read().unwrap_err().to_string().contains("access-key"));
        std::fs::write(folder.path().join("access-key"), "AKEY\n").unwrap();
        std::fs::write(folder.path().join("secret-key"), "CANARY\n").unwrap();
        let credential = files.read().unwrap();
        assert_eq!((credential.key_id.as_str(), credential.secret_key.as_str()), ("AKEY", "CANARY"));
        assert!(!format!("{files:?} {credential:?}").contains("CANARY"));
    }
}
