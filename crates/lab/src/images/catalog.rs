//! Which images there are and what is in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::archive::{Content, Entry, Recipe};
use super::{Image, root};
use crate::cache::Cache;
use crate::node::command::text;
use crate::tools::{Progress, Tools};

/// Where Debian's busybox-static puts its program.
const BUSYBOX: &str = "/bin/busybox";
/// The version of Caddy in `tools/services/go.mod`.
pub const CADDY: &str = "2.11.9";
/// The user and group that our images run as.
const USER: &str = "1000:1000";
/// Waits for snac's deliveries before a stop.
const DRAIN: &str = include_str!("drain.sh");
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// So many images of each program of ours are kept in the cache: each build of the program makes one.
const BUILDS_KEPT: usize = 3;

/// All images but those of our programs.
#[derive(Clone, Debug)]
pub struct Images {
    /// A shell with the usual small programs.
    pub busybox: Image,
    /// The server.
    pub snac: Image,
    /// The web server that answers for servers that are stopped.
    pub caddy: Image,
    /// `steppe-probe`, for tests of what the network lets through.
    pub probe: Image,
}

/// Makes all images but those of our programs, unless the cache has them.
pub async fn build(cache: &Cache, services: &Tools, progress: &mut dyn Progress) -> Result<Images> {
    progress.step("Making the images (cold: about two minutes, mostly Debian's packages)");
    let (cache, services) = (cache.clone(), services.clone());
    tokio::task::spawn_blocking(move || {
        Ok(Images {
            busybox: busybox(None)?.make(&cache)?,
            snac: snac(&cache)?.make(&cache)?,
            caddy: caddy(&services).make(&cache)?,
            probe: busybox(Some(&services.program("probe")))?.make(&cache)?,
        })
    })
    .await?
}

/// The operator's image: Debian with snac and the program `binary`, whose jobs run snac's own tools. Only the layer
/// with the program is made anew when that changes. The tag is the hash of the content.
pub async fn operator(cache: &Cache, binary: &Path, progress: &mut dyn Progress) -> Result<Image> {
    progress.step("Making the operator's image");
    let program = "/usr/local/bin/steppe-operator";
    let config = json!({"User": USER, "Env": [PATH], "WorkingDir": "/", "Entrypoint": [program]});
    of_ours(cache, "operator", binary, program, config).await
}

/// The control plane's image: Debian with the program `binary`, as `docs/operating.md` has it made.
pub async fn control_plane(cache: &Cache, binary: &Path, progress: &mut dyn Progress) -> Result<Image> {
    progress.step("Making the control plane's image");
    of_ours(cache, "steppe", binary, "/usr/local/bin/steppe", json!({"Env": [PATH], "WorkingDir": "/"})).await
}

/// Debian with a program of ours at `path`.
async fn of_ours(cache: &Cache, name: &'static str, binary: &Path, path: &'static str, config: Value) -> Result<Image> {
    let (cache, binary) = (cache.clone(), binary.to_owned());
    tokio::task::spawn_blocking(move || {
        let base = vec![root::layer(&cache)?];
        let mut entries = debian(&root::folder(&cache)?)?;
        entries.push(Entry::new(path.trim_start_matches('/'), 0o755, Content::Stripped(binary)));
        let image = Recipe { name, tag: None, base, entries, config }.make(&cache)?;
        prune(&cache, &format!("{name}-"), &image.archive)?;
        Ok(image)
    })
    .await?
}

fn account(passwd: &str, group: &str) -> Vec<Entry> {
    let text = |before: &str, line: &str| Content::Text(format!("{before}{line}\n"));
    vec![
        Entry::new("etc/passwd", 0o644, text(passwd, "steppe:x:1000:1000::/tmp:/usr/sbin/nologin")),
        Entry::new("etc/group", 0o644, text(group, "steppe:x:1000:")),
    ]
}

/// What our images add to a Debian root: the user.
fn debian(folder: &Path) -> Result<Vec<Entry>> {
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    Ok(account(&read("etc/passwd")?, &read("etc/group")?))
}

fn snac(cache: &Cache) -> Result<Recipe> {
    let base = root::layer(cache)?;
    let mut entries = debian(&root::folder(cache)?)?;
    entries.push(Entry::new("usr/local/bin/steppe-drain", 0o755, Content::Text(DRAIN.into())));
    let config = json!({
        "User": USER,
        "Env": [PATH],
        "WorkingDir": "/",
        "Cmd": ["/usr/bin/snac", "httpd", "/data/d"],
        "StopSignal": "SIGTERM",
    });
    Ok(Recipe { name: "snac", tag: Some(root::SNAC.into()), base: vec![base], entries, config })
}

