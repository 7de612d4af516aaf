//! A copy of a real server: killed between its parts it goes on where it was, elsewhere it is the same to the last hard
//! link, and it is opened by whom it was made for and by nobody else.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use crd::{Export, ExportReason, ExportSpec, Mode, Phase, condition, labels};
use e2e::node;
use e2e::node::process;
use e2e::node::taken::{Taken, made};
use e2e::node::tenant::Tenant;
use e2e::node::tree::Tree;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use lab::claim::Claim;
use lab::demo::{self, Cell, Living};
use lab::download::{self, Stored};
use lab::node::Ground;
use lab::restore::PlainDebian;
use lab::wait;
use operator::clock::{Random as _, SystemRandom};
use operator::grants::wire::SegmentDone;
use operator::store::layout;
use serde_json::json;

const READY: Duration = Duration::from_secs(180);
const LIMIT: Duration = Duration::from_secs(300);
/// Films of more than half a segment each, so that each makes a segment.
const FILMS: usize = 5;
const FILM: usize = 40 << 20;
/// What no copy takes: what a process leaves behind, and what is made anew at each stop.
const LEFT: [&str; 4] = ["server.pid", "tmp", "log", ".steppe-drain.json"];

/// A server whose owner posted something and took films.
struct Studio<'a> {
    cell: &'a Cell,
    ground: &'a Ground,
    tenant: Tenant,
    living: Living,
}

impl<'a> Studio<'a> {
    async fn build(ground: &'a Ground, cell: &'a Cell, word: &str) -> Result<Self> {
        let order = cell.site.order(&format!("{word}-{}", lab::journey::stamp()), "fay").await?;
        cell.site.ready(&order, READY).await?;
        let living = demo::log_in(&cell.site, order).await?;
        cell.site.app(&living.order).post(&living.token, "the film is shot").await?;
        let tenant = Tenant::of(ground, &cell.site, &living.order.name);
        Ok(Self { cell, ground, tenant, living })
    }

    /// Films that cannot be packed any smaller, each under three names, the last of which is far from the first.
    async fn shoot(&self) -> Result<()> {
        let home = self.tenant.folder().await?.join("d");
        let folder = home.join("user/fay/static");
        let owner = std::fs::metadata(&folder)?;
        for number in 0..FILMS {
            let mut content = vec![0; FILM];
            SystemRandom.fill(&mut content)?;
            let film = folder.join(format!("film-{number}.bin"));
            std::fs::write(&film, content)?;
            chown(&film, Some(owner.uid()), Some(owner.gid()))?;
            std::fs::hard_link(&film, folder.join(format!("same-{number}.bin")))?;
            std::fs::hard_link(&film, home.join(format!("object/film-{number}.bin")))?;
        }
        Ok(())
    }

    /// Stops the server, so that its folder stays as it is.
    async fn freeze(&self) -> Result<Tree> {
        self.cell.site.set_mode(&self.living.order, Mode::Frozen).await?;
        self.cell.site.until_condition(&self.living.order, condition::STOPPED, READY).await?;
        Tree::read(&self.tenant.folder().await?.join("d"), &LEFT)
    }

    fn exports(&self) -> Api<Export> {
        Api::all(self.cell.site.client.clone())
    }

    async fn begin(&self, word: &str, recipient: Option<String>, claim: Option<String>) -> Result<Export> {
        let spec = ExportSpec {
            instance_ref: self.living.order.instance_ref(),
            reason: ExportReason::Requested,
            recipient,
            key_claim: claim,
        };
        let name = format!("{}-{word}", self.living.order.name);
        Ok(self.exports().create(&PostParams::default(), &Export::new(&name, spec)).await?)
    }

    /// Waits until something is so about an export.
    async fn until(&self, export: &Export, what: &str, so: impl Fn(&Export) -> bool) -> Result<Export> {
        let name = export.name_any();
        wait::until(&format!("{name}: {what}"), LIMIT, async || {
            let export = self.exports().get(&name).await?;
            if so(&export) { Ok(Some(export)) } else { bail!("{}", serde_json::to_string(&export.status)?) }
        })
        .await
    }

    async fn done(&self, export: &Export) -> Result<Export> {
        let done = self.until(export, "its end", |export| phase(export).is_final()).await?;
        ensure!(phase(&done) == Phase::Succeeded, "{:?}", done.status);
        Ok(done)
    }

    /// The records of an export's complete segments.
    async fn segments(&self, export: &Export) -> Result<Vec<SegmentDone>> {
        let uid = export.uid().context("no uid")?;
        let mut done = Vec::new();
        for key in download::list(&self.cell.bucket, &layout::work_segments(&uid)).await?.keys() {
            let text = download::read(&self.cell.bucket, key).await?.context("a record is gone")?;
            done.push(serde_json::from_slice(&text)?);
        }
        Ok(done)
    }

