//! The admission policies, each asked by those whom it holds and those whom it does not.

use std::time::Duration;

use anyhow::ensure;
use e2e::chart::{ask, example, ours, test, with};
use e2e::identity::{Fate, Who, expect, instance, tenant};
use lab::wait;
use serde_json::{Value, json};

#[test]
fn nobody_but_the_purger_destroys() {
    test(async |chart| {
        tenant(chart, "kept").await?;
        let keep = with(instance("kept")?, "/metadata/finalizers", json!(["steppe.host/keep"]));
        let admin = chart.light.client().await?;
        ask(&admin, "POST", &ours("instances", ""), keep).await?.ok()?;
        ask(&admin, "POST", "/api/v1/namespaces", json!({ "metadata": { "name": "bystander" } })).await?.ok()?;
        let space = "/api/v1/namespaces/steppe-t-kept";
        let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/instances.steppe.host";
        let unhold = json!({ "metadata": { "finalizers": [] } });
        let policy = |policy: &str| json!({ "spec": { "persistentVolumeReclaimPolicy": policy } });
        let mark = json!({ "metadata": { "annotations": { "steppe.host/purge-uid": "x" } } });
        use Fate::{Denied, Done, NoRight};
        use Who::{Admin, ControlPlane, Operator, Purger};
        let (nothing, claim) = (Value::Null, format!("{space}/persistentvolumeclaims/data"));
        let (volume, secret) = ("/api/v1/persistentvolumes/pv-kept", format!("{space}/secrets/identity"));
        let instance = ours("instances", "kept");
        let cases = [
            (Admin, Denied("steppe-keep-namespaces"), "DELETE", space, &nothing),
            (Operator, NoRight, "DELETE", space, &nothing),
            (ControlPlane, NoRight, "DELETE", space, &nothing),
            (Admin, Denied("steppe-keep-namespaces"), "DELETE", "/api/v1/namespaces/steppe-system", &nothing),
            (Purger, Denied("steppe-keep-namespaces"), "DELETE", "/api/v1/namespaces/steppe-inbox", &nothing),
            (Purger, Denied("steppe-keep-namespaces"), "DELETE", "/api/v1/namespaces/bystander", &nothing),
            (Admin, Denied("steppe-keep-claims"), "DELETE", &claim, &nothing),
            (Operator, NoRight, "DELETE", &claim, &nothing),
            (Purger, NoRight, "DELETE", &claim, &nothing),
            (Admin, Denied("steppe-keep-claims"), "DELETE", &secret, &nothing),
            (Operator, NoRight, "DELETE", &secret, &nothing),
            (Admin, Denied("steppe-keep-volumes"), "DELETE", volume, &nothing),
            (Admin, Denied("steppe-keep-volumes"), "MERGE", volume, &policy("Delete")),
            (Admin, Denied("steppe-keep-volumes"), "MERGE", volume, &policy("Recycle")),
            (Operator, Denied("steppe-keep-volumes"), "MERGE", volume, &policy("Delete")),
            (Admin, Denied("steppe-keep-volumes"), "MERGE", volume, &mark),
            (Operator, Denied("steppe-keep-volumes"), "MERGE", volume, &mark),
            (Admin, Denied("steppe-keep-objects"), "DELETE", &instance, &nothing),
            (ControlPlane, NoRight, "DELETE", &instance, &nothing),
            (Operator, NoRight, "DELETE", &instance, &nothing),
            (Admin, Denied("steppe-keep-finalizer"), "MERGE", &instance, &unhold),
            (ControlPlane, Denied("steppe-keep-finalizer"), "MERGE", &instance, &unhold),
            (Operator, Denied("steppe-keep-finalizer"), "MERGE", &instance, &unhold),
            (Admin, Denied("steppe-keep-objects"), "DELETE", &ours("cells", "cell"), &nothing),
            (Purger, NoRight, "DELETE", &ours("cells", "cell"), &nothing),
            (Admin, Denied("steppe-keep-definitions"), "DELETE", definition, &nothing),
            (Purger, NoRight, "DELETE", definition, &nothing),
            (Admin, Done, "MERGE", &instance, &json!({ "spec": { "mode": "Closing" } })),
            (Admin, Done, "MERGE", volume, &json!({ "metadata": { "labels": { "a": "b" } } })),
            (Purger, Done, "MERGE", volume, &mark),
            (Admin, Done, "DELETE", volume, &nothing),
            (Purger, Done, "MERGE", &instance, &unhold),
            (Purger, Done, "DELETE", &instance, &nothing),
            (Purger, Done, "DELETE", space, &nothing),
            // On its way out, what is in it may go.
            (Admin, Done, "DELETE", &secret, &nothing),
        ];
        for (who, fate, method, path, body) in cases {
            expect(chart, who, fate, method, path, body.clone()).await?;
        }
        // The whole list at once is as forbidden as one.
        let all = ask(&admin, "DELETE", &ours("cells", ""), Value::Null).await?;
        ensure!(all.is_denied_by("steppe-keep-objects"), "{all:?}");
        Ok(())
    });
}

