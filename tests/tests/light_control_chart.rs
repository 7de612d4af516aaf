//! The control plane's chart on a real API server: it goes in beside the operator's, tells the programs what they understand,
//! holds no secret, and lets nobody through but whom it names.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use clap::{Args as _, FromArgMatches as _};
use control_plane::gateway::cluster::{Cluster as _, Kubernetes};
use control_plane::worker::health;
use control_plane::{Config, Given, command};
use e2e::chart::{Chart, ask, repository, test, with};
use e2e::office::Office;
use http::StatusCode;
use lab::cache::Cache;
use lab::install::Installer;
use lab::tools::Quiet;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The namespace by default.
const SPACE: &str = "steppe-control-plane";

async fn installer(chart: &Path) -> Result<Installer> {
    Installer::new(&Cache::open(None)?, chart, &mut Quiet).await
}

async fn ours() -> Result<Installer> {
    installer(&repository().join("charts/control-plane")).await
}

/// The values of a small, whole installation.
fn example() -> Result<Value> {
    let text = std::fs::read_to_string(repository().join("docs/examples/control-plane-values.yaml"))?;
    Ok(serde_saphyr::from_str(&text)?)
}

/// No more than what has no default.
fn least() -> Value {
    json!({
        "images": { "steppe": "registry.example/steppe:1" }, "url": "https://my.hosting.example",
        "ingress": { "className": "caddy", "tlsSecret": "certificate", "from": { "namespace": "ingress" } },
        "database": { "url": "postgres://steppe@db/steppe", "to": { "namespace": "databases" } },
    })
}

fn documents(rendered: &str) -> Result<Vec<Value>> {
    let parts = rendered.split("\n---").filter(|part| part.lines().any(|line| line.starts_with("kind:")));
    parts.map(|part| serde_saphyr::from_str(part).with_context(|| part.to_owned())).collect()
}