    /// Kills the export's process once so many segments are complete. Gives the parts of those that are, as they lie in the
    /// store once it is dead.
    async fn kill_after(&self, export: &Export, segments: usize) -> Result<BTreeMap<String, Stored>> {
        let uid = export.uid().context("no uid")?;
        let pod = wait::until(&format!("segment {segments}"), LIMIT, async || {
            let records = download::list(&self.cell.bucket, &layout::work_segments(&uid)).await?;
            ensure!(records.len() >= segments, "{} segments are complete", records.len());
            let pod = self.pods().await?.into_iter().find(|pod| process::container(pod).is_some());
            Ok(Some(pod.context("no pod runs")?))
        })
        .await?;
        ensure!(process::kill(self.ground, &pod)?, "the export's process was at its end before it could be killed");
        wait::until("the pod to be dead", LIMIT, async || {
            let pods = self.pods().await?;
            Ok(pods.iter().all(|other| other.uid() != pod.uid() || process::container(other).is_none()).then_some(()))
        })
        .await?;
        let finished = download::read(&self.cell.bucket, &layout::work_finish(&uid)).await?;
        ensure!(finished.is_none(), "the copy was complete before it could be killed");
        let prefix = layout::bundle(&self.living.order.uid, &uid);
        let stored = download::list(&self.cell.bucket, &prefix).await?;
        let records = self.segments(export).await?;
        let parts = records.iter().flat_map(|done| &done.record.parts).map(|part| format!("{prefix}{}", part.name));
        parts.map(|key| Ok((key.clone(), stored.get(&key).context("a part is missing")?.clone()))).collect()
    }

    async fn pods(&self) -> Result<Vec<Pod>> {
        self.tenant.pods(operator::export::ROLE).await
    }

    /// The sealed answer to the claim in `spec.keyClaim`.
    async fn key(&self, export: &Export, claim: &Claim) -> Result<String> {
        let so = |export: &Export| export.status.as_ref().is_some_and(|status| status.key_claim.is_some());
        let status = self.until(export, "its key", so).await?.status.unwrap_or_default();
        ensure!(status.key_claim_for == Some(claim.recipient()), "{status:?}");
        claim.open(&status.key_claim.context("no key")?)
    }

    /// The platform's own key, which keeps the keys of bundles.
    async fn wrapping(&self) -> Result<String> {
        let secrets: Api<Secret> = Api::namespaced(self.cell.site.client.clone(), labels::SYSTEM_NAMESPACE);
        let data = secrets.get("steppe-operator-keys").await?.data.unwrap_or_default();
        let key = data.get(operator::export::keys::WRAPPING).context("no wrapping key")?;
        Ok(String::from_utf8(key.0.clone())?)
    }

    /// Brings a bundle up on a plain Debian and compares it with the folder it was made of.
    async fn lives_elsewhere(&self, work: &Path, key: &str, before: &Tree) -> Result<()> {
        let machine = PlainDebian::prepare(&node::cache()?).await?;
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        std::fs::write(work.join("key.txt"), key)?;
        std::fs::write(work.join("host.pem"), &self.cell.public_key)?;
        let restore = "sh /mnt/bundle/restore.sh -k /mnt/host.pem -i /mnt/key.txt -t /mnt/data -a 127.0.0.1 -p";
        machine.run(work, &format!("{restore} {port}")).await?;
        let (mut before, mut after) = (before.clone(), Tree::read(&work.join("data"), &LEFT)?);
        // Where it listens is the one thing that is another there.
        for tree in [&mut before, &mut after] {
            tree.files.remove(Path::new("server.json")).context("no server.json")?;
        }
        ensure!(before.inodes() == after.inodes(), "{} files became {}", before.inodes(), after.inodes());
        ensure!(before.links == after.links, "{:?} became {:?}", before.links, after.links);
        let other: BTreeSet<_> =
            before.files.iter().filter(|(path, was)| after.files.get(*path) != Some(was)).collect();
        ensure!(other.is_empty() && before.files.len() == after.files.len(), "these differ: {other:?}");
        ensure!(before.folders == after.folders, "{:?} became {:?}", before.folders, after.folders);

        let served = machine.serve(work, &self.living.order.host, port).await?;
        let app = self.cell.site.library.app(&served.base).as_host(&self.living.order.host);
        let account = app.verify(&self.living.token).await.context("the old token on the restored server")?;
        ensure!(account.account == "fay", "{account:?}");
        app.home_with(&self.living.token, "the film is shot", 10).await?;
        Ok(())
    }
}

fn phase(export: &Export) -> Phase {
    export.status.as_ref().map(|status| status.work.phase).unwrap_or_default()
}

