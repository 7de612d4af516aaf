//! Which test programs belong to which stage: by their name, or by what their package says. Nothing is listed by
//! hand, so that nothing can be forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use cargo_metadata::{Metadata, Package, Target, TargetKind};
use serde::Deserialize;

use crate::cli::OnlyStage;

/// In the order of what they need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Needs nothing but the machine's cargo.
    Unit,
    /// Needs a database.
    Db,
    /// Needs an apiserver without a node.
    Light,
    /// Brings up nodes of its own.
    Ground,
    /// Needs a node that runs pods, which all of these share.
    Node,
    /// Journeys through the whole.
    E2e,
}

impl Stage {
    pub const ALL: [Self; 6] = [Self::Unit, Self::Db, Self::Light, Self::Ground, Self::Node, Self::E2e];

    pub fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Db => "db",
            Self::Light => "light",
            Self::Ground => "ground",
            Self::Node => "node",
            Self::E2e => "e2e",
        }
    }

    /// `node`, `node_reboot` and `node-reboot` are of stage node; everything else is of stage unit.
    fn by_name(name: &str) -> Self {
        let first = name.split(['_', '-']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|stage| stage.name() == first).unwrap_or(Self::Unit)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl From<OnlyStage> for Stage {
    fn from(only: OnlyStage) -> Self {
        match only {
            OnlyStage::Unit => Self::Unit,
            OnlyStage::Db => Self::Db,
            OnlyStage::Light => Self::Light,
            OnlyStage::Ground => Self::Ground,
            OnlyStage::Node => Self::Node,
            OnlyStage::E2e => Self::E2e,
        }
    }
}

/// A program of tests that cargo can build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestTarget {
    pub package: String,
    pub manifest: PathBuf,
    pub name: String,
    /// `lib`, `bin` or `test`, as cargo says.
    pub kind: String,
    pub stage: Stage,
    /// Whether it can use an existing cluster, or needs none.
    pub anywhere: bool,
}

impl TestTarget {
    /// `operator (lib)`, `e2e light_create`.
    pub fn title(&self) -> String {
        match self.kind.as_str() {
            "test" => format!("{} {}", self.package, self.name),
            kind => format!("{} ({kind} {})", self.package, self.name),
        }
    }
}

/// `[package.metadata.steppe] stage = { services = "node" }` in a Cargo.toml, and `anywhere = ["node_journey"]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wishes {
    #[serde(default)]
    stage: BTreeMap<String, Stage>,
    /// Tests of stage node or e2e that can use an existing cluster, or need none.
    #[serde(default)]
    anywhere: BTreeSet<String>,
}

/// All test programs of the workspace, in the order of stages.
///
/// # Errors
/// When a package's wish names no stage or no test of its own, or when a test is switched off in a manifest.
pub fn discover(metadata: &Metadata) -> anyhow::Result<Vec<TestTarget>> {
    let mut targets = Vec::new();
    for package in metadata.workspace_packages() {
        let wishes = wishes(package)?;
        for name in wishes.stage.keys().chain(&wishes.anywhere) {
            if !package.targets.iter().any(|target| target.is_test() && target.name == *name) {
                bail!("{}: [package.metadata.steppe] names `{name}`, but there is no such test", package.manifest_path);
            }
        }
        for target in &package.targets {
            if target.is_test() && !target.test {
                bail!("{}: the test `{}` is switched off (test = false)", package.manifest_path, target.name);
            }
            if target.test && !target.is_example() && !target.is_bench() {
                targets.push(test_target(package, target, &wishes));
            }
        }
    }
    targets.sort_by_key(|target| target.stage);
    Ok(targets)
}

/// Takes out what needs a ground of ours, for a run on an existing cluster: what was taken out, by title.
pub fn leave_out(targets: &mut Vec<TestTarget>) -> Vec<String> {
    targets.extract_if(.., |target| !target.anywhere).map(|target| target.title()).collect()
}

/// Whether any library has examples in its docs to run.
pub fn has_doc_tests(metadata: &Metadata) -> bool {
    metadata.workspace_packages().iter().flat_map(|package| &package.targets).any(|target| target.doctest)
}

fn wishes(package: &Package) -> anyhow::Result<Wishes> {
    let Some(wishes) = package.metadata.get("steppe") else {
        return Ok(Wishes::default());
    };
    serde_json::from_value(wishes.clone())
        .with_context(|| format!("{}: [package.metadata.steppe]", package.manifest_path))
}

