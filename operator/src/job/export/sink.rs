//! Where parts go: for each a grant, then a PUT.

use bundle::stream::{BoxError, Part, PartSink};

use super::api::Api;
use crate::grants::wire::PartRequest;

/// Stores parts through grants.
#[derive(Debug)]
pub(super) struct GrantSink(Api);

impl GrantSink {
    pub(super) fn new(api: Api) -> Self {
        Self(api)
    }
}

impl PartSink for GrantSink {
    async fn put(&mut self, part: Part) -> Result<(), BoxError> {
        let request = PartRequest { name: part.name.clone(), size: part.bytes.len() as u64, sha256: part.sha256 };
        Ok(self.0.put_part(&request, part.bytes).await?)
    }
}