/// The stock program at the stock image's paths, so that the chart works with that one too.
fn caddy(services: &Tools) -> Recipe {
    let mut entries = account("", "");
    entries.push(Entry::new("usr/bin/caddy", 0o755, Content::Copy(services.program("caddy"))));
    entries.extend(["config", "data"].map(|name| Entry::new(name, 0o777, Content::Folder)));
    entries.extend(["tmp", "etc/caddy"].map(|name| Entry::new(name, 0o1777, Content::Folder)));
    let config = json!({
        "User": USER,
        "Env": [PATH, "XDG_CONFIG_HOME=/config", "XDG_DATA_HOME=/data"],
        "WorkingDir": "/",
        "Cmd": ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"],
    });
    Recipe { name: "caddy", tag: Some(CADDY.into()), base: Vec::new(), entries, config }
}

/// busybox alone, or with the probe.
fn busybox(probe: Option<&Path>) -> Result<Recipe> {
    anyhow::ensure!(Path::new(BUSYBOX).exists(), "there is no {BUSYBOX}: install busybox-static");
    let mut entries = account("root:x:0:0:root:/:/bin/sh\n", "root:x:0:\n");
    entries.push(Entry::new("bin/busybox", 0o755, Content::Copy(BUSYBOX.into())));
    entries.push(Entry::new("tmp", 0o1777, Content::Folder));
    for applet in text(Command::new(BUSYBOX).arg("--list"))?.lines().filter(|name| *name != "busybox") {
        entries.push(Entry::new(&format!("bin/{applet}"), 0, Content::Link("busybox".into())));
    }
    let mut config: Value = json!({"Env": ["PATH=/bin"], "WorkingDir": "/", "Cmd": ["/bin/sh"]});
    let mut name = "busybox";
    if let Some(probe) = probe {
        name = "probe";
        entries.push(Entry::new("bin/steppe-probe", 0o755, Content::Copy(probe.into())));
        config["User"] = json!(USER);
        config["Entrypoint"] = json!(["/bin/steppe-probe"]);
        config["Cmd"] = json!(["serve", "tcp:8080", "udp:8080"]);
    }
    Ok(Recipe { name, tag: None, base: Vec::new(), entries, config })
}

/// Removes the oldest archives whose names begin so, but for `keep` and the youngest.
fn prune(cache: &Cache, prefix: &str, keep: &Path) -> Result<()> {
    let folder = cache.path("images");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(prefix) && path.extension().is_some_and(|end| end == "tar") && path != keep
    };
    let mut found: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()).filter(ours))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    found.sort();
    let surplus = found.len().saturating_sub(BUILDS_KEPT - 1);
    for (_, path) in &found[..surplus] {
        // Another process may be faster.
        let _ = fs::remove_file(path);
        let _ = fs::remove_file(path.with_extension("json"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Runs the script beside a double of `snac` that prints `states` one after the other and then stays with the
    /// last; what it left.
    fn drain(states: &[&str], limit: &str) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("states"), states.join("\n") + "\n").unwrap();
        let double = "#!/bin/sh\n# snac double: 'state DIR' prints the next line.\ncd \"$2\"\nhead -n 1 states\n\
                      [ $(wc -l < states) -lt 2 ] || sed -i 1d states\n";
        for (name, text) in [("snac", double), ("steppe-drain", DRAIN)] {
            fs::write(at(name), text).unwrap();
            fs::set_permissions(at(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut script = Command::new(at("steppe-drain"));
        script.arg(folder.path()).arg(limit);
        script.env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()));
        assert!(script.status().unwrap().success());
        serde_json::from_slice(&fs::read(at(".steppe-drain.json")).unwrap()).unwrap()
    }

    #[test]
    fn a_drain_ends_with_the_last_delivery() {
        let states = ["uptime: 1", "job fifo size (cur): 7", "job fifo size (cur): 2", "job fifo size (cur): 0"];
        assert_eq!(drain(&states[1..], "60")["pending"], 0);
        assert_eq!(
            drain(&states[..1], "60")["pending"],
            Value::Null,
            "a daemon that does not answer is not waited for"
        );
    }

    #[test]
    fn a_drain_ends_at_its_limit_and_tells_what_is_cut() {
        let outcome = drain(&["job fifo size (cur): 505"], "1");
        assert_eq!(outcome["pending"], 505);
        assert!(outcome["drainedAt"].is_u64());
    }

    #[test]
    fn the_version_of_caddy_is_the_pinned_one() {
        let module = include_str!("../../tools/services/go.mod");
        assert!(module.contains(&format!("github.com/caddyserver/caddy/v2 v{CADDY} ")), "{CADDY}");
    }

    #[test]
    fn old_operators_are_pruned_and_this_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap();
        let file = |name: &str| cache.keyed("images", name).unwrap();
        for i in 0..5_u64 {
            let path = file(&format!("operator-{i}.tar"));
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(i);
            fs::File::create(path).unwrap().set_modified(time).unwrap();
        }
        fs::write(file("snac-1.tar"), "").unwrap();
        prune(&cache, "operator-", &file("operator-0.tar")).unwrap();
        let left: Vec<bool> = (0..5).map(|i| file(&format!("operator-{i}.tar")).exists()).collect();
        assert_eq!(left, [true, false, false, true, true]);
        assert!(file("snac-1.tar").exists());
    }
}
