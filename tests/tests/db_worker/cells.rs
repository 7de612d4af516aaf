//! Cells that are lost, swapped or newer than the database; and what they say by themselves.

use control_plane::app::server;
use control_plane::gateway::cluster::fake::Call;
use control_plane::store;
use control_plane::store::cell::Refused;
use control_plane::store::export::Reason;
use control_plane::store::work::Phase;
use crd::{ExportReason, ExportSpec, InstanceRef, Mode};
use domain::id::InstanceId;
use domain::operation::{Kind, State};
use e2e::workshop::{CLUSTER, Customer, Workshop};
use names::Revision;

async fn pause(workshop: &Workshop, customer: &Customer, instance: InstanceId) -> domain::id::OperationId {
    server::pause::pause(&workshop.platform, &customer.actor, instance, "holiday".to_owned()).await.unwrap();
    workshop.newest(instance, Kind::ApplyInstance).await.unwrap().id
}

fn writes(workshop: &Workshop) -> usize {
    workshop.cluster.calls().into_iter().filter(|call| matches!(call, Call::ApplyInstance | Call::CreateExport)).count()
}

async fn wait_reason(workshop: &Workshop, id: domain::id::OperationId, wanted: &str) {
    while workshop.turn().await.unwrap() {}
    let operation = workshop.operation(id).await.unwrap();
    assert!(
        matches!(&operation.course.state, State::Waiting { reason, .. } if reason == wanted),
        "it should wait because of {wanted}: {operation:#?}"
    );
    assert_eq!(operation.course.attempt, 1, "waiting is no failed try");
}

#[tokio::test]
async fn the_cluster_of_the_first_contact_is_written_down() {
    let workshop = Workshop::open("first_contact").await.unwrap();
    assert_eq!(workshop.cell_row().await.unwrap().cluster_uid.as_deref(), Some(CLUSTER));
}

#[tokio::test]
async fn to_another_cluster_nothing_is_written_and_the_right_one_is_taken_back() {
    let workshop = Workshop::open("wrong_cluster").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    workshop.cluster.become_cluster("cluster-2");
    workshop.until("it is refused", async || Ok(workshop.cell_row().await?.refused.is_some())).await.unwrap();
    let before = writes(&workshop);
    let id = pause(&workshop, &jo, instance).await;
    wait_reason(&workshop, id, "wrong-cluster").await;
    assert_eq!(writes(&workshop), before);
    let refused = workshop.cell_row().await.unwrap().refused.unwrap();
    assert_eq!(refused.0, Refused::WrongCluster);
    assert!(refused.1.contains(CLUSTER) && refused.1.contains("cluster-2"), "{}", refused.1);

    workshop.cluster.become_cluster(CLUSTER);
    workshop.until("it is trusted again", async || Ok(workshop.cell_row().await?.refused.is_none())).await.unwrap();
    assert_eq!(workshop.rest(id).await.unwrap().course.state.as_str(), "succeeded");
    let mails = workshop.mails().await.unwrap();
    let told = mails.iter().filter(|mail| mail.subject.contains("cell one")).count();
    assert_eq!(told, 1, "staff are told once");
}

#[tokio::test]
async fn a_worker_that_finds_another_cluster_by_itself_writes_nothing_either() {
    let workshop = Workshop::open("wrong_alone").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    let id = pause(&workshop, &jo, instance).await;
    // A new client, as after a start, and nobody has looked yet.
    workshop.platform.cells.to("one").await.unwrap().set_proven(false);
    sqlx::query("UPDATE cells SET cluster_uid = 'cluster-0'").execute(&workshop.platform.pool).await.unwrap();
    let before = writes(&workshop);
    wait_reason(&workshop, id, "wrong-cluster").await;
    assert_eq!(writes(&workshop), before);
    assert_eq!(workshop.cell_row().await.unwrap().refused.unwrap().0, Refused::WrongCluster);
}

