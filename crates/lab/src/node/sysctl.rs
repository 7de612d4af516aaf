//! Kernel settings of the whole machine that the kubelet changes, remembered so that they can be put back.
//! (Network settings need no care: they belong to the ground's own network namespace.)

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What the kubelet sets when it does not protect the kernel's defaults.
/// Source: Kubernetes 1.35, `pkg/util/sysctl/sysctl.go`, used by `setupKernelTunables` of the container manager.
const TOUCHED: [&str; 6] = [
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
];

/// The values of those settings at one moment, by path below `/proc/sys`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Kernel(BTreeMap<String, String>);

fn path(setting: &str) -> PathBuf {
    Path::new("/proc/sys").join(setting)
}

impl Kernel {
    /// The values now. A setting this kernel does not have is left out.
    pub fn now() -> Self {
        let value =
            |setting: &&str| Some(((*setting).to_owned(), fs::read_to_string(path(setting)).ok()?.trim().to_owned()));
        Self(TOUCHED.iter().filter_map(value).collect())
    }

    /// Puts the values back where they differ.
    pub fn restore(&self) -> Result<()> {
        let now = Self::now();
        for (setting, value) in &self.0 {
            if now.0.get(setting) != Some(value) {
                fs::write(path(setting), value).with_context(|| format!("cannot set {setting} back to {value}"))?;
            }
        }
        Ok(())
    }
}
