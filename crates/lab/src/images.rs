//! The images that pods on a ground run, made without a container engine and known by digest before they are loaded.
//!
//! A pod may name an image by tag ([`Image::tagged`]) or by digest ([`Image::pinned`]); both start without asking a
//! registry, with `imagePullPolicy: IfNotPresent`. The host part `steppe.local` is nobody's: an image that was
//! forgotten fails to be pulled instead of coming from a stranger.

pub mod archive;
pub mod catalog;
pub mod layer;
pub mod push;
pub mod root;

use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::node::{self, Ground};
pub use catalog::{Images, build, control_plane, operator};

/// The host part of all our images' names.
pub const HOST: &str = "steppe.local";

/// An image in the cache.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// The name without tag, such as `steppe.local/snac`.
    pub repository: String,
    /// The tag.
    pub tag: String,
    /// The digest of its manifest, `sha256:…`.
    pub digest: String,
    /// The file that holds it: an OCI layout and a docker-archive in one tar.
    pub archive: PathBuf,
}

impl Image {
    /// `repository:tag`.
    pub fn tagged(&self) -> String {
        format!("{}:{}", self.repository, self.tag)
    }

    /// `repository@sha256:…`: this very image and no other.
    pub fn pinned(&self) -> String {
        format!("{}@{}", self.repository, self.digest)
    }
}

/// Gives the node an image under both its names, unless it has it. Returns whether it was loaded now.
pub async fn import(ground: &Ground, image: &Image) -> Result<bool> {
    let asked = ground.clone();
    let present = tokio::task::spawn_blocking(move || node::containerd::images(&asked)).await??;
    if present.contains(&image.pinned()) && present.contains(&image.tagged()) {
        return Ok(false);
    }
    node::import_image(ground, &image.archive).await?;
    Ok(true)
}