async fn render(values: &Value) -> Result<Vec<Value>> {
    documents(&ours().await?.render(values).await?)
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// What runs: each program's name and the template of its pods.
fn programs(objects: &[Value]) -> BTreeMap<&str, &Value> {
    let is_program = |object: &&Value| matches!(text(object, "/kind"), "Deployment" | "Job");
    let named = |object| (text(object, "/metadata/labels/app.kubernetes.io~1component"), &object["spec"]["template"]);
    objects.iter().filter(is_program).map(named).collect()
}

fn path(object: &Value) -> String {
    let (version, name) = (text(object, "/apiVersion"), text(object, "/metadata/name"));
    let base = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let plural = match text(object, "/kind").to_lowercase() {
        kind if kind.ends_with('y') => format!("{}ies", kind.trim_end_matches('y')),
        kind if kind.ends_with('s') => format!("{kind}es"),
        kind => format!("{kind}s"),
    };
    match text(object, "/metadata/namespace") {
        "" => format!("{base}/{plural}/{name}"),
        space => format!("{base}/namespaces/{space}/{plural}/{name}"),
    }
}

async fn versions(chart: &Chart, objects: &[Value]) -> Result<Vec<Value>> {
    let client = chart.light.client().await?;
    let mut versions = Vec::new();
    for object in objects {
        let found = ask(&client, "GET", &path(object), Value::Null).await?.ok();
        versions.push(found.with_context(|| path(object))?["metadata"]["resourceVersion"].clone());
    }
    Ok(versions)
}

#[test]
fn the_chart_goes_in_beside_the_operators_and_the_second_time_changes_nothing() {
    test(async |chart| {
        let (installer, kubeconfig) = (ours().await?, chart.light.kubeconfig());
        // No pod is asked for: nothing here runs one.
        let none = json!({ "replicas": 0 });
        let values = with(with(example()?, "/server", none.clone()), "/worker", none);
        let rendered = installer.render(&values).await?;
        let objects = documents(&rendered)?;
        ensure!(objects.len() >= 17, "only {} objects", objects.len());
        installer.apply(&kubeconfig, &rendered).await?;
        let before = versions(chart, &objects).await?;
        installer.apply(&kubeconfig, &rendered).await?;
        ensure!(versions(chart, &objects).await? == before, "the second installation wrote something");

        // The rules for pods are asked when pods are made, not for what makes them.
        let client = chart.light.client().await?;
        let pods = format!("/api/v1/namespaces/{SPACE}/pods?dryRun=All");
        let programs = programs(&objects);
        ensure!(programs.keys().eq(&["migrate", "server", "worker"]), "{:?}", programs.keys());
        for object in objects.iter().filter(|object| matches!(text(object, "/kind"), "Deployment" | "Job")) {
            // As the API server read it.
            let made = ask(&client, "GET", &path(object), Value::Null).await?.ok()?;
            let (name, template) = (text(object, "/metadata/name"), made["spec"]["template"].clone());
            let pod = with(with(template, "/apiVersion", json!("v1")), "/kind", json!("Pod"));
            let pod = with(pod, "/metadata/name", json!(name));
            // Who owns a file reads it, and the group of the pod; nobody else.
            ensure!(!pod.to_string().contains("\"defaultMode\":440"), "{name}: a mode that is no octal");
            ask(&client, "POST", &pods, pod.clone()).await?.ok().with_context(|| format!("the pod of {name}"))?;
            let loose = with(pod, "/spec/containers/0/securityContext/allowPrivilegeEscalation", json!(true));
            let refused = ask(&client, "POST", &pods, loose).await?;
            ensure!(refused.code == 403 && refused.message.contains("PodSecurity"), "{name}: {refused:?}");
        }

        // Another version's migration is another object; the one before stays as it is.
        let newer = installer.render(&with(values, "/images/steppe", json!("registry.example/steppe:2"))).await?;
        installer.apply(&kubeconfig, &newer).await?;
        let jobs = ask(&client, "GET", &format!("/apis/batch/v1/namespaces/{SPACE}/jobs"), Value::Null).await?.ok()?;
        ensure!(jobs["items"].as_array().map(Vec::len) == Some(2), "{jobs}");
        Ok(())
    });
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    test(async |_| {
        let installer = ours().await?;
        installer.render(&least()).await?;
        let good = example()?;
        let refused = installer.render(&json!({})).await;
        ensure!(refused.is_err(), "what has no default must be given");
        let nowhere = json!({ "namespace": "", "cidrs": [], "port": 1 });
        for (pointer, value) in [
            ("/sever", json!({})),
            ("/images/steppe", json!("")),
            ("/images/tag", json!("latest")),
            ("/images/pullPolicy", json!("Sometimes")),
            ("/namespace", json!("steppe-system")),
            ("/namespace", json!("kube-system")),
            ("/url", json!("http://my.hosting.example")),
            ("/url", json!("https://my.hosting.example/")),
            ("/url", Value::Null),
            ("/undoDays", json!(0)),
            ("/server", json!({ "replicas": "2" })),
            ("/server", json!({ "replicas": -1 })),
            ("/worker", json!({ "lease": 0 })),
            ("/ingress/tlsSecret", Value::Null),
            ("/ingress/proxies", json!(0)),
            ("/ingress/from", json!({ "namespace": "", "cidrs": [] })),
            ("/ingress/from", json!({ "namespace": "", "cidrs": ["everybody"] })),
            ("/staff/url", json!("staff.hosting.internal")),
            ("/database/url", json!("postgres://steppe:password@db/steppe")),
            ("/database/to", nowhere.clone()),
            ("/database/to", json!({ "namespace": "databases", "port": "5432" })),
            ("/mail/url", json!("smtps://steppe:password@smtp.example.net")),
            ("/mail/url", json!("https://smtp.example.net")),
            ("/mail/to", nowhere.clone()),
            ("/cells/0/name", json!("../one")),
            ("/cells/0/kubeconfig", Value::Null),
            ("/cells/0/token", json!("secret")),
            ("/cells/0/api", nowhere.clone()),
            ("/cells/0/objects", nowhere),
            ("/dns", json!({ "namespace": "" })),
            ("/secrets/password", json!("secret")),
        ] {
            let refused = installer.render(&with(good.clone(), pointer, value.clone())).await;
            ensure!(refused.is_err(), "{pointer} = {value} was taken");
        }
        Ok(())
    });
}

/// What a container is told by its environment.
fn environment(template: &Value) -> Result<Vec<(String, String)>> {
    let told = template.pointer("/spec/containers/0/env").and_then(Value::as_array).context("no environment")?;
    let pair = |one: &Value| Ok((text(one, "/name").to_owned(), one["value"].as_str().context("no value")?.to_owned()));
    told.iter().map(pair).collect()
}

/// What the program makes of its environment, with the folder `files` in the place of `/etc/steppe`.
fn given(template: &Value, files: &Path) -> Result<Given> {
    let options = Given::augment_args(clap::Command::new("steppe"));
    let mut arguments = vec!["steppe".to_owned()];
    for (name, value) in environment(template)? {
        let known = options.get_arguments().find(|one| one.get_env().is_some_and(|env| *env == *name));
        match known.and_then(clap::Arg::get_long) {
            Some(option) => arguments.push(format!("--{option}={}", value.replace("/etc/steppe", text_of(files)?))),
            None => ensure!(name == command::LOG_FILTER, "no program of ours knows {name}"),
        }
    }
    Ok(Given::from_arg_matches(&options.try_get_matches_from(arguments)?)?)
}

fn text_of(path: &Path) -> Result<&str> {
    path.to_str().context("the folder's name is no text")
}

/// The files that a pod finds, by path; of a Secret that is mounted whole, its folder.
fn mounted(template: &Value) -> Result<BTreeSet<String>> {
    let list = |pointer: &str| template.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut found = BTreeSet::new();
    for mount in list("/spec/containers/0/volumeMounts") {
        let volumes = list("/spec/volumes");
        let volume = volumes.iter().find(|one| one["name"] == mount["name"]).context("a mount without a volume")?;
        ensure!(mount["readOnly"] == true, "{mount}");
        let at = text(&mount, "/mountPath");
        let sources = volume.pointer("/projected/sources").and_then(Value::as_array);
        for item in
            sources.into_iter().flatten().flat_map(|one| one["secret"]["items"].as_array().into_iter().flatten())
        {
            found.insert(format!("{at}/{}", text(item, "/path")));
        }
        if sources.is_none() {
            found.insert(at.to_owned());
        }
    }
    Ok(found)
}

#[test]
fn the_programs_are_told_what_they_understand_and_find_the_files() {
    test(async |_| {
        let files = tempfile::tempdir()?;
        for (folder, file) in [("database", "password"), ("key", "key.txt"), ("mail", "password")] {
            std::fs::create_dir(files.path().join(folder))?;
            std::fs::write(files.path().join(folder).join(file), "goose\n")?;
        }
        for values in [least(), example()?] {
            let objects = render(&values).await?;
            let programs = programs(&objects);
            for (name, template) in &programs {
                let mounts = mounted(template)?;
                for (variable, value) in environment(template)?.into_iter().filter(|(_, value)| value.starts_with('/'))
                {
                    let there = |mount: &String| value == *mount || value.starts_with(&format!("{mount}/"));
                    let there = mounts.iter().any(there) || variable == "STEPPE_CELLS_DIR";
                    ensure!(there, "{name} finds nothing at {value}: {mounts:?}");
                }
                ensure!(text(template, "/spec/containers/0/command/1") == *name, "{template}");
            }
            given(programs["migrate"], files.path())?.database()?;
            let server: Config = given(programs["server"], files.path())?.check()?;
            let worker: Config = given(programs["worker"], files.path())?.check()?;
            ensure!(server.listen.ip().is_unspecified() && server.staff_listen.ip().is_unspecified(), "{server:?}");
            ensure!(worker.worker_listen.ip().is_unspecified(), "{worker:?}");
            ensure!(server.proxies == 1 && server.host() == "my.hosting.example", "{server:?}");
            ensure!((server.url, server.support, server.mail_from) == (worker.url, worker.support, worker.mail_from));
            ensure!((server.staff_url, server.undo_days) == (worker.staff_url, worker.undo_days));
            ensure!(server.smtp.is_none(), "the worker alone sends mail");
            let has_mail = values.get("mail").is_some();
            ensure!(worker.smtp.is_some_and(|smtp| smtp.password.is_some()) == has_mail, "mail");
        }
        Ok(())
    });
}

#[test]
fn the_probes_ask_for_what_is_answered_and_customers_cannot() {
    test(async |_| {
        let office = Office::open("control_chart_probes").await?;
        let objects = render(&example()?).await?;
        let programs = programs(&objects);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let (address, stop) = (listener.local_addr()?, CancellationToken::new());
        let pages = tokio::spawn(health::serve(listener, office.control.workshop.platform.clone(), stop.clone()));
        for probe in ["readinessProbe", "livenessProbe"] {
            let asked = &programs["server"]["spec"]["containers"][0][probe]["httpGet"];
            ensure!(text(asked, "/port") == "staff", "{asked}");
            office.browser().get(text(asked, "/path")).await?.expect(StatusCode::OK)?;
            office.control.browser().get(text(asked, "/path")).await?.expect(StatusCode::NOT_FOUND)?;
            let asked = &programs["worker"]["spec"]["containers"][0][probe]["httpGet"];
            ensure!(text(asked, "/port") == "health", "{asked}");
            let answer = reqwest::get(format!("http://{address}{}", text(asked, "/path"))).await?;
            ensure!(answer.status() == StatusCode::OK, "{asked}: {}", answer.status());
        }
        stop.cancel();
        Ok(pages.await??)
    });
}

#[test]
fn no_secret_is_in_the_chart_and_each_program_gets_only_its_own() {
    test(async |_| {
        let objects = render(&example()?).await?;
        for object in &objects {
            let kind = text(object, "/kind");
            ensure!(!kind.starts_with("Secret") && !kind.contains("Role"), "{object}");
            ensure!(object.get("data").is_none() && object.get("stringData").is_none(), "{object}");
        }
        let programs = programs(&objects);
        let mut secrets = BTreeMap::new();
        for (name, template) in &programs {
            ensure!(template["spec"]["automountServiceAccountToken"] == false, "{name} has a token");
            let all = template.to_string();
            let names = all.split("\"secretName\":\"").skip(1).chain(
                all.split("\"secret\":{\"items\":")
                    .skip(1)
                    .map(|rest| rest.split_once("\"name\":\"").map_or("", |(_, name)| name)),
            );
            let names = names.filter_map(|rest| rest.split('"').next()).map(str::to_owned);
            secrets.insert(*name, names.collect::<BTreeSet<_>>());
        }
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        ensure!(secrets["migrate"] == set(&["steppe-database"]), "{secrets:?}");
        let server = ["steppe-database", "steppe-key", "steppe-staff-keys", "steppe-cell-one-store"];
        ensure!(secrets["server"] == set(&server), "{secrets:?}");
        let worker = ["steppe-database", "steppe-key", "steppe-mail", "steppe-cell-one", "steppe-cell-one-store"];
        ensure!(secrets["worker"] == set(&worker), "{secrets:?}");
        let cells: BTreeSet<_> =
            mounted(programs["worker"])?.into_iter().filter(|path| path.starts_with("/etc/steppe/cells/one")).collect();
        let wanted = ["access-key", "kubeconfig", "secret-key", "store.toml"];
        ensure!(cells == wanted.map(|name| format!("/etc/steppe/cells/one/{name}")).into(), "{cells:?}");

        Ok(())
    });
}

#[test]
fn the_way_to_a_cell_is_made_as_it_is_written_down() {
    test(async |chart| {
        let text = std::fs::read_to_string(repository().join("docs/operating.md"))?;
        let folder = tempfile::tempdir()?;
        let (made, authority) = (folder.path().join("kubeconfig"), folder.path().join("ca.crt"));
        std::fs::write(&authority, chart.light.authority().pem())?;
        let create = "kubectl -n steppe-system create token steppe-control-plane --duration=8760h";
        ensure!(text.contains(create), "docs/operating.md does not say {create}");
        let arguments: Vec<&str> = create.split(' ').skip(1).collect();
        let token = chart.installer.kubectl(&chart.light.kubeconfig(), &arguments, "").await?;
        let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("kubectl config ")).collect();
        ensure!(commands.len() == 4, "{commands:?}");
        for command in commands {
            let command =
                command.replace("https://192.0.2.10:6443", chart.light.url()).replace("\"$TOKEN\"", token.trim());
            let command = command.replace("=ca.crt", &format!("={}", text_of(&authority)?));
            let command = command.strip_suffix(" --kubeconfig=kubeconfig").context("it writes elsewhere")?;
            let arguments: Vec<&str> = command.split(' ').skip(1).collect();
            chart.installer.kubectl(&made, &arguments, "").await?;
        }
        let cluster = Kubernetes::connect(&std::fs::read_to_string(&made)?).await?;
        ensure!(cluster.cell().await?.spec.zone.as_str() == "steppe.test");
        Ok(())
    });
}

