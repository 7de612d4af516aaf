//! Whether each cell answers, is the cluster it should be, and has a store whose bundles can be read.

use std::collections::HashSet;

use kube::ResourceExt as _;

use super::{Finding, patient};
use crate::gateway::cluster::{Cluster, ClusterError, instances};
use crate::gateway::objects::ObjectsError;
use crate::platform::Platform;
use crate::store;
use crate::store::cell::Cell;
use crate::worker::guard::{Proof, prove};

/// A key that no bundle has: asking for it shows that the store answers and lets us read.
const NOTHING: &str = "steppe-doctor/nothing";

/// All cells.
pub(super) async fn all(platform: &Platform) -> Vec<Finding> {
    let cells = match read(platform).await {
        Ok(cells) => cells,
        Err(error) => return vec![Finding::bad("cells", error.to_string())],
    };
    if cells.is_empty() {
        return vec![Finding::look("cells", "there are none; see `steppe admin cells add`")];
    }
    let mut found = Vec::new();
    for cell in &cells {
        found.push(zone(platform, cell));
        found.extend(cluster(platform, cell).await);
        found.push(objects(platform, cell).await);
    }
    found
}

async fn read(platform: &Platform) -> store::Result<Vec<Cell>> {
    store::cell::all(&mut *platform.pool.acquire().await?).await
}

fn zone(platform: &Platform, cell: &Cell) -> Finding {
    let what = format!("zone of cell {}", cell.name);
    match platform.config.allows_zone(&cell.zone) {
        true => Finding::good(what, format!("{} is apart from {}", cell.zone, platform.config.host())),
        false => Finding::bad(
            what,
            format!(
                "{} lies beside {}: its servers could set cookies for the dashboard; move one of them to another domain",
                cell.zone,
                platform.config.host()
            ),
        ),
    }
}

async fn cluster(platform: &Platform, cell: &Cell) -> Vec<Finding> {
    let what = format!("cell {}", cell.name);
    let asked = async {
        let connection = platform.cells.to(&cell.name).await?;
        let said = connection.cluster.cell().await?;
        Ok((connection, said))
    };
    let (connection, said) = match patient::<Result<_, ClusterError>>(asked).await {
        None => return vec![Finding::bad(what, "it does not answer; its servers run on, what is asked of them waits")],
        Some(Err(error)) => return vec![Finding::bad(what, error.to_string())],
        Some(Ok(answer)) => answer,
    };
    let proof = prove(cell.cluster_uid.as_deref(), &said);
    let is_right = matches!(proof, Proof::Right { .. });
    let mut found = vec![match proof {
        Proof::Right { uid, first: false } => Finding::good(&*what, format!("it answers and is cluster {uid}")),
        Proof::Right { uid, first: true } => Finding::look(
            &*what,
            format!("it answers as cluster {uid}; a worker will write that down at first contact"),
        ),
        Proof::Wrong(message) => Finding::bad(
            &*what,
            format!("{message}: its kubeconfig leads to another cluster, nothing is written to it"),
        ),
        Proof::Unknown => Finding::bad(&*what, "no operator in it has said which cluster it is; is it installed?"),
    }];
    if said.spec.zone != cell.zone {
        let words = format!("it says that its zone is {}, and here it is {}", said.spec.zone, cell.zone);
        found.push(Finding::bad(&*what, words));
    }
    if let Some((refused, message)) = &cell.refused {
        let words = format!("nothing is written to it ({}): {message}; see docs/operating.md", refused.as_str());
        found.push(Finding::bad(&*what, words));
    }
    if let Some(breaker) = &cell.breaker {
        found.push(Finding::look(&*what, format!("nothing is destroyed in it: {breaker}")));
    }
    if is_right {
        found.push(servers(platform, cell, &*connection.cluster).await);
    }
    found
}

/// Whether this database knows all servers that are there. After a restore it may not.
async fn servers(platform: &Platform, cell: &Cell, cluster: &dyn Cluster) -> Finding {
    let what = format!("servers of cell {}", cell.name);
    let there = match patient(instances(cluster)).await {
        None => return Finding::bad(what, "the list of them does not come"),
        Some(Err(error)) => return Finding::bad(what, error.to_string()),
        Some(Ok(there)) => there,
    };
    let names: Vec<String> = there.iter().map(|one| one.name_any()).collect();
    let known = async {
        let mut connection = platform.pool.acquire().await?;
        store::instance::revisions(&mut connection, cell.id, &names).await
    };
    let known = match known.await {
        Ok(known) => known,
        Err(error) => return Finding::bad(what, error.to_string()),
    };
    let known: HashSet<String> = known.into_iter().map(|(_, name, _)| name).collect();
    let is_unknown = |one: &&crd::Instance| !known.contains(&one.name_any());
    let unknown: Vec<String> =
        there.iter().filter(is_unknown).map(|one| format!("{} ({})", one.name_any(), one.spec.hostname)).collect();
    match unknown.as_slice() {
        [] => Finding::good(what, format!("all {} of them are known", there.len())),
        _ => Finding::look(
            what,
            format!(
                "{} of {} are not known here: {}; they run on, and `steppe admin adopt` takes them in",
                unknown.len(),
                there.len(),
                unknown.join(", ")
            ),
        ),
    }
}

async fn objects(platform: &Platform, cell: &Cell) -> Finding {
    let what = format!("bundles of cell {}", cell.name);
    let asked = async { platform.stores.of(&cell.name).await?.head(NOTHING).await };
    match patient(asked).await {
        None => Finding::bad(what, "their store does not answer; exports cannot be downloaded"),
        Some(Ok(_) | Err(ObjectsError::Missing(_))) => Finding::good(what, "their store answers and lets us read"),
        Some(Err(error)) => Finding::bad(what, error.to_string()),
    }
}
