//! The control plane in pods: installed as it is written down, ordered at, brought up to date under people's hands.
//! Alone in its program, because its control plane writes to the cell that the other ones have too.
#![cfg(test)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::installed::{Installed, SPACE};
use e2e::node::probe::Probe;
use e2e::node::{self, visit::visit};
use lab::control::{Account, Answer, HOST, password};
use lab::demo::Cell;
use lab::images;
use lab::journey::stamp;
use lab::node::Ground;
use lab::tools::{self, Quiet};
use lab::wait;
use serde_json::json;

/// How long a way to staff's pages may take to be open. A deadline, not a measure.
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn the_control_plane_is_installed_as_it_is_written_down_and_works_in_pods() {
    node::test(async |ground, cell| {
        let installed = Installed::prepare(ground, cell).await?;
        let seen = lives(ground, cell, &installed).await;
        let seen = match seen {
            Err(error) => Err(error.context(installed.tails().await)),
            fine => fine,
        };
        // The tests after this one have a control plane of their own, however this one went.
        installed.end().await?;
        seen
    });
}

async fn lives(ground: &Ground, cell: &Cell, installed: &Installed) -> Result<()> {
    let said = installed.install().await.context("installing")?;
    ensure!(said.contains("otpauth://"), "no second factor was printed: {said}");
    ensure!(said.contains("cell one"), "the doctor said nothing of the cell: {said}");
    // Until a worker has been there nobody knows how much room a cell has.
    let list = format!("kubectl -n {SPACE} exec deploy/steppe-worker -- steppe admin cells list");
    wait::until("the cell to be reached", LIMIT, async || {
        let cells = installed.typed(&list).await?;
        ensure!(cells.contains("cluster ") && cells.contains("small"), "{cells}");
        Ok(Some(()))
    })
    .await?;

    let label = format!("heron-{}", stamp());
    let account = Account { email: format!("{label}@mail.test"), password: password()? };
    let dashboard = &installed.dashboard;
    let mut customer = dashboard.sign_up(&account, "Heron Reed").await.context("signing up")?;
    let order = customer.order(&label, "heron", &account.email).await?;
    let server = customer.ready(&order).await?;
    let owner = customer.owner_password(&server).await?;
    let host = format!("{label}.{}", cell.site.zone);
    let token = cell.site.app_of(&host).login("heron", &owner).await?.token;
    cell.site.app_of(&host).post(&token, "from a control plane in pods").await?;

    // A newer version comes while somebody looks: nobody is refused, and what is under way is done.
    let export = customer.post(&format!("{server}/exports"), &[]).await?.expect(303)?.location;
    let (stop, answers) = (AtomicBool::new(false), AtomicUsize::new(0));
    let looking = async {
        while !stop.load(Ordering::Relaxed) {
            dashboard.customer().get("/imprint").await?.expect(200)?;
            answers.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    let changing = async {
        let changed = installed.change("/support", json!("else@hosting.test")).await;
        stop.store(true, Ordering::Relaxed);
        changed.context("changing a value")
    };
    tokio::try_join!(looking, changing)?;
    ensure!(answers.load(Ordering::Relaxed) > 10, "only {answers:?} pages were looked at");
    let changed = |page: &Answer| page.body.contains("else@hosting.test").then_some(());
    customer.until("the change", "/imprint", changed).await?;
    customer.bundle(&export).await?;
    let script = customer.script(&export).await?;
    ensure!(script.contains(&format!("https://{HOST}")), "the script leads elsewhere: {script}");
    visit(&cell.site, &host, "/").await?;

    staff_come_by_a_forwarded_port(installed).await?;
    walls_hold(ground, cell, installed).await
}

async fn staff_come_by_a_forwarded_port(installed: &Installed) -> Result<()> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut forward = installed.forward(port)?;
    wait::until("staff's pages", LIMIT, async || {
        ensure!(forward.try_wait()?.is_none(), "kubectl has ended");
        let answer = reqwest::get(format!("http://127.0.0.1:{port}/log-in")).await?;
        Ok((answer.status() == 200).then_some(()))
    })
    .await?;
    forward.kill().await?;
    Ok(())
}

/// Who may reach whom, tried from a pod that no policy holds back and from the programs themselves.
async fn walls_hold(ground: &Ground, cell: &Cell, installed: &Installed) -> Result<()> {
    let cache = node::cache()?;
    let images = images::build(&cache, &tools::services(&cache, &mut Quiet).await?, &mut Quiet).await?;
    let stranger = Probe::start(ground, &cell.site.client, "default", &images.probe.pinned(), "stranger", None).await?;
    let address = |component: &str| {
        let list = format!(
            "kubectl -n {SPACE} get pods --selector=app.kubernetes.io/component={component} \
             --field-selector=status.phase=Running --output 'jsonpath={{.items[0].status.podIP}}'"
        );
        async move { installed.typed(&list).await }
    };
    let (server, worker) = (address("server").await?, address("worker").await?);
    let targets = [format!("tcp:{server}:8080"), format!("tcp:{server}:8081"), format!("tcp:{worker}:8080")];
    let tried = stranger.try_all(&targets.each_ref().map(String::as_str)).await?;
    stranger.end().await?;
    ensure!(tried.values().all(|result| result != "open"), "a stranger comes in: {tried:?}");

    let (node, ports) = (ground.addresses.node_ip, &ground.ports);
    for (program, port, open) in [
        ("server", ports.postgres, true),
        ("server", ports.s3, true),
        ("server", ports.apiserver, false),
        ("server", ports.smtp, false),
        ("worker", ports.apiserver, true),
        ("worker", ports.smtp, true),
        ("worker", ports.mails, false),
    ] {
        let knock = format!("timeout 3 bash -c 'exec 3<>/dev/tcp/{node}/{port}' 2>/dev/null && echo open || echo shut");
        let knock = format!("kubectl -n {SPACE} exec deploy/steppe-{program} -- bash -c {}", quoted(&knock));
        let found = installed.typed(&knock).await?;
        ensure!(found.trim() == if open { "open" } else { "shut" }, "{program} finds port {port} {found}");
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
