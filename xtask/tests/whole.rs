//! The command as people use it, on a small repository with programs of its own that stand in for ours.

#![cfg(test)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Does what the real `steppe-lab` promises xtask: progress lines on standard error, results on standard output.
const LAB_DOUBLE: &str = r##"//! Lab.
use std::io::Write as _;
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let _ = writeln!(err, r#"{{"stage":"{}","step":"one","message":"now","done":1,"total":2}}"#, words.join(" "));
    for name in ["KUBECONFIG", "STEPPE_TEST_CONTEXT", "STEPPE_TEST_PLACE"] {
        let _ = writeln!(err, "{name} {:?}", std::env::var_os(name));
    }
    if words.last().is_some_and(|word| word == "stay") {
        let _ = writeln!(out, "process {}", std::process::id());
        loop {
            std::thread::park();
        }
    }
    if words.iter().any(|word| word == "queries") {
        let list = std::fs::read_to_string(&words[words.len() - 1]).unwrap_or_default();
        let file = format!("{{\"name\":\"query-{}.json\",\"content\":\"described\"}}", list.len());
        let _ = writeln!(out, "[{{\"file\":{file}}}]");
    }
    if words[0] == "demo" {
        let _ = writeln!(out, "cluster is up");
        let _ = writeln!(out, r#"{{"cluster":1.5}}"#);
    }
}
"##;

const OPERATOR_DOUBLE: &str = r#"//! Operator.
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let _ = match words.as_slice() {
        [crds, _, folder] if crds == "crds" => std::fs::write(format!("{folder}/instances.yaml"), "kind: A\n"),
        _ => std::io::Write::write_all(&mut std::io::stdout(), b"Usage: steppe-operator\n"),
    };
}
"#;

const STEPPE_DOUBLE: &str = r#"//! Steppe.
macro_rules! query {
    ($text:literal) => {
        $text
    };
}
fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let text = match words.as_slice() {
        [word] if word == "openapi" => "{}\n",
        [word, _] if word == "openapi" => "Usage: steppe openapi\n",
        _ => concat!("Usage: steppe\n\nCommands:\n  openapi  Describe\n\nOptions:\n  ", query!("SELECT 1"), "\n"),
    };
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
}
"#;

const NAMES: &str = "//! Names.\n\n/// ```\n/// assert_eq!(names::one(), 1);\n/// ```\npub fn one() -> u8 {\n    1\n}\n\n\
    #[cfg(test)]\nmod tests {\n    #[test]\n    fn counts() {\n        assert_eq!(super::one(), 1);\n    }\n}\n";

struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(TempDir::new().unwrap());
        let toolchain = concat!(env!("CARGO_MANIFEST_DIR"), "/../rust-toolchain.toml");
        repository.write("rust-toolchain.toml", &fs::read_to_string(toolchain).unwrap());
        repository.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\", \"control-plane\", \"operator\", \"tests\"]\n",
        );
        for (folder, name, file, text) in [
            ("crates/names", "names", "lib.rs", NAMES),
            ("crates/lab", "lab", "bin/steppe-lab.rs", LAB_DOUBLE),
            ("tests", "e2e", "bin/steppe-bench.rs", LAB_DOUBLE),
            ("crates/bundle", "bundle", "bin/steppe-bundle.rs", OPERATOR_DOUBLE),
            ("control-plane", "control-plane", "bin/steppe.rs", STEPPE_DOUBLE),
            ("operator", "operator", "bin/steppe-operator.rs", OPERATOR_DOUBLE),
        ] {
            let manifest = format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"AGPL-3.0-or-later\"\n"
            );
            repository.write(&format!("{folder}/Cargo.toml"), &manifest);
            repository.write(&format!("{folder}/src/{file}"), text);
        }
        repository.write("README.md", "See `crates/names`.\n");
        repository.write(".gitignore", "/cache*\n");
        // Asked for its version only.
        repository.write("go-double/go", "#!/bin/sh\necho go1.25.0\n");
        repository.run("chmod", &["+x", "go-double/go"]);
        repository.run("git", &["init", "--quiet"]);
        repository.run("cargo", &["generate-lockfile", "--offline"]);
        repository.run("cargo", &["fmt", "--all"]);
        repository
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, program: &str, args: &[&str]) {
        let output = Command::new(program).args(args).current_dir(self.path()).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, args: &[&str]) -> Command {
        let path = format!("{}:{}", self.path().join("go-double").display(), env!("PATH"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(args)
            .current_dir(self.path())
            .env("STEPPE_CACHE", self.path().join("cache"))
            .env("CI", "true")
            .env("KUBECONFIG", "/somewhere/else")
            .env("PATH", path)
            .env_remove("CARGO_TARGET_DIR");
        command
    }

    fn xtask(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_good_repository_passes_and_every_stage_is_run() {
    let repository = Repository::new();
    let test = "//! Test.\n\n#[test]\nfn stands() {\n    assert!(std::env::var_os(\"STEPPE_BIN\").is_some());\n}\n";
    repository.write("crates/lab/tests/light_stands.rs", test);
    let made = repository.xtask(&["gen"]);
    assert!(made.status.success(), "{}", err(&made));
    // The list of queries is `["SELECT 1"]`, which has twelve letters.
    for made in ["charts/operator/templates/crds/instances.yaml", "docs/openapi.json", ".sqlx/query-12.json"] {
        assert!(repository.path().join(made).is_file(), "{made} is missing");
    }

    let output = repository.xtask(&["test"]);
    let (shown, said) = (out(&output), err(&output));
    // Ten rules, gen, queries, one unit test, one example in docs, one light test.
    assert_eq!(shown.lines().last(), Some("15 passed, 0 failed"), "{said}\n{shown}");
    assert!(output.status.success());
    for stage in ["programs", "preflight", "tools", "lint", "gen", "build", "queries", "unit", "light", "whole"] {
        assert!(shown.lines().any(|line| line.starts_with(stage)), "{stage} is missing in\n{shown}");
    }
    assert!(said.contains("KUBECONFIG=/somewhere/else found, not touched"), "{said}");
    // The lab's double says it as the real one says what it will do to the machine: it must be shown, not just kept.
    assert!(said.contains("KUBECONFIG None"), "{said}");
    let log = repository.path().join("cache/logs");
    let log = log.join(fs::read_dir(&log).unwrap().next().unwrap().unwrap().file_name()).join("tools.log");
    assert!(fs::read_to_string(log).unwrap().contains("KUBECONFIG None"));
}

#[test]
fn a_cluster_is_named_to_those_tests_that_can_use_it_and_the_others_are_told_of() {
    let repository = Repository::new();
    let manifest = fs::read_to_string(repository.path().join("tests/Cargo.toml")).unwrap();
    repository
        .write("tests/Cargo.toml", &format!("{manifest}\n[package.metadata.steppe]\nanywhere = [\"node_here\"]\n"));
    let sees = |name: &str, seen: &str| {
        let test = format!(
            "//! Test.\n\n#[test]\nfn {name}() {{\n    let seen = [\"KUBECONFIG\", \"STEPPE_TEST_CONTEXT\"].map(std::env::var);\n    \
             assert_eq!(format!(\"{{seen:?}}\"), r#\"{seen}\"#);\n}}\n"
        );
        repository.write(&format!("tests/tests/{name}.rs"), &test);
    };
    sees("node_here", r#"[Ok("/somewhere/else"), Ok("kind-one")]"#);
    sees("light_here", "[Err(NotPresent), Err(NotPresent)]");
    sees("node_disk", "never run");
    let mut command = repository.command(&["test", "here"]);
    let alone = command.env("STEPPE_TEST_CONTEXT", "kind-one").output().unwrap();
    assert!(err(&alone).contains("needs STEPPE_TEST_REGISTRY"), "{}", err(&alone));
    command.env("STEPPE_TEST_REGISTRY", "registry:5000").env("STEPPE_TEST_PLACE", "place.json");
    let output = command.output().unwrap();
    let (shown, said) = (out(&output), err(&output));
    assert_eq!(shown.lines().last(), Some("2 passed, 0 failed"), "{said}\n{shown}");
    let left_out = "left out on kind-one: 1 test programs that need a ground of ours: e2e node_disk";
    assert!(shown.lines().any(|line| line == left_out), "{shown}");
    assert!(said.contains("the existing cluster kind-one of /somewhere/else is used, because it was named"), "{said}");
    let log = repository.path().join("cache/logs");
    let log = log.join(fs::read_dir(&log).unwrap().next().unwrap().unwrap().file_name()).join("elsewhere.log");
    let asked = fs::read_to_string(log).unwrap();
    let place = repository.path().join("place.json").display().to_string();
    assert!(asked.contains(r#"STEPPE_TEST_CONTEXT Some("kind-one")"#) && asked.contains(&place), "{asked}");
}

#[test]
fn a_benchmark_gets_its_words_and_shows_what_it_found() {
    let repository = Repository::new();
    let output = repository.xtask(&["bench", "--rounds", "3", "--json"]);
    assert!(output.status.success(), "{}", err(&output));
    let log = repository.path().join("cache/logs");
    let log = log.join(fs::read_dir(&log).unwrap().next().unwrap().unwrap().file_name()).join("bench.log");
    assert!(fs::read_to_string(log).unwrap().contains("--rounds 3 --json"));
}

#[test]
fn a_filter_runs_what_it_names_and_fails_when_that_is_nothing() {
    let repository = Repository::new();
    let some = repository.xtask(&["test", "counts", "--only", "unit"]);
    assert_eq!(out(&some).lines().last(), Some("1 passed, 0 failed"), "{}", err(&some));
    let nothing = repository.xtask(&["test", "no_such_test", "--only", "unit"]);
    assert_eq!(out(&nothing).lines().last(), Some("0 passed, 1 failed"), "{}", err(&nothing));
    assert!(!nothing.status.success());
}

#[test]
fn whatever_goes_wrong_is_counted_and_shown() {
    let repository = Repository::new();
    repository.write("crates/names/tests/wrong.rs", "#[test]\nfn wrong() {\n    panic!(\"planted panic\");\n}\n");
    repository.write("crates/names/tests/left_out.rs", "#[test]\n#[ignore]\nfn left_out() {}\n");
    repository.write("crates/names/tests/crash.rs", "#[test]\nfn crash() {\n    std::process::abort();\n}\n");
    repository.write("crates/names/tests/broken.rs", "#[test]\nfn broken() {\n    let _: u8 = \"planted type\";\n}\n");
    let output = repository.xtask(&["test", "--only", "unit"]);
    let shown = out(&output);
    // The library's own test passes, and so does the example in its docs. The broken one fails twice: it does not
    // build, and it was not run.
    assert_eq!(shown.lines().last(), Some("2 passed, 5 failed"), "{}\n{shown}", err(&output));
    assert!(!output.status.success());
    for trace in ["planted panic", "left_out", "killed by signal 6", "mismatched types", "not run: it was not built"] {
        assert!(shown.contains(trace), "{trace} is missing in\n{shown}");
    }
}

#[test]
fn stale_derived_files_are_shown_and_left_alone() {
    let repository = Repository::new();
    assert!(repository.xtask(&["gen"]).status.success());
    let crds = "charts/operator/templates/crds";
    repository.write(&format!("{crds}/instances.yaml"), "kind: Edited\n");
    repository.write(&format!("{crds}/old.yaml"), "kind: Old\n");
    let output = repository.xtask(&["gen", "--check"]);
    let shown = out(&output);
    assert!(!output.status.success());
    for trace in ["-kind: Edited", "+kind: A", "-kind: Old"] {
        assert!(shown.contains(trace), "{trace} is missing in\n{shown}");
    }
    assert!(repository.path().join(crds).join("old.yaml").is_file(), "a check changes nothing");
    assert!(repository.xtask(&["gen"]).status.success());
    assert!(!repository.path().join(crds).join("old.yaml").exists());
    assert!(repository.xtask(&["gen", "--check"]).status.success());
    repository.write(".sqlx/query-1.json", "of a query that is gone");
    let output = repository.xtask(&["gen", "--check"]);
    assert!(!output.status.success() && out(&output).contains("-of a query that is gone"), "{}", out(&output));
}

#[test]
fn the_demos_result_is_the_only_line_on_standard_output() {
    let repository = Repository::new();
    let output = repository.xtask(&["demo", "--once", "--json", "--context", "named"]);
    assert_eq!(out(&output), "{\"cluster\":1.5}\n", "{}", err(&output));
    assert!(err(&output).contains("cluster is up"));
}

#[test]
fn all_violations_are_printed_with_their_places() {
    let repository = Repository::new();
    repository.write("crates/names/src/lib.rs", "//! Names.\n\n/// Reads.\npub fn read() -> std::io::Result<Vec<u8>> {\n    std::fs::read(\"x\")\n}\n\nfn unused() {}\n");
    repository.write("README.md", "See `crates/gone`.\n");
    repository
        .write("crates/other/Cargo.toml", "[package]\nname = \"other\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    repository.write("crates/other/src/lib.rs", "//! Other.\nfn  wide() {}\n");
    repository.run("cargo", &["generate-lockfile", "--offline"]);
    let output = repository.xtask(&["lint"]);
    let shown = out(&output);
    assert!(!output.status.success());
    for trace in [
        "crates/names/src/lib.rs:5: `std::fs::read` in a pure module",
        "crates/names/src/lib.rs:8: [dead_code]",
        "README.md:1: names `crates/gone`",
        "crates/other/Cargo.toml:1: package other has no arrows",
        "other 0.1.0 has the licence «none stated»",
        "crates/other/src/lib.rs:",
    ] {
        assert!(shown.contains(trace), "{trace} is missing in\n{shown}");
    }
}

#[test]
fn being_told_to_end_ends_the_lab_first() {
    let repository = Repository::new();
    let mut command = repository.command(&["demo", "--context", "stay"]);
    let mut xtask = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(xtask.stdout.take().unwrap()).lines();
    let lab = lines.find_map(|line| line.unwrap().strip_prefix("process ").map(str::to_owned)).unwrap();
    assert!(Path::new("/proc").join(&lab).exists());
    kill(Pid::from_raw(xtask.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(xtask.wait().unwrap().code(), Some(130));
    assert!(!Path::new("/proc").join(&lab).exists());
}

#[test]
fn a_cold_run_uses_a_folder_of_its_own() {
    let repository = Repository::new();
    let output = repository.xtask(&["test", "--cold", "--only", "unit"]);
    assert_eq!(out(&output).lines().last(), Some("2 passed, 0 failed"), "{}", err(&output));
    let folders =
        fs::read_dir(repository.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let cold: Vec<String> = folders.filter(|name| name.starts_with("cache-cold-")).collect();
    assert_eq!(cold.len(), 1);
    assert!(err(&output).contains(&cold[0]));
    assert!(repository.path().join(&cold[0]).join("target/debug").is_dir());
    assert!(!repository.path().join("cache/target").exists());
}

/// Cargo names the crates of two clones alike, and takes what is newer than the sources for built from them.
#[test]
fn two_clones_with_one_cache_run_their_own_tests() {
    let (one, other) = (Repository::new(), Repository::new());
    other.write("crates/names/tests/whose.rs", "#[test]\nfn whose() {}\n");
    one.write("crates/names/tests/whose.rs", "#[test]\nfn whose() {\n    panic!(\"planted\");\n}\n");
    let args = ["test", "whose", "--only", "unit"];
    let first = one.xtask(&args);
    assert_eq!(out(&first).lines().last(), Some("0 passed, 1 failed"), "{}", err(&first));
    let second = other.command(&args).env("STEPPE_CACHE", one.path().join("cache")).output().unwrap();
    assert_eq!(out(&second).lines().last(), Some("1 passed, 0 failed"), "{}\n{}", err(&second), out(&second));
}
