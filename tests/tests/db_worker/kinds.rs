//! What each kind of operation does, and that each resumes wherever it was cut off.

use std::collections::BTreeSet;

use anyhow::Result;
use control_plane::app::{export, operation, order, server};
use control_plane::gateway::cluster::ClusterError;
use control_plane::gateway::cluster::fake::{Call, Fault, password};
use control_plane::seal::Seal;
use control_plane::store;
use control_plane::store::account_change::{self, Action};
use control_plane::store::export::Reason;
use control_plane::store::work::Phase;
use crd::Mode;
use domain::id::{AccountChangeId, InstanceId};
use domain::operation::{Kind, State, Subject};
use domain::order::Order as Ordered;
use e2e::workshop::{Customer, Workshop};
use secrecy::ExposeSecret as _;

#[tokio::test]
async fn an_order_becomes_a_server_whose_password_is_shown_once() {
    let workshop = Workshop::open("create").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    let row = workshop.instance(instance).await.unwrap();
    let done = workshop.newest(instance, Kind::CreateInstance).await.unwrap();
    assert_eq!((done.course.percent, done.course.attempt), (100, 1));
    let words: Vec<&str> = done.log.iter().map(|line| line.word.as_str()).collect();
    assert!(words.starts_with(&["ask", "birth"]) && words.ends_with(&["done"]), "{words:?}");
    let order = workshop.order_row(row.order.unwrap()).await.unwrap();
    assert_eq!(order.state, Ordered::Done);
    assert_eq!(row.observed.address.as_deref(), Some("https://birds.servers.example"));
    assert_eq!(name_state(&workshop, "birds.servers.example").await, "live");

    let shown = server::claim::show(&workshop.platform, &jo.actor, instance).await.unwrap();
    assert_eq!(shown.expose_secret(), password("owner"));
    assert!(server::claim::show(&workshop.platform, &jo.actor, instance).await.is_err(), "it is shown once");
    workshop.rest(workshop.newest(instance, Kind::ApplyInstance).await.unwrap().id).await.unwrap();
    let object = workshop.cluster.find_instance(row.object_name.as_str()).unwrap();
    assert_eq!(object.spec.owner_claim, None, "the cell forgets it too");
    assert_eq!(object.status.unwrap().owner_claim, None);

    let mails = workshop.mails().await.unwrap();
    // Both are of the same moment of the tests' clock: either may go first.
    let subjects: BTreeSet<&str> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(Vec::from_iter(subjects), ["Your order for birds.servers.example", "birds.servers.example is ready"]);
}

async fn name_state(workshop: &Workshop, name: &str) -> String {
    sqlx::query_scalar("SELECT state FROM hostnames WHERE name = $1")
        .bind(name)
        .fetch_one(&workshop.platform.pool)
        .await
        .unwrap()
}

fn lost() -> ClusterError {
    ClusterError::Unreachable("connection reset by peer".to_owned())
}

fn refused() -> ClusterError {
    ClusterError::Invalid("the object was being changed".to_owned())
}

/// Every way in which a call can go wrong once: nothing done, or done without an answer; by the network or by a refusal.
fn faults() -> [Fault; 3] {
    [Fault::Before(lost()), Fault::After(lost()), Fault::Before(refused())]
}

#[tokio::test]
async fn every_step_of_making_a_server_fails_once_and_resumes() {
    let workshop = Workshop::open("resume_create").await.unwrap();
    for (number, call) in [Call::Cell, Call::Instance, Call::ApplyInstance].into_iter().enumerate() {
        for (way, fault) in faults().into_iter().enumerate() {
            let label = format!("birds-{number}-{way}");
            let customer = workshop.customer(&format!("jo-{number}-{way}")).await.unwrap();
            workshop.cluster.fail(call, fault);
            let instance = workshop.server(&customer, &label).await.unwrap();
            let row = workshop.instance(instance).await.unwrap();
            let object = workshop.cluster.find_instance(row.object_name.as_str()).unwrap();
            assert_eq!(object.spec.revision, row.observed.revision, "{call:?}");
        }
    }
    let mails = workshop.mails().await.unwrap();
    let ready = mails.iter().filter(|mail| mail.subject.ends_with(" is ready")).count();
    assert_eq!(ready, 9, "each is told once");
}

async fn export(workshop: &Workshop, customer: &Customer, instance: InstanceId) -> Result<store::export::Export> {
    let id = export::start(&workshop.platform, &customer.actor, instance).await?;
    workshop.rest(workshop.newest(instance, Kind::Export).await?.id).await?;
    let mut connection = workshop.platform.pool.acquire().await?;
    Ok(store::export::find(&mut connection, id).await?.unwrap())
}

