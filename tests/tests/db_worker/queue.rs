//! Taking operations up: one at a time for each server, by one worker at a time, whatever workers do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use control_plane::store;
use control_plane::store::operation::Lane;
use control_plane::worker::claim::{Claimed, Look, claim};
use control_plane::worker::{Run, Stop, Worker, alarm, ask, prune, run};
use domain::id::{CellId, InstanceId, OperationId, OrganizationId};
use domain::operation::{Dependency, Kind, State, Subject};
use e2e::workshop::{LIMIT, Workshop};
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

async fn wish(workshop: &Workshop, instance: InstanceId, organization: OrganizationId) -> OperationId {
    let mut tx = workshop.begin().await.unwrap();
    let new = store::operation::New {
        id: workshop.platform.id(OperationId::new).unwrap(),
        kind: Kind::ApplyInstance,
        subject: Subject::Instance(instance),
        organization,
        requested_by: control_plane::actor::Who::System,
        at: workshop.platform.now(),
    };
    store::operation::insert(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    new.id
}

#[tokio::test]
async fn what_a_killed_worker_had_is_taken_up_when_its_lease_is_over() {
    let workshop = Workshop::open("killed").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    let id = wish(&workshop, instance, jo.organization).await;
    let killed = workshop.take().await.unwrap().unwrap();
    assert_eq!(killed.operation.id, id);
    drop(killed);
    assert!(workshop.take().await.unwrap().is_none(), "it is the dead worker's until its lease is over");
    workshop.later(SignedDuration::from_secs(59));
    assert!(workshop.take().await.unwrap().is_none());
    workshop.later(SignedDuration::from_secs(1));
    let taken = workshop.take().await.unwrap().unwrap();
    assert_eq!((taken.operation.id, taken.operation.course.attempt, taken.operation.course.fence), (id, 2, 2));
    Box::pin(run::run(&workshop.platform, taken)).await;
    assert_eq!(workshop.rest(id).await.unwrap().course.state.as_str(), "succeeded");
}

#[tokio::test]
async fn a_worker_that_was_thought_dead_can_write_nothing() {
    let workshop = Workshop::open("stale").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    let id = wish(&workshop, instance, jo.organization).await;
    let slow = workshop.take().await.unwrap().unwrap();
    workshop.later(SignedDuration::from_secs(61));
    let done = workshop.rest(id).await.unwrap();
    let (before, wishes) = (workshop.instance(instance).await.unwrap(), workshop.cluster.calls().len());

    let mut slow = Run::new(&workshop.platform, slow.operation);
    assert_eq!(ask::ask(&mut slow).await, Err(Stop::Lost));
    assert_eq!(slow.progress("apply", 50, "").await, Err(Stop::Lost));
    assert!(matches!(slow.begin().await, Err(Stop::Lost)));
    let after = workshop.operation(id).await.unwrap();
    assert_eq!((after.course, after.log), (done.course, done.log));
    assert_eq!(workshop.instance(instance).await.unwrap().revision, before.revision);
    assert_eq!(workshop.cluster.calls().len(), wishes, "nor does it ask the cell for anything");
}

#[tokio::test]
async fn a_worker_that_was_overtaken_on_its_way_to_the_cell_stops_nobody() {
    let workshop = Workshop::open("overtaken").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    let name = workshop.instance(instance).await.unwrap().object_name;
    // Its number was taken, and before it is written, another worker writes the next one.
    let late = workshop.cluster.find_instance(name.as_str()).unwrap();
    workshop.rest(wish(&workshop, instance, jo.organization).await).await.unwrap();
    use control_plane::gateway::cluster::{Cluster as _, ClusterError};
    let refused = workshop.cluster.apply_instance(&late).await.unwrap_err();
    assert!(matches!(refused, ClusterError::Behind(_)), "{refused:?}");
    workshop.rest(wish(&workshop, instance, jo.organization).await).await.unwrap();
    assert!(workshop.cell_row().await.unwrap().refused.is_none());
}

/// Claims until nothing is left, and notes whether two had the same key at once.
async fn race(
    workshop: Arc<Workshop>,
    busy: Arc<Mutex<BTreeSet<String>>>,
    ended: Arc<Mutex<BTreeMap<OperationId, u32>>>,
) {
    loop {
        match claim(&workshop.platform, &[]).await.unwrap() {
            Look::Claimed(claimed) => {
                let Claimed { operation, .. } = *claimed;
                let (id, key) = (operation.id, operation.subject.concurrency_key());
                assert!(busy.lock().unwrap().insert(key.clone()), "two at once for {key}");
                tokio::time::sleep(Duration::from_millis(3)).await;
                let mut run = Run::new(&workshop.platform, operation);
                let tx = run.begin().await.unwrap();
                assert!(busy.lock().unwrap().remove(&key));
                run.done(tx).await.unwrap();
                *ended.lock().unwrap().entry(id).or_default() += 1;
            }
            Look::Again => {}
            Look::Nothing if open(&workshop).await == 0 => return,
            Look::Nothing => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

async fn open(workshop: &Workshop) -> i64 {
    let sql = "SELECT count(*) FROM operations WHERE state IN ('queued', 'running', 'waiting')";
    sqlx::query_scalar(sql).fetch_one(&workshop.platform.pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_workers_never_two_have_one_servers_operations_at_once_and_each_ends_once() {
    let workshop = Arc::new(Workshop::open("race").await.unwrap());
    let jo = workshop.customer("jo").await.unwrap();
    let mut servers = Vec::new();
    for number in 0..4 {
        servers.push(workshop.server(&jo, &format!("birds{number}")).await.unwrap());
    }
    let before = open(&workshop).await;
    assert_eq!(before, 0);
    for number in 0..80 {
        wish(&workshop, servers[number % servers.len()], jo.organization).await;
    }
    let (busy, ended) = (Arc::default(), Arc::default());
    let workers: Vec<_> =
        (0..8).map(|_| tokio::spawn(race(workshop.clone(), Arc::clone(&busy), Arc::clone(&ended)))).collect();
    for worker in workers {
        tokio::time::timeout(LIMIT, worker).await.expect("in time").unwrap();
    }
    let ended = ended.lock().unwrap();
    assert_eq!(ended.len(), 80);
    assert!(ended.values().all(|times| *times == 1), "{ended:?}");
}

#[tokio::test]
async fn a_cell_that_is_slow_stops_no_other() {
    let workshop = Workshop::open("lanes").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let slow = workshop.server(&jo, "slow").await.unwrap();
    let quick = workshop.server(&jo, "quick").await.unwrap();
    let other = workshop.platform.id(CellId::new).unwrap();
    let mut tx = workshop.begin().await.unwrap();
    store::cell::insert(&mut tx, other, "other", &"other.example".parse().unwrap(), workshop.platform.now())
        .await
        .unwrap();
    sqlx::query("UPDATE instances SET cell_id = $2 WHERE id = $1")
        .bind(quick.uuid())
        .bind(other.uuid())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for _ in 0..20 {
        wish(&workshop, slow, jo.organization).await;
    }
    let behind = wish(&workshop, quick, jo.organization).await;
    let full = Lane { dependency: Dependency::Cluster, cell: Some(workshop.cell) };
    let Look::Claimed(claimed) = claim(&workshop.platform, &[full]).await.unwrap() else { panic!("there is one") };
    assert_eq!(claimed.operation.id, behind, "twenty that are due before it belong to a cell whose share is used up");
    assert_eq!(claimed.lane, Lane { dependency: Dependency::Cluster, cell: Some(other) });
}

#[tokio::test]
async fn what_takes_long_is_told_once() {
    let workshop = Workshop::open("alarm").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    workshop.cluster.set_operator(false);
    let id = wish(&workshop, instance, jo.organization).await;
    while workshop.turn().await.unwrap() {}
    alarm::once(workshop.platform.clone()).await.unwrap();
    assert!(workshop.operation(id).await.unwrap().alarmed_at.is_none(), "it has just begun");
    workshop.later(SignedDuration::from_mins(15));
    for _ in 0..3 {
        alarm::once(workshop.platform.clone()).await.unwrap();
        workshop.later(SignedDuration::from_mins(15));
    }
    let mails = workshop.mails().await.unwrap();
    let told: Vec<_> = mails.iter().filter(|mail| mail.to == "help@steppe.example").collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].text.contains(&id.to_string()) && told[0].text.contains("birds.servers.example"),
        "{}",
        told[0].text
    );
}

#[tokio::test]
async fn what_is_old_goes_and_what_a_reader_has_not_read_stays() {
    let workshop = Workshop::open("prune").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    let counts = async || {
        let sql = "SELECT (SELECT count(*) FROM operations), (SELECT count(*) FROM outbox)";
        sqlx::query_as::<_, (i64, i64)>(sql).fetch_one(&workshop.platform.pool).await.unwrap()
    };
    let (operations, facts) = counts().await;
    assert!(operations >= 1 && facts > 3);
    let failed = wish(&workshop, instance, jo.organization).await;
    let taken = workshop.take().await.unwrap().unwrap();
    let mut tx = workshop.begin().await.unwrap();
    let mut row = store::operation::lock(&mut tx, failed).await.unwrap().unwrap();
    row.course = row.course.fail(taken.operation.course.fence, workshop.platform.now(), "test").unwrap();
    assert!(
        store::operation::save(&mut tx, &row, taken.operation.course.fence, workshop.platform.now()).await.unwrap()
    );
    let read: i64 = sqlx::query_scalar("SELECT min(seq) + 2 FROM outbox").fetch_one(&mut *tx).await.unwrap();
    sqlx::query("INSERT INTO outbox_readers (reader, seq) VALUES ('slow', $1)")
        .bind(read)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    prune::once(workshop.platform.clone()).await.unwrap();
    assert_eq!(counts().await, (operations + 1, facts), "nothing is old yet");
    workshop.later(SignedDuration::from_hours(31 * 24));
    prune::once(workshop.platform.clone()).await.unwrap();
    assert_eq!(counts().await, (1, facts - 3), "the failed one stays, and what the slow reader has not read");
    assert!(matches!(workshop.operation(failed).await.unwrap().course.state, State::Failed { .. }));
    sqlx::query("DELETE FROM outbox_readers").execute(&workshop.platform.pool).await.unwrap();
    prune::once(workshop.platform.clone()).await.unwrap();
    assert_eq!(counts().await, (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_whole_workers_carry_out_what_is_asked_and_stop_when_asked() {
    let workshop = Workshop::open("whole").await.unwrap();
    let stop = CancellationToken::new();
    let workers: Vec<_> = (0..2)
        .map(|number| {
            let worker = Worker { name: format!("worker-{number}"), version: "1" };
            let mailer = Some(workshop.mailer.clone() as Arc<dyn control_plane::gateway::mail::Mailer>);
            tokio::spawn(control_plane::worker::run(workshop.platform.clone(), mailer, worker, stop.clone()))
        })
        .collect();
    let jo = workshop.customer("jo").await.unwrap();
    let mut orders = Vec::new();
    for number in 0..4 {
        orders.push(workshop.order(&jo, &format!("birds{number}")).await.unwrap());
    }
    workshop
        .until("all are ready and all mails are sent", async || {
            for order in &orders {
                if workshop.order_row(*order).await?.state != domain::order::Order::Done {
                    return Ok(false);
                }
            }
            Ok(workshop.mailer.sent().len() == 8)
        })
        .await
        .unwrap();
    let mut connection = workshop.platform.pool.acquire().await.unwrap();
    assert_eq!(store::worker::all(&mut connection).await.unwrap().len(), 2);
    drop(connection);
    stop.cancel();
    for worker in workers {
        tokio::time::timeout(LIMIT, worker).await.expect("it stops").unwrap();
    }
    let sent: BTreeSet<_> = workshop.mailer.sent().into_iter().map(|mail| mail.message_id).collect();
    assert_eq!(sent.len(), 8, "each is sent once");
}