#[tokio::test]
async fn a_database_that_was_restored_from_before_a_wish_stops_for_the_cell() {
    let workshop = Workshop::open("restored").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let (old, other) = (workshop.server(&jo, "birds").await.unwrap(), workshop.server(&jo, "trees").await.unwrap());
    // As if the backup was taken before the server's last wishes.
    let row = workshop.instance(old).await.unwrap();
    let mut object = workshop.cluster.find_instance(row.object_name.as_str()).unwrap();
    object.spec.revision = Some(Revision(9));
    object.spec.mode = Mode::Frozen;
    workshop.cluster.put_instance(object.clone());
    workshop.until("it is refused", async || Ok(workshop.cell_row().await?.refused.is_some())).await.unwrap();
    let refused = workshop.cell_row().await.unwrap().refused.unwrap();
    assert_eq!(refused.0, Refused::DatabaseBehind);
    assert!(refused.1.contains("wish 9"), "{}", refused.1);
    let before = writes(&workshop);
    let id = pause(&workshop, &jo, other).await;
    wait_reason(&workshop, id, "database-behind").await;
    assert_eq!(writes(&workshop), before, "for all servers of the cell");
    assert_eq!(workshop.cluster.find_instance(row.object_name.as_str()).unwrap().spec, object.spec);
    // A person looks, and adopts what is there.
    let mut tx = workshop.begin().await.unwrap();
    sqlx::query("UPDATE instances SET revision = 9 WHERE id = $1").bind(old.uuid()).execute(&mut *tx).await.unwrap();
    assert!(store::cell::trust(&mut tx, workshop.cell, Refused::DatabaseBehind).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(workshop.rest(id).await.unwrap().course.state.as_str(), "succeeded");
}

#[tokio::test]
async fn a_worker_that_finds_a_later_wish_by_itself_stops_too() {
    let workshop = Workshop::open("restored_alone").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    sqlx::query("UPDATE instances SET revision = 0 WHERE id = $1")
        .bind(instance.uuid())
        .execute(&workshop.platform.pool)
        .await
        .unwrap();
    let before = writes(&workshop);
    let id = pause(&workshop, &jo, instance).await;
    wait_reason(&workshop, id, "database-behind").await;
    assert_eq!(writes(&workshop), before);
    assert_eq!(workshop.instance(instance).await.unwrap().revision, Revision(0), "no number was taken for it");
}

#[tokio::test]
async fn a_lost_cell_is_said_to_be_lost_and_what_is_asked_of_it_waits() {
    let workshop = Workshop::open("lost").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    let seen = workshop.instance(instance).await.unwrap().observed.conditions;
    workshop.cluster.set_unreachable(true);
    workshop.until("it is lost", async || Ok(workshop.cell_row().await?.unreachable_since.is_some())).await.unwrap();
    let id = pause(&workshop, &jo, instance).await;
    wait_reason(&workshop, id, "cell-unreachable").await;
    assert_eq!(
        workshop.instance(instance).await.unwrap().observed.conditions,
        seen,
        "what was known of its servers stays"
    );
    workshop.cluster.set_unreachable(false);
    workshop.until("it is reached", async || Ok(workshop.cell_row().await?.unreachable_since.is_none())).await.unwrap();
    // No clock was moved: being reached again wakes what waits.
    workshop
        .until("it goes on", async || {
            while workshop.turn().await? {}
            Ok(workshop.operation(id).await?.course.state.is_final())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn news_wake_what_waits_for_them() {
    let workshop = Workshop::open("woken").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    workshop.cluster.set_operator(false);
    let id = pause(&workshop, &jo, instance).await;
    wait_reason(&workshop, id, "cell-works").await;
    while workshop.cluster.work() {}
    workshop
        .until("it ends without any clock", async || {
            while workshop.turn().await? {}
            Ok(workshop.operation(id).await?.course.state.is_final())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn bundles_of_the_night_become_rows() {
    let workshop = Workshop::open("nightly").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    let row = workshop.instance(instance).await.unwrap();
    let of = |name: String, uid: String| ExportSpec {
        instance_ref: InstanceRef { name, uid },
        reason: ExportReason::Nightly,
        recipient: None,
        key_claim: None,
    };
    let ours = of(row.object_name.to_string(), row.observed.uid.unwrap());
    workshop.cluster.put_export(crd::Export::new(&format!("{}-nightly-20261201", row.object_name), ours));
    workshop.cluster.put_export(crd::Export::new("foreign-nightly-20261201", of("foreign".to_owned(), "x".to_owned())));
    workshop
        .until("it is known", async || {
            let mut connection = workshop.platform.pool.acquire().await?;
            let known = store::export::page_of(&mut connection, instance, None, 10).await?;
            Ok(known
                .iter()
                .any(|one| one.reason == Reason::Nightly && one.phase == Phase::Succeeded && one.operation.is_none()))
        })
        .await
        .unwrap();
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM exports").fetch_one(&workshop.platform.pool).await.unwrap();
    assert_eq!(rows, 1, "one of a server that is none of ours is none of ours");
}

#[tokio::test]
async fn a_purged_server_gives_its_place_back_and_its_name_to_nobody() {
    let workshop = Workshop::with_room("purged", Some(5)).await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    assert_eq!(workshop.room().await.unwrap(), Some((5, 1)));
    server::closing::close(&workshop.platform, &jo.actor, instance, "birds.servers.example").await.unwrap();
    workshop.rest(workshop.newest(instance, Kind::CloseInstance).await.unwrap().id).await.unwrap();
    let name = workshop.instance(instance).await.unwrap().object_name;
    workshop.cluster.purge(name.as_str());
    workshop.until("it is purged", async || Ok(workshop.instance(instance).await?.purged_at.is_some())).await.unwrap();
    assert_eq!(workshop.room().await.unwrap(), Some((5, 0)));
    assert!(workshop.order(&jo, "birds").await.is_err(), "the name is never free again");
}

#[tokio::test]
async fn a_server_whose_object_is_gone_without_a_closing_is_an_alarm_and_not_a_purge() {
    let workshop = Workshop::open("gone").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    let row = workshop.instance(instance).await.unwrap();
    workshop.cluster.purge(row.object_name.as_str());
    workshop
        .until("it is noticed", async || Ok(workshop.instance(instance).await?.observed.uid.is_none()))
        .await
        .unwrap();
    let gone = workshop.instance(instance).await.unwrap();
    assert!(gone.purged_at.is_none() && gone.closing.is_none());
    let alarms: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE topic = 'alarm'")
        .fetch_one(&workshop.platform.pool)
        .await
        .unwrap();
    assert_eq!(alarms, 1);
}

#[tokio::test]
async fn one_observer_writes_however_many_there_are() {
    let workshop = Workshop::open("observers").await.unwrap();
    for _ in 0..3 {
        workshop.observe();
    }
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    let locks: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .fetch_one(&workshop.platform.pool)
    .await
    .unwrap();
    assert_eq!(locks, 1);
    assert!(workshop.instance(instance).await.unwrap().ready_at.is_some());
}
