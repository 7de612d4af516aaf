//! A running server is closed, and waits for its purge.

use anyhow::Result;
use serde_json::json;

use super::{Place, Story};

/// A running server is closed.
pub struct Close;

impl Story for Close {
    fn name(&self) -> &'static str {
        "close"
    }

    async fn begin(&self, place: &Place) -> Result<()> {
        place.server().await.map(drop)
    }

    async fn drive(&self, place: &Place, _: usize) -> Result<()> {
        place.wish(json!({ "mode": "Closing", "revision": 2 })).await
    }

    async fn settled(&self, place: &Place, _: usize) -> Result<bool> {
        Ok(Place::is_still(&place.instance().await?))
    }
}