/// The peers of a rule, in short.
fn peers(rule: &Value, side: &str) -> String {
    let peers = rule[side].as_array().cloned().unwrap_or_default();
    let short = |peer: &Value| match peer.pointer("/ipBlock/cidr").and_then(Value::as_str) {
        Some(cidr) => cidr.to_owned(),
        None => text(peer, "/namespaceSelector/matchLabels/kubernetes.io~1metadata.name").to_owned(),
    };
    if peers.is_empty() { "EVERYBODY".to_owned() } else { peers.iter().map(short).collect::<Vec<_>>().join(",") }
}

/// All openings in the policies, one line each.
fn openings(objects: &[Value]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for policy in objects.iter().filter(|object| text(object, "/kind") == "NetworkPolicy") {
        let name = text(policy, "/metadata/name");
        let pods = text(policy, "/spec/podSelector/matchLabels/app.kubernetes.io~1component");
        found.insert(format!("{name} [{pods}] {}", policy["spec"]["policyTypes"]));
        for (direction, side) in [("ingress", "from"), ("egress", "to")] {
            for rule in policy["spec"][direction].as_array().into_iter().flatten() {
                let ports = rule["ports"].as_array().cloned().unwrap_or_default();
                let ports = ports.iter().map(|port| format!("{}/{}", text(port, "/protocol"), port["port"]));
                let ports = ports.collect::<Vec<_>>().join(",").replace('"', "");
                found.insert(format!("{name} {side} {} {ports}", peers(rule, side)));
            }
        }
    }
    found
}

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_network_is_open_where_it_must_be_and_nowhere_else() {
    test(async |_| {
        let found = openings(&render(&example()?).await?);
        let wanted = lines(
            r#"
            default-deny [] ["Ingress","Egress"]
            steppe-server [server] ["Ingress","Egress"]
            steppe-server from ingress-nginx TCP/http
            steppe-server from 10.99.0.0/24 TCP/staff
            steppe-server to kube-system UDP/53,TCP/53
            steppe-server to 192.168.20.5/32 TCP/5432
            steppe-server to 192.168.30.7/32 TCP/9000
            steppe-worker [worker] ["Ingress","Egress"]
            steppe-worker from monitoring TCP/health
            steppe-worker to kube-system UDP/53,TCP/53
            steppe-worker to 192.168.20.5/32 TCP/5432
            steppe-worker to 198.51.100.25/32 TCP/465
            steppe-worker to 192.168.10.2/32 TCP/6443
            steppe-worker to 192.168.30.7/32 TCP/9000
            steppe-migrate [migrate] ["Ingress","Egress"]
            steppe-migrate to kube-system UDP/53,TCP/53
            steppe-migrate to 192.168.20.5/32 TCP/5432
            "#,
        );
        ensure!(found == wanted, "more: {:#?}\nless: {:#?}", found.difference(&wanted), wanted.difference(&found));

        let found = openings(&render(&least()).await?);
        let wanted = lines(
            r#"
            default-deny [] ["Ingress","Egress"]
            steppe-server [server] ["Ingress","Egress"]
            steppe-server from ingress TCP/http
            steppe-server to kube-system UDP/53,TCP/53
            steppe-server to databases TCP/5432
            steppe-worker [worker] ["Ingress","Egress"]
            steppe-worker to kube-system UDP/53,TCP/53
            steppe-worker to databases TCP/5432
            steppe-migrate [migrate] ["Ingress","Egress"]
            steppe-migrate to kube-system UDP/53,TCP/53
            steppe-migrate to databases TCP/5432
            "#,
        );
        ensure!(found == wanted, "more: {:#?}\nless: {:#?}", found.difference(&wanted), wanted.difference(&found));
        Ok(())
    });
}

