//! A running server is frozen and thawed.

use anyhow::Result;
use serde_json::json;

use super::{Place, Story};

/// A running server is frozen and thawed.
pub struct Freeze;

impl Story for Freeze {
    fn name(&self) -> &'static str {
        "freeze and thaw"
    }

    async fn begin(&self, place: &Place) -> Result<()> {
        place.server().await.map(drop)
    }

    fn steps(&self) -> usize {
        2
    }

    async fn drive(&self, place: &Place, step: usize) -> Result<()> {
        match step {
            0 => place.wish(json!({ "mode": "Frozen", "revision": 2 })).await,
            _ => place.wish(json!({ "mode": "Running", "revision": 3 })).await,
        }
    }

    async fn settled(&self, place: &Place, step: usize) -> Result<bool> {
        let instance = place.instance().await?;
        if step == 0 { Ok(Place::is_still(&instance)) } else { place.is_ready(&instance).await }
    }
}
