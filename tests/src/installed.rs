//! The control plane in pods, installed by the commands that `docs/operating.md` tells people to type: they are read from
//! there, with what is this cell's put in the places of the examples.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use lab::cache::Cache;
use lab::control::{Dashboard, HOST, OFFERS, password};
use lab::demo::Cell;
use lab::images::{self, Image};
use lab::node::Ground;
use lab::process::beside;
use lab::{mailpit, postgres, store, tools};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::chart::{repository, with};
use crate::node::{self, Told};

/// The namespace by default.
pub const SPACE: &str = "steppe-control-plane";
/// The part of the documentation that is carried out.
const SECTION: &str = "## Installing the control plane";
/// The one of its commands that goes on until it is stopped.
const FORWARD: &str = "kubectl -n steppe-control-plane port-forward service/steppe-staff 8081";

/// An installation.
pub struct Installed {
    /// As customers see it.
    pub dashboard: Dashboard,
    /// Where the commands are typed: with the files that they need.
    folder: TempDir,
    /// The documented commands, block by block.
    blocks: Vec<String>,
    /// What stands in the documentation, and what is typed instead.
    instead: Vec<(String, String)>,
    values: Value,
}

impl Installed {
    /// Everything that is needed before the first command: database, mail server, image, files.
    ///
    /// # Errors
    /// When something of it cannot be had.
    pub async fn prepare(ground: &Ground, cell: &Cell) -> Result<Self> {
        let cache = node::cache()?;
        let database = postgres::on(ground, &cache).await?;
        let database = url::Url::parse(&database.database("charted").await?)?;
        let mailpit = mailpit::on(ground, &cache, &mut Told).await?;
        let image = images::control_plane(&cache, &beside("steppe")?, &mut Told).await?;
        images::import(ground, &image).await?;
        let folder = tempfile::tempdir()?;
        tools_for(folder.path(), ground, &cache).await?;
        let bucket = &cell.bucket;
        let reader = store::reader(ground, &bucket.name)?;
        let files = [
            ("store.toml", bucket.place()),
            ("access-key", reader.access_key),
            ("secret-key", reader.secret_key),
            ("offers.toml", OFFERS.to_owned()),
            ("password", password()?),
        ];
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text)?;
        }
        let secret = database.password().context("a database without a password")?.to_owned();
        let node = ground.addresses.node_ip;
        let blocks = blocks(&std::fs::read_to_string(repository().join("docs/operating.md"))?)?;
        let instead = vec![
            (
                "steppe-database --from-literal=password=…".into(),
                format!("steppe-database --from-literal=password={secret}"),
            ),
            ("https://192.0.2.10:6443".into(), format!("https://{node}:{}", ground.ports.apiserver)),
            ("social.example".into(), ground.zone.clone()),
        ];
        Ok(Self {
            dashboard: Dashboard::at(ground, ground.ports.https, mailpit)?,
            values: values(ground, &image, &database),
            folder,
            blocks,
            instead,
        })
    }

    /// Types what the documentation says, from the secrets to the first day; what the last commands printed.
    ///
    /// # Errors
    /// When one of the commands fails.
    pub async fn install(&self) -> Result<String> {
        let [_image, secrets, way, store, chart, first_day] = &self.blocks[..] else {
            anyhow::bail!("{} blocks of commands below {SECTION}", self.blocks.len());
        };
        self.save(&self.values)?;
        for block in [secrets, way, store, chart] {
            self.typed(block).await?;
        }
        ensure!(first_day.contains(FORWARD), "docs/operating.md does not say {FORWARD}");
        let first_day: Vec<&str> = first_day.lines().filter(|line| !line.starts_with(FORWARD)).collect();
        self.typed(&first_day.join("\n")).await
    }

    /// Brings the installation up to another value, by the same commands.
    ///
    /// # Errors
    /// When one of them fails.
    pub async fn change(&self, pointer: &str, value: Value) -> Result<()> {
        self.save(&with(self.values.clone(), pointer, value))?;
        self.typed(&self.blocks[4]).await.map(drop)
    }

    fn save(&self, values: &Value) -> Result<()> {
        Ok(std::fs::write(self.folder.path().join("values.yaml"), values.to_string())?)
    }

    /// A way to staff's pages, as it is documented but for the port at this end; it ends when it is dropped.
    ///
    /// # Errors
    /// When kubectl is missing.
    pub fn forward(&self, port: u16) -> Result<tokio::process::Child> {
        let line = FORWARD.replace(" 8081", &format!(" {port}:8081"));
        self.command(&format!("exec {line}")).stdout(Stdio::null()).spawn().context("cannot forward a port")
    }

    /// Runs commands as somebody would type them; what they printed.
    ///
    /// # Errors
    /// When one of them fails; the error holds what it said.
    pub async fn typed(&self, commands: &str) -> Result<String> {
        let commands = self.instead.iter().fold(commands.to_owned(), |text, (example, own)| text.replace(example, own));
        let output = self.command(&commands).output().await.context("cannot run bash")?;
        let (text, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // Not the commands themselves: a password is among them.
        ensure!(output.status.success(), "{}: {text}{said}", output.status);
        Ok(text.into_owned())
    }

    fn command(&self, commands: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", commands]).current_dir(self.folder.path()).env_clear();
        let bin = self.folder.path().join("bin");
        command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("HOME", self.folder.path());
        command.env("KUBECONFIG", self.folder.path().join("admin.kubeconfig"));
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// What its pods say, for failures.
    pub async fn tails(&self) -> String {
        let logs = "kubectl -n steppe-control-plane get pods; \
                    kubectl -n steppe-control-plane logs --selector=app.kubernetes.io/part-of=steppe --prefix --tail=30";
        self.typed(logs).await.unwrap_or_else(|error| format!("{error:#}"))
    }

    /// Takes it off the cluster, and waits until it is gone.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn end(self) -> Result<()> {
        self.typed("kubectl delete namespace steppe-control-plane --ignore-not-found --timeout=120s").await.map(drop)
    }
}