#[tokio::test]
async fn a_bundle_is_made_once_whatever_fails_and_its_key_is_handed_over() {
    let workshop = Workshop::open("resume_export").await.unwrap();
    for (way, fault) in faults().into_iter().enumerate() {
        let jo = workshop.customer(&format!("jo{way}")).await.unwrap();
        let instance = workshop.server(&jo, &format!("birds{way}")).await.unwrap();
        workshop.cluster.fail(Call::CreateExport, fault.clone());
        let bundle = export(&workshop, &jo, instance).await.unwrap();
        assert_eq!((bundle.phase, bundle.reason), (Phase::Succeeded, Reason::Requested));
        assert_eq!(bundle.bundle.as_ref().unwrap().bytes, 4711);
        workshop.later(jiff::SignedDuration::from_secs(1));
        workshop.cluster.fail(Call::ClaimKey, fault);
        export::ask_key(&workshop.platform, &jo.actor, &bundle).await.unwrap();
        workshop.rest(workshop.newest(instance, Kind::Export).await.unwrap().id).await.unwrap();
        let key = export::show_key(&workshop.platform, &jo.actor, &bundle).await.unwrap();
        assert_eq!(key.expose_secret(), password(&bundle.object_name));
    }
    assert_eq!(workshop.cluster.exports().len(), 3);
    let mails = workshop.mails().await.unwrap();
    let told = mails.iter().filter(|mail| mail.subject.starts_with("The copy of")).count();
    assert_eq!(
        told,
        3,
        "asking for a key is not a new copy: {:#?}",
        mails.iter().map(|mail| &mail.subject).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn an_account_is_added_once_whatever_fails() {
    let workshop = Workshop::open("resume_account").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    for (way, fault) in faults().into_iter().enumerate() {
        workshop.cluster.fail(Call::CreateAccountChange, fault);
        let key = Seal::generate().seal_to(&workshop.platform.seal).unwrap();
        let id = workshop.platform.id(AccountChangeId::new).unwrap();
        let row = workshop.instance(instance).await.unwrap();
        let mut tx = workshop.begin().await.unwrap();
        let subject = Subject::AccountChange(instance, id);
        let operation =
            operation::begin(&workshop.platform, &mut tx, &jo.actor, &row, Kind::AccountChange, subject).await.unwrap();
        let new = account_change::New {
            id,
            instance,
            operation,
            action: Action::Add,
            handle: &format!("kim{way}").parse().unwrap(),
            claim_key_sealed: Some(&key),
            at: workshop.platform.now(),
        };
        account_change::insert(&mut tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        let done = workshop.rest(operation).await.unwrap();
        assert_eq!(done.course.state.as_str(), "succeeded", "{done:#?}");
        let mut connection = workshop.platform.pool.acquire().await.unwrap();
        let change = account_change::find(&mut connection, id).await.unwrap().unwrap();
        assert!(change.claim_answer.is_some());
    }
    assert_eq!(workshop.cluster.account_changes().len(), 3);
}

#[tokio::test]
async fn closing_ends_with_one_final_bundle_whatever_fails_and_can_be_taken_back() {
    let workshop = Workshop::open("resume_close").await.unwrap();
    let calls = [Call::Instance, Call::ApplyInstance, Call::CreateExport];
    for (number, call) in calls.into_iter().enumerate() {
        for (way, fault) in faults().into_iter().enumerate() {
            let jo = workshop.customer(&format!("jo-{number}-{way}")).await.unwrap();
            let label = format!("birds-{number}-{way}");
            let instance = workshop.server(&jo, &label).await.unwrap();
            workshop.cluster.fail(call, fault);
            server::closing::close(&workshop.platform, &jo.actor, instance, &format!("{label}.servers.example"))
                .await
                .unwrap();
            let closed = workshop.newest(instance, Kind::CloseInstance).await.unwrap();
            let closed = workshop.rest(closed.id).await.unwrap();
            assert_eq!(closed.course.state.as_str(), "succeeded", "{closed:#?}");
            let row = workshop.instance(instance).await.unwrap();
            let object = workshop.cluster.find_instance(row.object_name.as_str()).unwrap();
            assert_eq!(object.spec.mode, Mode::Closing);
            let mut connection = workshop.platform.pool.acquire().await.unwrap();
            let bundles = store::export::page_of(&mut connection, instance, None, 10).await.unwrap();
            let finals = bundles.iter().filter(|one| one.reason == Reason::Final && one.phase == Phase::Succeeded);
            assert_eq!((finals.count(), bundles.len()), (1, 1), "{bundles:#?}");

            server::closing::reopen(&workshop.platform, &jo.actor, instance).await.unwrap();
            let reopened = workshop.newest(instance, Kind::ReopenInstance).await.unwrap();
            workshop.rest(reopened.id).await.unwrap();
            let object = workshop.cluster.find_instance(row.object_name.as_str()).unwrap();
            assert_eq!(object.spec.mode, Mode::Running);
        }
    }
}

#[tokio::test]
async fn a_closing_that_was_taken_back_meanwhile_is_given_up() {
    let workshop = Workshop::open("close_reopen").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let instance = workshop.server(&jo, "birds").await.unwrap();
    workshop.cluster.set_operator(false);
    server::closing::close(&workshop.platform, &jo.actor, instance, "birds.servers.example").await.unwrap();
    while workshop.turn().await.unwrap() {}
    server::closing::reopen(&workshop.platform, &jo.actor, instance).await.unwrap();
    workshop.cluster.set_operator(true);
    let closing = workshop.newest(instance, Kind::CloseInstance).await.unwrap();
    assert_eq!(workshop.rest(closing.id).await.unwrap().course.state.as_str(), "cancelled");
    let reopening = workshop.newest(instance, Kind::ReopenInstance).await.unwrap();
    assert_eq!(workshop.rest(reopening.id).await.unwrap().course.state.as_str(), "succeeded");
    assert!(workshop.cluster.exports().is_empty());
}

#[tokio::test]
async fn what_is_wished_while_a_server_is_being_made_is_not_lost() {
    let workshop = Workshop::open("overlap").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    workshop.cluster.set_operator(false);
    let order = workshop.order_row(workshop.order(&jo, "birds").await.unwrap()).await.unwrap();
    let instance = order.instance.unwrap();
    while workshop.turn().await.unwrap() {}
    // Staff hold it before it is born.
    let mut tx = workshop.begin().await.unwrap();
    sqlx::query("INSERT INTO holds (id, instance_id, kind, reason, placed_by, since) VALUES (gen_random_uuid(), $1, 'staff', 'a look', 'staff:x', $2::text::timestamptz)")
        .bind(instance.uuid())
        .bind(workshop.platform.now().to_string())
        .execute(&mut *tx)
        .await
        .unwrap();
    let row = workshop.instance(instance).await.unwrap();
    let subject = Subject::Instance(instance);
    let hold =
        operation::begin(&workshop.platform, &mut tx, &jo.actor, &row, Kind::ApplyInstance, subject).await.unwrap();
    tx.commit().await.unwrap();
    while workshop.turn().await.unwrap() {}
    workshop.cluster.set_operator(true);
    assert_eq!(workshop.rest(hold).await.unwrap().course.state.as_str(), "succeeded");
    let object = workshop.cluster.find_instance(row.object_name.as_str()).unwrap();
    assert_eq!((object.spec.mode, object.spec.revision.unwrap().0), (Mode::Frozen, 2));
}

#[tokio::test]
async fn a_server_that_cannot_be_made_fails_its_order_which_can_be_tried_again() {
    let workshop = Workshop::open("dead_letter").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    for _ in 0..Kind::CreateInstance.max_attempts() {
        workshop.cluster.fail(Call::ApplyInstance, Fault::Before(refused()));
    }
    let id = workshop.order(&jo, "birds").await.unwrap();
    let instance = workshop.order_row(id).await.unwrap().instance.unwrap();
    let create = workshop.newest(instance, Kind::CreateInstance).await.unwrap();
    let dead = workshop.rest(create.id).await.unwrap();
    assert!(matches!(&dead.course.state, State::Failed { reason, .. } if reason == "cell-refused"), "{dead:#?}");
    assert!(dead.message.contains("the object was being changed"), "{}", dead.message);
    let mut connection = workshop.platform.pool.acquire().await.unwrap();
    let letters = store::operation::in_states(&mut connection, Some(&["failed".to_owned()]), None, 10).await.unwrap();
    assert_eq!(letters.iter().map(|one| one.id).collect::<Vec<_>>(), [create.id]);
    drop(connection);
    let ordered = workshop.order_row(id).await.unwrap();
    assert!(matches!(ordered.state, Ordered::Failed { .. }), "{ordered:?}");
    let mails = workshop.mails().await.unwrap();
    let to = |address: &str| {
        mails.iter().filter(|mail| mail.to == address).map(|mail| mail.subject.clone()).collect::<Vec<_>>()
    };
    assert_eq!(to("help@steppe.example"), ["Given up: instance.create for birds.servers.example (cell-refused)"]);
    assert_eq!(to("jo@mail.example")[1], "birds.servers.example could not be made");

    order::retry(&workshop.platform, &jo.actor, id).await.unwrap();
    assert_eq!(workshop.rest(create.id).await.unwrap().course.state.as_str(), "succeeded");
    assert_eq!(workshop.order_row(id).await.unwrap().state, Ordered::Done);
}
