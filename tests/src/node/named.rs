//! An existing cluster that the tests were told to use, by name.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use lab::cache::Cache;
use lab::demo::{self, Cell};
use lab::tools::Progress;

/// Which cluster, and how images and names get there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The context's name in the kubeconfig.
    pub context: String,
    /// The kubeconfig; `None` for the usual one.
    pub kubeconfig: Option<PathBuf>,
    /// The registry that the cluster can pull from.
    pub registry: String,
    /// What only its owner knows of it: a file that `docs/operating.md` describes.
    pub place: PathBuf,
    /// The run of tests that uses it.
    pub run: String,
}

impl Named {
    /// The cluster that the environment names, if it names one.
    ///
    /// # Errors
    /// When it does not say how images and names get there.
    pub fn from_environment() -> Result<Option<Self>> {
        #[allow(clippy::disallowed_methods)] // A test program has no command line of its own.
        Self::of(|name| std::env::var_os(name))
    }

    fn of(read: impl Fn(&str) -> Option<OsString>) -> Result<Option<Self>> {
        let get = |name: &str| -> Result<Option<String>> {
            let value = read(name).filter(|value| !value.is_empty());
            let text =
                value.map(|value| value.into_string().map_err(|bad| anyhow::anyhow!("{name}: {}", bad.display())));
            text.transpose()
        };
        let Some(context) = get("STEPPE_TEST_CONTEXT")? else {
            return Ok(None);
        };
        let must = |name: &str| get(name)?.with_context(|| format!("STEPPE_TEST_CONTEXT={context} needs {name}"));
        // Without a run's name each test program is a run of its own, and needs the cluster empty.
        let run = get("STEPPE_TEST_RUN")?.unwrap_or_else(|| format!("process-{}", std::process::id()));
        let (registry, place) = (must("STEPPE_TEST_REGISTRY")?, must("STEPPE_TEST_PLACE")?.into());
        Ok(Some(Self { context, kubeconfig: None, registry, place, run }))
    }

    /// Makes it a cell, unless this run has done so already.
    ///
    /// # Errors
    /// When somebody else uses it, before anything is changed there; when it does not become a cell.
    pub async fn cell(&self, cache: &Cache, progress: &mut dyn Progress) -> Result<Cell> {
        let named = demo::Named {
            context: &self.context,
            kubeconfig: self.kubeconfig.as_deref(),
            registry: &self.registry,
            place: &self.place,
        };
        demo::for_tests(&named, &self.run, cache, progress).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(values: &[(&str, &str)]) -> Result<Option<Named>> {
        Named::of(|name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn no_cluster_is_used_without_a_name() {
        assert_eq!(named(&[("KUBECONFIG", "/k"), ("STEPPE_TEST_REGISTRY", "r")]).unwrap(), None);
        assert_eq!(named(&[("STEPPE_TEST_CONTEXT", "")]).unwrap(), None);
    }

    #[test]
    fn a_name_alone_says_what_else_is_needed() {
        let error = named(&[("STEPPE_TEST_CONTEXT", "one")]).unwrap_err().to_string();
        assert!(error.contains("STEPPE_TEST_REGISTRY"), "{error}");
        let some = [("STEPPE_TEST_CONTEXT", "one"), ("STEPPE_TEST_REGISTRY", "r"), ("STEPPE_TEST_PLACE", "/p")];
        let one = named(&some).unwrap().unwrap();
        assert_eq!((one.context.as_str(), one.registry.as_str()), ("one", "r"));
        assert!(!one.run.is_empty());
    }
}
