//! The light ground, its status double and the fault proxy, against a real API server; PostgreSQL and mails beside it.
#![allow(clippy::unwrap_used, clippy::panic)] // What helpers of a test find wrong fails the test.

#[path = "light/double.rs"]
mod double;
#[path = "light/ground.rs"]
mod ground;
#[path = "light/mails.rs"]
mod mails;
#[path = "light/postgres.rs"]
mod postgres;
#[path = "light/proxy.rs"]
mod proxy;
#[path = "light/toy.rs"]
mod toy;

use std::collections::BTreeMap;
use std::time::Duration;

use lab::cache::Cache;
use lab::light::Light;

/// How long anything here may take before it has failed. A deadline, not a measure.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The ground that the tests of this file share.
pub async fn light() -> &'static Light {
    Light::shared(&Cache::open(None).unwrap()).await.unwrap()
}

/// A namespace of one's own.
pub async fn namespace(light: &Light, name: &str) {
    light.namespace(name, &BTreeMap::new()).await.unwrap();
}
