//! What is over ends, and what became free goes to whoever waits for it.

use control_plane::app::order;
use control_plane::worker::expire;
use crd::Mode;
use domain::hold::Authority;
use domain::id::HoldId;
use domain::operation::Kind;
use domain::order::Order as Ordered;
use domain::{Hold, HoldKind};
use e2e::workshop::Workshop;
use jiff::SignedDuration;

#[tokio::test]
async fn a_hold_with_an_end_ends_and_the_server_runs_again() {
    let workshop = Workshop::open("hold_end").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    let now = workshop.platform.now();
    let hold = Hold::place(
        workshop.platform.id(HoldId::new).unwrap(),
        HoldKind::Staff,
        "a look at it".to_owned(),
        Authority::Staff,
        now,
        Some(now + SignedDuration::from_hours(1)),
    );
    let mut tx = workshop.begin().await.unwrap();
    control_plane::store::hold::insert(&mut tx, instance, &hold.unwrap(), control_plane::actor::Who::System)
        .await
        .unwrap();
    let row = workshop.instance(instance).await.unwrap();
    let subject = domain::operation::Subject::Instance(instance);
    let held = control_plane::app::operation::begin(
        &workshop.platform,
        &mut tx,
        &jo.actor,
        &row,
        Kind::ApplyInstance,
        subject,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    workshop.rest(held).await.unwrap();
    let mode = || workshop.cluster.find_instance(row.object_name.as_str()).unwrap().spec.mode;
    assert_eq!(mode(), Mode::Frozen);
    expire::once(&workshop.platform).await.unwrap();
    assert_eq!(workshop.newest(instance, Kind::ApplyInstance).await.unwrap().id, held, "it is not over yet");
    workshop.later(SignedDuration::from_hours(1));
    expire::once(&workshop.platform).await.unwrap();
    expire::once(&workshop.platform).await.unwrap();
    let ended = workshop.newest(instance, Kind::ApplyInstance).await.unwrap();
    workshop.rest(ended.id).await.unwrap();
    assert_eq!(mode(), Mode::Running);
}

#[tokio::test]
async fn a_freed_place_is_kept_for_72_hours_for_the_first_and_then_for_the_next() {
    let workshop = Workshop::with_room("waitlist", Some(1)).await.unwrap();
    let (jo, kim, lou) = (
        workshop.customer("jo").await.unwrap(),
        workshop.customer("kim").await.unwrap(),
        workshop.customer("lou").await.unwrap(),
    );
    workshop.server(&jo, "birds").await.unwrap();
    let first = workshop.order(&kim, "trees").await.unwrap();
    workshop.later(SignedDuration::from_secs(1));
    let second = workshop.order(&lou, "nests").await.unwrap();
    let state = async |id| workshop.order_row(id).await.unwrap().state;
    expire::once(&workshop.platform).await.unwrap();
    assert!(matches!(state(first).await, Ordered::Waitlisted { .. }), "there is no room");

    workshop.cluster.set_cell(|cell| _ = cell.spec.room.insert("small".to_owned(), 2));
    workshop.until("there is room", async || Ok(workshop.room().await? == Some((2, 1)))).await.unwrap();
    expire::once(&workshop.platform).await.unwrap();
    assert!(matches!(state(first).await, Ordered::Offered { .. }));
    assert!(matches!(state(second).await, Ordered::Waitlisted { .. }));
    assert_eq!(workshop.room().await.unwrap(), Some((2, 2)));
    workshop.later(SignedDuration::from_hours(72));
    expire::once(&workshop.platform).await.unwrap();
    assert_eq!(state(first).await, Ordered::Expired);
    assert!(matches!(state(second).await, Ordered::Offered { .. }));
    assert_eq!(workshop.room().await.unwrap(), Some((2, 2)), "the place went from the one to the other");
    order::accept(&workshop.platform, &lou.actor, second).await.unwrap();
    let instance = workshop.order_row(second).await.unwrap().instance.unwrap();
    workshop.rest(workshop.newest(instance, Kind::CreateInstance).await.unwrap().id).await.unwrap();
    assert_eq!(state(second).await, Ordered::Done);

    let mails = workshop.mails().await.unwrap();
    let to = |address: &str| {
        mails.iter().filter(|mail| mail.to == address).map(|mail| mail.subject.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        to("kim@mail.example"),
        [
            "trees.servers.example is on the waiting list",
            "There is a place for trees.servers.example",
            "Your order for trees.servers.example has ended"
        ]
    );
    workshop.order(&jo, "trees").await.expect("the name is free again");
}

#[tokio::test]
async fn an_order_that_failed_for_good_closes_what_was_half_made() {
    use control_plane::gateway::cluster::ClusterError;
    use control_plane::gateway::cluster::fake::{Call, Fault};
    let workshop = Workshop::open("failed_for_good").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    for _ in 0..Kind::CreateInstance.max_attempts() {
        workshop.cluster.fail(Call::ApplyInstance, Fault::Before(ClusterError::Invalid("no".to_owned())));
    }
    let id = workshop.order(&jo, "birds").await.unwrap();
    let instance = workshop.order_row(id).await.unwrap().instance.unwrap();
    workshop.rest(workshop.newest(instance, Kind::CreateInstance).await.unwrap().id).await.unwrap();
    workshop.later(SignedDuration::from_hours(7 * 24));
    expire::once(&workshop.platform).await.unwrap();
    assert_eq!(workshop.order_row(id).await.unwrap().state, Ordered::Expired);
    let close = workshop.newest(instance, Kind::CloseInstance).await.unwrap();
    assert_eq!(workshop.rest(close.id).await.unwrap().course.state.as_str(), "succeeded");
    assert!(workshop.cluster.exports().is_empty(), "what was never born has nothing to keep");
    assert!(workshop.order(&jo, "birds").await.is_err(), "its cell may know the name");
}