#[test]
fn staff_are_behind_a_service_of_their_own_that_no_ingress_leads_to() {
    test(async |_| {
        let objects = render(&example()?).await?;
        let named = |kind: &str, name: &str| {
            let found = objects.iter().find(|one| text(one, "/kind") == kind && text(one, "/metadata/name") == name);
            found.cloned().with_context(|| format!("no {kind} {name}"))
        };
        let ingress = named("Ingress", "steppe-server")?;
        ensure!(objects.iter().filter(|one| text(one, "/kind") == "Ingress").count() == 1);
        let backend = &ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"];
        ensure!(*backend == json!({ "name": "steppe-server", "port": { "name": "http" } }), "{ingress}");
        let tls = json!([{ "hosts": ["my.hosting.example"], "secretName": "dashboard-certificate" }]);
        ensure!(ingress["spec"]["tls"] == tls, "{ingress}");
        let ports = |service: &Value| service["spec"]["ports"].as_array().map(|all| all.len()) == Some(1);
        let (customers, staff) = (named("Service", "steppe-server")?, named("Service", "steppe-staff")?);
        ensure!(ports(&customers) && ports(&staff), "{customers} {staff}");
        ensure!(text(&customers, "/spec/ports/0/targetPort") == "http", "{customers}");
        ensure!(text(&staff, "/spec/ports/0/targetPort") == "staff", "{staff}");
        Ok(())
    });
}

