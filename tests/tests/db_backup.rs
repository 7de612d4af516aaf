//! Our own database, backed up and restored by PostgreSQL's programs: whole when nothing happened since, and when something did,
//! no cell is written to before a person has looked.
#![cfg(test)]

use control_plane::actor::Actor;
use control_plane::app::server::adopt::{Wish, adopt};
use control_plane::app::server::{closing, user};
use control_plane::app::{cell, order, staff};
use control_plane::command::doctor::{self, Finding, Verdict};
use control_plane::gateway::cluster::fake::Call;
use control_plane::gateway::cluster::instances;
use control_plane::store::account_change::Action;
use control_plane::store::cell::Refused;
use control_plane::worker::expire;
use control_plane::{migrate, store};
use crd::Mode;
use domain::Password;
use domain::operation::{Kind, State};
use e2e::chart::repository;
use e2e::control::{Browser, Control, PASSWORD};
use e2e::workshop::{Backup, Workshop, ZONE};
use http::StatusCode;
use kube::ResourceExt as _;

async fn sign_in(control: &Control, email: &str) -> Browser {
    let mut browser = control.browser();
    let fields = [("email", email), ("password", PASSWORD), ("next", "/")];
    browser.post("/log-in", &fields).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    browser
}

async fn number(workshop: &Workshop, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&workshop.platform.pool).await.unwrap()
}

/// How many rows each of our tables has.
async fn counts(workshop: &Workshop) -> Vec<(String, i64)> {
    let sql = "SELECT table_name::text, (xpath('/row/n/text()', query_to_xml(
                   format('SELECT count(*) AS n FROM %I', table_name), false, true, '')))[1]::text::bigint
               FROM information_schema.tables WHERE table_schema = 'public' AND table_name <> 'workers' ORDER BY 1";
    sqlx::query_as(sql).fetch_all(&workshop.platform.pool).await.unwrap()
}

async fn bad(workshop: &Workshop) -> Vec<String> {
    let found = doctor::look(&workshop.platform).await;
    assert!(found.len() > 5, "{found:#?}");
    let bad = |one: &Finding| one.verdict == Verdict::Bad;
    found.iter().filter(|one| bad(one)).map(ToString::to_string).collect()
}

/// What a control plane has that is run in earnest: one of staff, and a cell that says the zone that it has here.
async fn settle_in(workshop: &Workshop) {
    workshop.cluster.set_cell(|cell| cell.spec.zone = ZONE.parse().unwrap());
    let email = "ada@steppe.example".parse().unwrap();
    let password = Password::choose(PASSWORD.to_owned(), &email).unwrap();
    staff::create(&workshop.platform, &email, "Ada", password).await.unwrap();
}