#[test]
fn a_copy_that_is_killed_goes_on_where_it_was_and_is_the_same_server_elsewhere() {
    node::test(async |ground, cell| {
        let studio = Studio::build(ground, cell, "studio").await?;
        studio.shoot().await?;
        let before = studio.freeze().await?;
        ensure!(before.links.len() >= FILMS, "{:?}", before.links);

        let claim = Claim::new();
        let export = studio.begin("big", None, Some(claim.recipient())).await?;
        let first = studio.kill_after(&export, 1).await?;
        let second = studio.kill_after(&export, 3).await?;
        ensure!(!first.is_empty() && second.len() > first.len(), "{} and {} parts", first.len(), second.len());
        let done = studio.done(&export).await?;
        let bundle = made(&done)?;
        let after = download::list(&cell.bucket, &bundle.prefix).await?;
        for (key, was) in first.iter().chain(&second) {
            ensure!(after.get(key) == Some(was), "{key} was {was:?} and is {:?}", after.get(key));
        }
        let log = download::read(&cell.bucket, &layout::log(&done.uid().unwrap_or_default())).await?;
        let log = String::from_utf8(log.context("no log")?.to_vec())?;
        let resumed = log.lines().filter(|line| line.contains("segments are there from an earlier pod"));
        let resumed = resumed.filter(|line| !line.contains("; 0 segments")).count();
        ensure!(resumed == 2, "{resumed} of the pods found segments of an earlier one:\n{log}");

        let work = tempfile::tempdir()?;
        let taken = Taken::from(cell, &done, &work.path().join("bundle")).await?;
        let (counts, key) = (&taken.manifest.counts, studio.key(&done, &claim).await?);
        ensure!(counts.files == before.inodes() as u64, "{counts:?}, {} inodes", before.inodes());
        ensure!(counts.hard_links == (before.files.len() - before.inodes()) as u64, "{counts:?}");
        ensure!(taken.opens(&claim.identity_file()).await.is_err(), "the claim itself opens the bundle");
        ensure!(taken.opens(&studio.wrapping().await?).await.is_err(), "the platform's key opens the bundle");
        studio.lives_elsewhere(work.path(), &key, &before).await
    });
}

#[test]
fn a_copy_for_a_recipient_is_opened_by_nothing_of_ours() {
    node::test(async |ground, cell| {
        let studio = Studio::build(ground, cell, "theirs").await?;
        let (theirs, claim) = (Claim::new(), Claim::new());
        let export = studio.begin("own-key", Some(theirs.recipient()), Some(claim.recipient())).await?;
        let done = studio.done(&export).await?;
        let work = tempfile::tempdir()?;
        let taken = Taken::from(cell, &done, &work.path().join("bundle")).await?;
        let counts = taken.opens(&theirs.identity_file()).await.context("the customer's own key")?;
        ensure!(counts.files == taken.manifest.counts.files, "{counts:?}, {:?}", taken.manifest.counts);
        ensure!(taken.manifest.encryption.recipients.len() == 1, "{:?}", taken.manifest.encryption);

        // Nothing that is in the cell opens it, and nothing is kept that would.
        ensure!(taken.opens(&studio.wrapping().await?).await.is_err(), "the platform's key opens it");
        ensure!(taken.opens(&claim.identity_file()).await.is_err(), "the claim opens it");
        let kept = download::list(&cell.bucket, &format!("keys/{}", studio.living.order.uid)).await?;
        ensure!(kept.is_empty(), "these are kept: {kept:?}");
        let answered = |export: &Export| {
            export.status.as_ref().is_some_and(|status| status.key_claim_for == Some(claim.recipient()))
        };
        let status = studio.until(&export, "an answer to the claim", answered).await?.status.unwrap_or_default();
        ensure!(status.key_claim.is_none(), "a key was handed over that does not exist");
        let said = status.work.log.join("\n");
        ensure!(said.contains("no key of its own"), "nobody says why there is no key: {said}");

        // A key that was handed over is taken back with its claim.
        let own = studio.done(&studio.begin("ours", None, Some(claim.recipient())).await?).await?;
        let key = studio.key(&own, &claim).await?;
        let taken = Taken::from(cell, &own, &work.path().join("ours")).await?;
        taken.opens(&key).await.context("the key that was handed over")?;
        ensure!(taken.opens(&theirs.identity_file()).await.is_err(), "another bundle's key opens it");
        let unclaim = Patch::Merge(json!({ "spec": { "keyClaim": null } }));
        studio.exports().patch(&own.name_any(), &PatchParams::default(), &unclaim).await?;
        let cleared = |export: &Export| export.status.as_ref().is_some_and(|status| status.key_claim.is_none());
        studio.until(&own, "no key any more", cleared).await.map(drop)
    });
}