#[test]
fn each_version_has_a_migration_of_its_own() {
    test(async |_| {
        let job = |objects: Vec<Value>| {
            let found = objects.into_iter().find(|one| text(one, "/kind") == "Job").context("no Job")?;
            Ok::<_, anyhow::Error>(text(&found, "/metadata/name").to_owned())
        };
        let values = example()?;
        let first = job(render(&values).await?)?;
        ensure!(job(render(&with(values.clone(), "/support", json!("else@hosting.example"))).await?)? == first);
        // Whatever is in the Job: it cannot be changed.
        for (pointer, value) in [
            ("/images/steppe", json!("registry.example/steppe:2")),
            ("/database/url", json!("postgres://steppe@db/other")),
            ("/log", json!("debug")),
        ] {
            let other = job(render(&with(values.clone(), pointer, value)).await?)?;
            ensure!(other != first, "{pointer} changes the Job and not its name");
        }
        let folder = tempfile::tempdir()?;
        let chart = folder.path().join("chart");
        copy(&repository().join("charts/control-plane"), &chart)?;
        let file = chart.join("Chart.yaml");
        let newer = std::fs::read_to_string(&file)?.replace("appVersion: \"0.1.0\"", "appVersion: \"0.2.0\"");
        std::fs::write(&file, newer)?;
        let other = job(documents(&installer(&chart).await?.render(&values).await?)?)?;
        ensure!(other != first, "a newer version of the chart has the same Job");
        Ok(())
    });
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
