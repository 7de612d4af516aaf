//! The image of the process that holds a pod's namespaces: a static busybox that sleeps. The usual one cannot be pulled
//! where only package registries can be reached.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::cache::Cache;
use crate::images::archive::{Content, Entry, Recipe};
use crate::images::{HOST, Image};

/// The image's name.
const NAME: &str = "pause";
const TAG: &str = "1";
/// Where Debian's busybox-static puts its program.
const BUSYBOX: &str = "/bin/busybox";

/// What containerd asks for.
pub fn reference() -> String {
    format!("{HOST}/{NAME}:{TAG}")
}

/// The image, made now unless the cache has it.
pub fn image(cache: &Cache) -> Result<Image> {
    ensure!(std::path::Path::new(BUSYBOX).exists(), "there is no {BUSYBOX}: install busybox-static");
    let entries = vec![Entry::new("busybox", 0o755, Content::Copy(BUSYBOX.into()))];
    // The user is a number, because the image has no /etc/passwd.
    let config = json!({"User": "65535:65535", "Entrypoint": ["/busybox", "sleep", "2147483647"]});
    Recipe { name: NAME, tag: Some(TAG.into()), base: Vec::new(), entries, config }.make(cache)
}