/// What somebody has on their machine: helm, kubectl, the charts, an administrator's kubeconfig, the API server's authority.
async fn tools_for(folder: &Path, ground: &Ground, cache: &Cache) -> Result<()> {
    let helm = tools::services(cache, &mut Told).await?.program("helm");
    let bin = folder.join("bin");
    std::fs::create_dir(&bin)?;
    for (from, to) in [
        (helm, bin.join("helm")),
        (ground.kubectl.clone(), bin.join("kubectl")),
        (repository().join("charts"), folder.join("charts")),
        (ground.kubeconfig.clone(), folder.join("admin.kubeconfig")),
        (ground.state_dir.join("pki/ca.crt"), folder.join("ca.crt")),
    ] {
        std::os::unix::fs::symlink(&from, &to).with_context(|| format!("cannot link {}", from.display()))?;
    }
    Ok(())
}

/// Everything is at the node's address, and nothing else is let through.
fn values(ground: &Ground, image: &Image, database: &url::Url) -> Value {
    let (node, ports) = (ground.addresses.node_ip, &ground.ports);
    let at = |port: u16| json!({ "namespace": "", "cidrs": [format!("{node}/32")], "port": port });
    let mut address = database.clone();
    // An address without a password cannot be refused one.
    let _ = address.set_password(None);
    json!({
        "images": { "steppe": image.pinned() },
        "url": format!("https://{HOST}"),
        "support": format!("help@{HOST}"),
        "ingress": {
            "className": lab::ingress::CLASS, "tlsSecret": "dashboard-certificate",
            "from": { "namespace": "", "cidrs": [format!("{node}/32")] },
        },
        "database": { "url": address.as_str(), "to": at(ports.postgres) },
        "mail": { "url": format!("smtp://{node}:{}", ports.smtp), "to": at(ports.smtp) },
        "dns": { "namespace": "", "cidrs": [format!("{node}/32")] },
        "cells": [{
            "name": "one", "kubeconfig": "steppe-cell-one", "store": "steppe-cell-one-store",
            "api": at(ports.apiserver), "objects": at(ports.s3),
        }],
        "secrets": { "staffKeys": "steppe-staff-keys" },
    })
}

/// The blocks of code below [`SECTION`].
fn blocks(text: &str) -> Result<Vec<String>> {
    let section = text.split(SECTION).nth(1).with_context(|| format!("no section {SECTION}"))?;
    let (mut blocks, mut open): (Vec<String>, Option<Vec<&str>>) = (Vec::new(), None);
    for line in section.lines().take_while(|line| !line.starts_with("## ")) {
        match (line, &mut open) {
            ("```", None) => open = Some(Vec::new()),
            ("```", Some(lines)) => {
                blocks.push(lines.join("\n"));
                open = None;
            }
            (_, Some(lines)) => lines.push(line),
            (_, None) => {}
        }
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_one_section_are_found() {
        let text = format!(
            "## A\n```\nno\n```\n{SECTION}\n\nText\n```\none\ntwo\n```\nmore\n```\nthree\n```\n## B\n```\nno\n```\n"
        );
        assert_eq!(blocks(&text).unwrap(), ["one\ntwo", "three"]);
    }
}
