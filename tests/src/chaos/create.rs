//! A server is asked for and gets ready.

use anyhow::Result;

use super::{Place, Story};

/// A server is asked for and gets ready.
pub struct Create;

impl Story for Create {
    fn name(&self) -> &'static str {
        "create"
    }

    async fn begin(&self, _: &Place) -> Result<()> {
        Ok(())
    }

    async fn drive(&self, place: &Place, _: usize) -> Result<()> {
        place.ask().await.map(drop)
    }

    async fn settled(&self, place: &Place, _: usize) -> Result<bool> {
        place.is_ready(&place.instance().await?).await
    }
}
