//! What each identity may do, as the API server itself lists it, compared with what is written down.

use std::collections::BTreeSet;

use anyhow::ensure;
use e2e::chart::{example, ours, test};
use e2e::identity::{Fate, Who, expect, instance, rights};
use serde_json::{Value, json};

fn lines(text: &str) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (verbs, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (resources, names) = rest.split_once(' ').unwrap_or((rest, ""));
        for verb in verbs.split(',') {
            for resource in resources.split(',') {
                lines.insert(format!("{verb} {resource} {names}").trim_end().to_owned());
            }
        }
    }
    lines
}

#[test]
fn rights_are_exactly_as_written_down() {
    test(async |chart| {
        let control_plane = "
            get,list,watch cells,instances,exports,accountchanges,purges
            create,update,patch instances,exports,accountchanges";
        let purger = "
            get cells
            list,watch purges
            get,list,patch,delete instances
            list,delete exports,accountchanges
            patch cells/status,purges/status,exports/status
            get,delete namespaces
            list,patch persistentvolumes
            list pods
            create,patch events";
        let requester = "
            get,list,watch,create,update,patch,delete purges
            get,list,watch instances,exports";
        for (who, namespace, expected) in [
            (Who::ControlPlane, "default", control_plane.to_owned()),
            (Who::ControlPlane, "steppe-system", control_plane.to_owned()),
            (Who::ControlPlane, "steppe-inbox", format!("{control_plane}\ncreate,update secrets")),
            (Who::Requester, "steppe-inbox", requester.to_owned()),
            (Who::Purger, "steppe-system", purger.to_owned()),
            (Who::Purger, "kube-system", purger.to_owned()),
        ] {
            let (found, expected) = (rights(&who.client(chart).await?, namespace).await?, lines(&expected));
            let (more, less): (Vec<_>, Vec<_>) =
                (found.difference(&expected).collect(), expected.difference(&found).collect());
            ensure!(more.is_empty() && less.is_empty(), "{who:?} in {namespace}: more {more:?}, less {less:?}");
        }
        let holding = chart.light.client_of("steppe-system", "steppe-holding").await?;
        ensure!(rights(&holding, "steppe-system").await?.is_empty(), "the 503 page has rights");
        // What the operator may do is compared with what it does elsewhere; this is what it must never be able to do.
        for namespace in ["default", "kube-system", "steppe-t-any"] {
            for right in rights(&Who::Operator.client(chart).await?, namespace).await? {
                let data = [
                    "namespaces",
                    "persistentvolumes",
                    "persistentvolumeclaims",
                    "instances",
                    "secrets",
                    "cells",
                    "purges",
                ];
                let deletes =
                    ["delete", "deletecollection", "*"].iter().any(|verb| right.starts_with(&format!("{verb} ")));
                let what = right.split(' ').nth(1).unwrap_or_default();
                ensure!(!(deletes && data.contains(&what)) && what != "secrets" && what != "*", "operator: {right}");
                ensure!(!right.starts_with("bind ") || right == "bind clusterroles steppe-tenant", "operator: {right}");
                ensure!(!right.starts_with("escalate ") && !right.starts_with("impersonate "), "operator: {right}");
            }
        }
        Ok(())
    });
}

#[test]
fn the_control_plane_passes_secrets_down_and_cannot_read_them() {
    test(async |chart| {
        let secret = |name: &str| json!({ "metadata": { "name": name }, "stringData": { "a": "b" } });
        let inbox = "/api/v1/namespaces/steppe-inbox/secrets";
        use Who::ControlPlane;
        for (fate, method, path, body) in [
            (Fate::Done, "POST", inbox.to_owned(), secret("down")),
            (Fate::Done, "PUT", format!("{inbox}/down"), secret("down")),
            (Fate::NoRight, "GET", format!("{inbox}/down"), Value::Null),
            (Fate::NoRight, "GET", inbox.to_owned(), Value::Null),
            (Fate::NoRight, "DELETE", format!("{inbox}/down"), Value::Null),
            (Fate::NoRight, "POST", "/api/v1/namespaces/steppe-system/secrets".to_owned(), secret("x")),
            (Fate::NoRight, "POST", "/api/v1/namespaces/default/secrets".to_owned(), secret("x")),
            (Fate::NoRight, "GET", "/api/v1/pods".to_owned(), Value::Null),
            (Fate::NoRight, "GET", "/api/v1/namespaces".to_owned(), Value::Null),
            (Fate::NoRight, "POST", ours("purges", ""), example("purge")?),
            (Fate::NoRight, "MERGE", format!("{}/status", ours("cells", "cell")), json!({ "status": {} })),
            (Fate::Done, "POST", ours("instances", ""), instance("wished")?),
            (Fate::Done, "MERGE", ours("instances", "wished"), json!({ "spec": { "mode": "Frozen" } })),
            (Fate::NoRight, "MERGE", format!("{}/status", ours("instances", "wished")), json!({ "status": {} })),
        ] {
            expect(chart, ControlPlane, fate, method, &path, body).await?;
        }
        Ok(())
    });
}