#[tokio::test]
async fn a_restored_database_is_the_one_that_was_backed_up() {
    let control = Control::open("backed_up").await.unwrap();
    settle_in(&control.workshop).await;
    let mut jo = control.person("jo").await.unwrap();
    let birds = jo.server(&control, "birds").await.unwrap();
    let (before, rows) =
        (number(&control.workshop, "SELECT max(seq) FROM audit").await, counts(&control.workshop).await);
    assert!(before > 0 && rows.iter().filter(|(_, rows)| *rows > 0).count() > 12, "there is little to lose: {rows:?}");
    let backup = control.workshop.back_up().await.unwrap();
    assert!(backup.file().metadata().unwrap().len() > 10_000);
    let old = control.workshop.platform.clone();
    let control = Control::before(control.workshop.restore(&backup, "backed_up_restored").await.unwrap());
    let workshop = &control.workshop;
    assert_ne!(
        sqlx::query_scalar::<_, String>("SELECT current_database()::text").fetch_one(&old.pool).await.unwrap(),
        sqlx::query_scalar::<_, String>("SELECT current_database()::text")
            .fetch_one(&workshop.platform.pool)
            .await
            .unwrap()
    );

    migrate::require(&workshop.platform.pool).await.unwrap();
    assert_eq!(counts(workshop).await, rows);
    // The observer looks first; what it sees is nothing new.
    workshop
        .until("the cell is looked at", async || Ok(workshop.cell_row().await?.cluster_uid.is_some()))
        .await
        .unwrap();
    assert_eq!(bad(workshop).await, Vec::<String>::new());
    // Whoever was logged in still is, whoever was not logs in, and what is wished is done.
    jo.browser = control.browser();
    let mut browser = sign_in(&control, "jo@mail.example").await;
    assert!(browser.get(&birds).await.unwrap().expect(StatusCode::OK).unwrap().says("birds"));
    jo.browser = browser;
    jo.server(&control, "trees").await.unwrap();
    assert!(workshop.cell_row().await.unwrap().refused.is_none());

    // What counts goes on where it was.
    let after = number(workshop, "SELECT max(seq) FROM audit").await;
    assert!(after > before, "{after} is not after {before}");
    let twice = "SELECT count(*) - count(DISTINCT seq) FROM audit";
    assert_eq!(number(workshop, twice).await, 0);
    // What was done cannot be undone here either.
    for sql in ["UPDATE audit SET actor_name = 'nobody'", "DELETE FROM audit", "TRUNCATE audit CASCADE"] {
        let error = sqlx::query(sql).execute(&workshop.platform.pool).await.unwrap_err();
        assert!(error.to_string().contains("audit"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn migrations_go_on_from_a_restored_database() {
    let workshop = Workshop::open("backed_up_migrated").await.unwrap();
    let done = number(&workshop, "SELECT count(*) FROM _sqlx_migrations").await;
    let backup = workshop.back_up().await.unwrap();
    let workshop = workshop.restore(&backup, "backed_up_migrated_restored").await.unwrap();
    migrate::run(&workshop.platform.pool).await.unwrap();
    assert_eq!(number(&workshop, "SELECT count(*) FROM _sqlx_migrations").await, done);
    // A database that lacks one is refused: the programs do not start on it.
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
        .execute(&workshop.platform.pool)
        .await
        .unwrap();
    let refused = migrate::require(&workshop.platform.pool).await.unwrap_err().to_string();
    assert!(refused.contains("1 migrations") && refused.contains("steppe migrate"), "{refused}");
}

/// Everything that a cell has of ours, as text: what tenants would notice a change of.
fn there(workshop: &Workshop, names: &[String]) -> Vec<String> {
    let cluster = &workshop.cluster;
    let mut all: Vec<String> = names.iter().map(|name| format!("{:?}", cluster.find_instance(name).unwrap())).collect();
    all.extend(cluster.account_changes().iter().map(|one| format!("{one:?}")));
    all.extend(cluster.exports().iter().map(|one| format!("{one:?}")));
    all
}

fn writes(workshop: &Workshop) -> usize {
    let is_write = |call: &Call| match call {
        Call::ApplyInstance | Call::CreateExport | Call::ClaimKey | Call::CreateAccountChange => true,
        Call::Cell | Call::Instance => false,
    };
    workshop.cluster.calls().iter().filter(|call| is_write(call)).count()
}

#[tokio::test]
async fn an_older_database_touches_nothing_until_a_person_has_looked_and_then_nothing_is_lost_or_made_twice() {
    let workshop = Workshop::open("older").await.unwrap();
    settle_in(&workshop).await;
    let jo = workshop.customer("jo").await.unwrap();
    let birds = workshop.server(&jo, "birds").await.unwrap();
    let trees = workshop.server(&jo, "trees").await.unwrap();
    let grace = "grace".parse().unwrap();
    user::change(&workshop.platform, &jo.actor, trees, Action::Add, &grace).await.unwrap();
    let backup = workshop.back_up().await.unwrap();

    // And life goes on: the account is made, a server is ordered, another is closed.
    let asked = workshop.newest(trees, Kind::AccountChange).await.unwrap().id;
    assert_eq!(workshop.rest(asked).await.unwrap().course.state.as_str(), "succeeded");
    let stones = workshop.server(&jo, "stones").await.unwrap();
    closing::close(&workshop.platform, &jo.actor, birds, "birds.servers.example").await.unwrap();
    workshop.rest(workshop.newest(birds, Kind::CloseInstance).await.unwrap().id).await.unwrap();
    let mut names = Vec::new();
    for id in [birds, trees, stones] {
        names.push(workshop.instance(id).await.unwrap().object_name.to_string());
    }
    let closed = workshop.cluster.find_instance(&names[0]).unwrap();
    assert_eq!((closed.spec.mode, workshop.cluster.account_changes().len()), (Mode::Closing, 1));
    let (before, written, mailed) =
        (there(&workshop, &names), writes(&workshop), workshop.mails().await.unwrap().len());

    // The older database: it knows nothing of that, and has the account still to make.
    let workshop = workshop.restore(&backup, "older_restored").await.unwrap();
    workshop.until("it is refused", async || Ok(workshop.cell_row().await?.refused.is_some())).await.unwrap();
    let (refused, why) = workshop.cell_row().await.unwrap().refused.unwrap();
    let wish = closed.spec.revision.unwrap();
    assert_eq!(refused, Refused::DatabaseBehind);
    assert!(
        why.contains(&format!("{} has wish {wish} there", names[0])) && why.contains("the last one known here"),
        "{why}"
    );
    while workshop.turn().await.unwrap() {}
    let waits = workshop.operation(asked).await.unwrap();
    assert!(
        matches!(&waits.course.state, State::Waiting { reason, .. } if reason == "database-behind"),
        "the account waits: {waits:#?}"
    );
    // Nor is anything new sent there: who orders now waits for a place.
    let late = workshop.order(&jo, "ponds").await.unwrap();
    assert!(workshop.order_row(late).await.unwrap().instance.is_none());
    workshop.later(jiff::SignedDuration::from_hours(1));
    while workshop.turn().await.unwrap() {}
    assert_eq!(there(&workshop, &names), before, "nothing there was touched");
    assert_eq!(writes(&workshop), written, "and nothing was tried");
    // People are told: staff by mail, whoever looks by the doctor.
    let mails = workshop.mails().await.unwrap();
    let told: Vec<_> = mails[mailed..].iter().filter(|mail| mail.subject.contains("cell one")).collect();
    assert!(told.len() == 1 && told[0].text.contains(&names[0]), "{told:#?}");
    let found = bad(&workshop).await;
    assert!(
        found.len() == 1 && found[0].contains("database-behind") && found[0].contains("docs/operating.md"),
        "{found:?}"
    );

    // Somebody looks, adopts what this database does not know, and trusts the cell.
    let there_now = instances(&workshop.cluster).await.unwrap();
    let row = workshop.cell_row().await.unwrap();
    let mut connection = workshop.platform.pool.acquire().await.unwrap();
    let offer = store::offer::newest(&mut connection).await.unwrap().remove(0).offer.id;
    drop(connection);
    let unknown = there_now.iter().find(|one| one.name_any() == names[2]).unwrap();
    let wish = Wish { organization: jo.organization, offer, owner_email: jo.account.email.clone() };
    let stones = adopt(&workshop.platform, &Actor::system(), &row, unknown, &wish).await.unwrap();
    while workshop.turn().await.unwrap() {}
    assert_eq!(there(&workshop, &names), before, "adopting writes nothing there yet");
    let revisions: Vec<_> = there_now.iter().filter_map(|one| Some((one.name_any(), one.spec.revision?))).collect();
    assert_eq!(cell::trust(&workshop.platform, &Actor::system(), &row, &revisions).await.unwrap(), 1);
    workshop.observe();

    // Who ordered meanwhile has waited for a place, and is offered one.
    expire::once(&workshop.platform).await.unwrap();
    order::accept(&workshop.platform, &jo.actor, late).await.unwrap();
    // Everything that waited is done, once.
    let adopted = workshop.newest(stones, Kind::ApplyInstance).await.unwrap().id;
    let ponds = workshop.order_row(late).await.unwrap().instance.unwrap();
    let ordered = workshop.newest(ponds, Kind::CreateInstance).await.unwrap().id;
    for id in [asked, adopted, ordered] {
        assert_eq!(workshop.rest(id).await.unwrap().course.state.as_str(), "succeeded");
    }
    assert!(workshop.cell_row().await.unwrap().refused.is_none() && bad(&workshop).await.is_empty());
    assert_eq!(workshop.cluster.account_changes().len(), 1, "the account is not made again");
    let known = async || Ok(number(&workshop, "SELECT count(*) FROM exports WHERE phase = 'succeeded'").await == 1);
    workshop.until("the bundle that the closing made is known", known).await.unwrap();
    assert_eq!(instances(&workshop.cluster).await.unwrap().len(), 4);
    for (name, was) in names.iter().map(|name| (name, there_now.iter().find(|one| one.name_any() == *name).unwrap())) {
        let is = workshop.cluster.find_instance(name).unwrap();
        assert_eq!((is.uid(), &is.spec.hostname), (was.uid(), &was.spec.hostname), "it is the same server");
        assert_eq!(is.spec.mode, was.spec.mode, "{name} does what it did");
        assert!(is.spec.revision >= was.spec.revision);
    }
    assert!(workshop.order(&jo, "stones").await.is_err(), "its name is taken");
    assert_eq!(workshop.room().await.unwrap().unwrap().1, 4, "each has its place, once");
    // What was wished since the backup is wished again, and done.
    closing::close(&workshop.platform, &jo.actor, birds, "birds.servers.example").await.unwrap();
    let again = workshop.rest(workshop.newest(birds, Kind::CloseInstance).await.unwrap().id).await.unwrap();
    assert_eq!(again.course.state.as_str(), "succeeded");
    let is = workshop.cluster.find_instance(&names[0]).unwrap();
    assert!(is.spec.mode == Mode::Closing && is.spec.revision > closed.spec.revision, "{is:?}");
}

#[test]
fn the_commands_are_those_that_are_written_down() {
    let text = std::fs::read_to_string(repository().join("docs/operating.md")).unwrap();
    for command in [Backup::MAKE, Backup::RESTORE] {
        assert!(text.contains(&format!("\n{command} \"$DATABASE_URL\"\n")), "docs/operating.md does not say {command}");
    }
}