fn test_target(package: &Package, target: &Target, wishes: &Wishes) -> TestTarget {
    let stage = match target.is_kind(TargetKind::Test) {
        true => wishes.stage.get(&target.name).copied().unwrap_or_else(|| Stage::by_name(&target.name)),
        false => Stage::Unit,
    };
    TestTarget {
        package: package.name.to_string(),
        manifest: package.manifest_path.clone().into(),
        name: target.name.clone(),
        kind: target.kind.first().map(ToString::to_string).unwrap_or_default(),
        stage,
        anywhere: stage < Stage::Ground || wishes.anywhere.contains(&target.name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn workspace(tests: &[&str], wishes: &Value) -> Metadata {
        let target = |kind: &str, name: &str| {
            json!({"kind": [kind], "crate_types": ["bin"], "name": name, "src_path": "/r/x.rs", "edition": "2024",
                   "doc": false, "doctest": kind == "lib", "test": true})
        };
        let mut targets = vec![target("lib", "lab"), target("bin", "node_tool")];
        targets.extend(tests.iter().map(|name| target("test", name)));
        let package = json!({"name": "lab", "version": "0.1.0", "id": "lab", "source": null, "license": "MIT",
            "description": null, "authors": [], "edition": "2024", "features": {}, "dependencies": [],
            "manifest_path": "/r/lab/Cargo.toml", "targets": targets, "metadata": {"steppe": wishes}});
        serde_json::from_value(json!({"packages": [package], "workspace_members": ["lab"],
            "workspace_default_members": ["lab"], "resolve": null, "workspace_root": "/r",
            "target_directory": "/t", "version": 1, "metadata": null}))
        .unwrap()
    }

    fn stages(metadata: &Metadata) -> Vec<(String, Stage)> {
        discover(metadata).unwrap().into_iter().map(|target| (target.name, target.stage)).collect()
    }

    #[test]
    fn names_tell_the_stage_and_unknown_ones_are_unit() {
        let metadata = workspace(&["node_reboot", "e2e_leave", "light", "db_rows", "nodes", "parsing"], &json!({}));
        let expected = [
            ("lab", Stage::Unit),
            // Only tests go by name: a program's own tests need no ground.
            ("node_tool", Stage::Unit),
            ("nodes", Stage::Unit),
            ("parsing", Stage::Unit),
            ("db_rows", Stage::Db),
            ("light", Stage::Light),
            ("node_reboot", Stage::Node),
            ("e2e_leave", Stage::E2e),
        ];
        assert_eq!(stages(&metadata), expected.map(|(name, stage)| (name.to_owned(), stage)));
        assert!(has_doc_tests(&metadata));
    }

    #[test]
    fn a_package_may_say_otherwise() {
        let metadata = workspace(&["services"], &json!({"stage": {"services": "ground"}}));
        assert!(stages(&metadata).contains(&("services".to_owned(), Stage::Ground)));
    }

    #[test]
    fn a_wish_that_means_nothing_is_an_error() {
        for wishes in [
            json!({"stage": {"gone": "node"}}),
            json!({"stage": {"light": "nowhere"}}),
            json!({"stages": {}}),
            json!({"anywhere": ["gone"]}),
        ] {
            assert!(discover(&workspace(&["light"], &wishes)).is_err(), "{wishes}");
        }
    }

    #[test]
    fn on_an_existing_cluster_only_those_are_left_out_that_need_a_ground_of_ours() {
        let tests = ["light", "node_disk", "node_journey", "services", "e2e_leave", "parsing"];
        let wishes = json!({"stage": {"services": "ground"}, "anywhere": ["node_journey"]});
        let mut targets = discover(&workspace(&tests, &wishes)).unwrap();
        assert_eq!(leave_out(&mut targets), ["lab services", "lab node_disk", "lab e2e_leave"]);
        let left: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        assert_eq!(left, ["lab", "node_tool", "parsing", "light", "node_journey"]);
    }

    #[test]
    fn a_test_that_is_switched_off_is_an_error() {
        let mut metadata = workspace(&["light"], &json!({}));
        metadata.packages[0].targets.last_mut().unwrap().test = false;
        assert!(discover(&metadata).unwrap_err().to_string().contains("switched off"));
    }
}