#[test]
fn a_purged_namespace_is_emptied_by_the_namespace_controller() {
    test(async |chart| {
        tenant(chart, "gone").await?;
        let (admin, space) = (chart.light.client().await?, "/api/v1/namespaces/steppe-t-gone");
        expect(chart, Who::Purger, Fate::Done, "DELETE", space, Value::Null).await?;
        wait::until("the namespace to be gone", Duration::from_secs(60), async || {
            Ok((ask(&admin, "GET", space, Value::Null).await?.code == 404).then_some(()))
        })
        .await?;
        let volume = ask(&admin, "GET", "/api/v1/persistentvolumes/pv-gone", Value::Null).await?.ok()?;
        ensure!(volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain", "{volume}");
        Ok(())
    });
}

#[test]
fn records_of_bundles_and_running_purges_stay() {
    test(async |chart| {
        let admin = chart.light.client().await?;
        let bundle = json!({ "prefix": "p/", "manifestDigest": "d", "bytes": 1, "parts": 1, "files": 1, "keyId": "k", "stoppedSeconds": 0 });
        let statuses = [
            (
                "exports",
                "export",
                json!({ "phase": "Succeeded", "bundle": bundle }),
                Fate::Denied("steppe-keep-objects"),
            ),
            ("exports", "export", json!({ "expiredAt": "2026-01-01T00:00:00Z" }), Fate::Done),
            ("purges", "purge", json!({ "phase": "Running" }), Fate::Denied("steppe-keep-objects")),
            ("purges", "purge", json!({ "phase": "Pending" }), Fate::Done),
        ];
        for (plural, kind, status, fate) in statuses {
            let object = with(example(kind)?, "/metadata/name", json!("record"));
            ask(&admin, "APPLY", &format!("{}?fieldManager=t", ours(plural, "record")), object).await?.ok()?;
            let path = format!("{}/status", ours(plural, "record"));
            ask(&admin, "MERGE", &path, json!({ "status": status })).await?.ok()?;
            expect(chart, Who::Admin, fate, "DELETE", &ours(plural, "record"), Value::Null).await?;
        }
        Ok(())
    });
}

#[test]
fn only_a_person_closes_the_breaker() {
    test(async |chart| {
        let path = format!("{}/status", ours("cells", "cell"));
        let open =
            json!({ "status": { "breaker": { "reason": "r", "message": "m", "since": "2026-01-01T00:00:00Z" } } });
        let close = json!({ "status": { "breaker": null } });
        let count = json!({ "status": { "instances": 3 } });
        for (who, fate, body) in [
            (Who::Purger, Fate::Done, &open),
            (Who::Purger, Fate::Done, &count),
            (Who::Purger, Fate::Denied("steppe-keep-breaker"), &close),
            (Who::Operator, Fate::Denied("steppe-keep-breaker"), &close),
            (Who::ControlPlane, Fate::NoRight, &close),
            (Who::Admin, Fate::Done, &close),
        ] {
            expect(chart, who, fate, "MERGE", &path, body.clone()).await?;
        }
        Ok(())
    });
}

#[test]
fn tenants_get_nothing_of_the_node_and_no_way_around_the_ingress() {
    test(async |chart| {
        tenant(chart, "shape").await?;
        let space = "/api/v1/namespaces/steppe-t-shape";
        let pod = |spec: Value| json!({ "metadata": { "name": "p" }, "spec": spec });
        let container = json!([{ "name": "c", "image": "x" }]);
        let service = |spec: Value| json!({ "metadata": { "name": "s" }, "spec": spec });
        let port = json!([{ "port": 80 }]);
        let (pods, services) = (Fate::Denied("steppe-tenant-pods"), Fate::Denied("steppe-tenant-services"));
        let holding = "steppe-holding.steppe-system.svc.cluster.local";
        for (fate, plural, body) in [
            (
                pods,
                "pods",
                pod(json!({ "containers": container, "volumes": [{ "name": "v", "hostPath": { "path": "/" } }] })),
            ),
            (pods, "pods", pod(json!({ "containers": container, "hostNetwork": true }))),
            (pods, "pods", pod(json!({ "containers": container, "hostPID": true }))),
            (
                pods,
                "pods",
                pod(
                    json!({ "containers": [{ "name": "c", "image": "x", "ports": [{ "containerPort": 1, "hostPort": 1 }] }] }),
                ),
            ),
            (Fate::Done, "pods", pod(json!({ "containers": container, "volumes": [{ "name": "v", "emptyDir": {} }] }))),
            (services, "services", service(json!({ "type": "NodePort", "ports": port }))),
            (services, "services", service(json!({ "type": "LoadBalancer", "ports": port }))),
            (services, "services", service(json!({ "externalIPs": ["192.0.2.1"], "ports": port }))),
            (
                services,
                "services",
                service(json!({ "type": "ExternalName", "externalName": "kubernetes.default.svc" })),
            ),
            (Fate::Done, "services", service(json!({ "type": "ExternalName", "externalName": holding }))),
        ] {
            expect(chart, Who::Admin, fate, "POST", &format!("{space}/{plural}?dryRun=All"), body).await?;
        }
        Ok(())
    });
}

#[test]
fn the_operator_writes_in_tenants_namespaces_only_and_binds_one_role_only() {
    test(async |chart| {
        tenant(chart, "bound").await?;
        let name = |name: &str| json!({ "metadata": { "name": name } });
        let bind = |role: &str, account: &str| {
            json!({
                "metadata": { "name": "steppe-tenant" },
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
                "subjects": [{ "kind": "ServiceAccount", "namespace": "steppe-system", "name": account }],
            })
        };
        let bindings = |space: &str| format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{space}/rolebindings");
        let (confined, tenant) = (Fate::Denied("steppe-operator-confined"), Fate::Denied("steppe-tenant-role"));
        let volume = json!({ "metadata": { "labels": { "a": "b" } } });
        let admin = chart.light.client().await?;
        let stray = json!({ "metadata": { "name": "pv-stray" }, "spec": {
            "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "hostPath": { "path": "/nowhere" },
        } });
        ask(&admin, "POST", "/api/v1/persistentvolumes", stray).await?.ok()?;
        use Who::{Admin, Operator};
        for (who, fate, method, path, body) in [
            (Operator, confined, "POST", "/api/v1/namespaces".to_owned(), name("elsewhere")),
            (Operator, Fate::Done, "POST", "/api/v1/namespaces".to_owned(), name("steppe-t-made")),
            (Operator, confined, "MERGE", "/api/v1/namespaces/kube-system".to_owned(), volume.clone()),
            (Operator, confined, "POST", "/api/v1/namespaces/kube-system/configmaps".to_owned(), name("x")),
            (
                Operator,
                confined,
                "POST",
                "/apis/batch/v1/namespaces/default/jobs".to_owned(),
                json!({
                    "metadata": { "name": "x" },
                    "spec": { "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "c", "image": "x" }] } } },
                }),
            ),
            (Operator, confined, "MERGE", "/api/v1/persistentvolumes/pv-stray".to_owned(), volume.clone()),
            (Operator, Fate::Done, "MERGE", "/api/v1/persistentvolumes/pv-bound".to_owned(), volume),
            (Admin, tenant, "POST", bindings("kube-system"), bind("steppe-tenant", "steppe-operator")),
            (Operator, tenant, "POST", bindings("steppe-t-bound"), bind("steppe-tenant", "steppe-purger")),
            (
                Operator,
                Fate::NoRight,
                "GET",
                "/api/v1/namespaces/steppe-t-bound/secrets/identity".to_owned(),
                Value::Null,
            ),
            (Operator, Fate::Done, "POST", bindings("steppe-t-bound"), bind("steppe-tenant", "steppe-operator")),
            (Operator, Fate::Done, "GET", "/api/v1/namespaces/steppe-t-bound/secrets/identity".to_owned(), Value::Null),
            (Operator, Fate::NoRight, "GET", "/api/v1/namespaces/steppe-t-bound/secrets/other".to_owned(), Value::Null),
            (Operator, Fate::NoRight, "GET", "/api/v1/namespaces/steppe-t-bound/secrets".to_owned(), Value::Null),
            (Operator, Fate::NoRight, "GET", "/api/v1/secrets".to_owned(), Value::Null),
            (
                Operator,
                Fate::NoRight,
                "GET",
                "/api/v1/namespaces/steppe-system/secrets/steppe-operator-keys".to_owned(),
                Value::Null,
            ),
        ] {
            // Rights are cached for a moment, so a grant may be seen late.
            wait::until("the expected answer", Duration::from_secs(5), async || {
                expect(chart, who, fate, method, &path, body.clone()).await.map(Some)
            })
            .await?;
        }
        let admin_role =
            ask(&Operator.client(chart).await?, "POST", &bindings("steppe-t-bound"), bind("admin", "steppe-operator"))
                .await?;
        ensure!(admin_role.code == 403 && admin_role.message.contains("not currently held"), "{admin_role:?}");
        Ok(())
    });
}
