//! Servers that a cell has and this database does not know.

use control_plane::actor::Actor;
use control_plane::app::cell::trust;
use control_plane::app::server::adopt::{Wish, adopt};
use control_plane::command::doctor::{Finding, Verdict, look};
use control_plane::gateway::cluster::{Cluster as _, instances};
use control_plane::store;
use crd::Mode;
use domain::id::InstanceId;
use domain::operation::Kind;
use domain::{HoldKind, Mode as Wanted};
use e2e::office::Office;
use e2e::workshop::{Customer, Workshop};
use kube::ResourceExt as _;
use names::Revision;

/// A server that runs and is forgotten: its object, as the cell has it.
async fn forgotten(workshop: &Workshop, jo: &Customer, label: &str) -> crd::Instance {
    let id = workshop.server(jo, label).await.unwrap();
    let name = workshop.instance(id).await.unwrap().object_name.to_string();
    for sql in [
        "DELETE FROM hostnames",
        "UPDATE orders SET instance_id = NULL, state = 'cancelled'",
        "DELETE FROM account_changes",
        "DELETE FROM exports",
        "DELETE FROM holds",
        "DELETE FROM operations",
        "DELETE FROM instances",
        "UPDATE cell_room SET taken = 0",
    ] {
        sqlx::query(sql).execute(&workshop.platform.pool).await.unwrap();
    }
    workshop.cluster.find_instance(&name).unwrap()
}

async fn wish(workshop: &Workshop, jo: &Customer) -> Wish {
    let mut connection = workshop.platform.pool.acquire().await.unwrap();
    let offer = store::offer::newest(&mut connection).await.unwrap().remove(0);
    Wish { organization: jo.organization, offer: offer.offer.id, owner_email: jo.account.email.clone() }
}

/// What the doctor says of the cell's servers.
async fn examined(workshop: &Workshop) -> Finding {
    let found = look(&workshop.platform).await;
    found.into_iter().find(|one| one.what == "servers of cell one").unwrap()
}

async fn take(workshop: &Workshop, object: &crd::Instance, wish: &Wish) -> Result<InstanceId, String> {
    let cell = workshop.cell_row().await.unwrap();
    let done = adopt(&workshop.platform, &Actor::system(), &cell, object, wish).await;
    done.map_err(|problem| problem.code.as_str().to_owned())
}

#[tokio::test]
async fn a_server_that_runs_goes_on_running_and_is_known() {
    let office = Office::open("staff_adopt").await.unwrap();
    let workshop = &office.control.workshop;
    let jo = workshop.customer("jo").await.unwrap();
    let object = forgotten(workshop, &jo, "birds").await;
    let wish = wish(workshop, &jo).await;
    assert_eq!(instances(&workshop.cluster).await.unwrap().len(), 1);
    let found = examined(workshop).await;
    let told = format!("1 of 1 are not known here: {} (birds.servers.example)", object.name_any());
    assert!(found.verdict == Verdict::Look && found.words.starts_with(&told), "{found}");
    let id = take(workshop, &object, &wish).await.unwrap();
    let row = workshop.instance(id).await.unwrap();
    assert_eq!((row.object_name.to_string(), row.hostname.as_str()), (object.name_any(), "birds.servers.example"));
    assert_eq!(examined(workshop).await.to_string(), "good  servers of cell one: all 1 of them are known");
    assert!(row.ready_at.is_some() && row.revision == object.spec.revision.unwrap());
    assert_eq!(workshop.room().await.unwrap().unwrap().1, 1, "it has a place");
    let applied = workshop.rest(workshop.newest(id, Kind::ApplyInstance).await.unwrap().id).await.unwrap();
    assert_eq!(applied.course.state.as_str(), "succeeded");
    let after = workshop.cluster.find_instance(&object.name_any()).unwrap();
    assert_eq!((after.spec.mode, after.spec.hostname.as_str()), (Mode::Running, "birds.servers.example"));
    assert!(after.spec.revision > object.spec.revision);
    assert_eq!(take(workshop, &object, &wish).await, Err("wrong-state".to_owned()), "it is known");
    assert_eq!(workshop.room().await.unwrap().unwrap().1, 1);
    assert!(workshop.order(&jo, "birds").await.is_err(), "its name is taken");
    assert_eq!(office.audited("instance.adopt").await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_stands_still_is_not_started_by_being_adopted() {
    let office = Office::open("staff_adopt_still").await.unwrap();
    let workshop = &office.control.workshop;
    let jo = workshop.customer("jo").await.unwrap();
    let mut object = forgotten(workshop, &jo, "birds").await;
    object.spec.mode = Mode::Frozen;
    object.spec.legal_hold = Some("Court of X.".to_owned());
    workshop.cluster.put_instance(object.clone());
    let id = take(workshop, &object, &wish(workshop, &jo).await).await.unwrap();
    workshop.rest(workshop.newest(id, Kind::ApplyInstance).await.unwrap().id).await.unwrap();
    let after = workshop.cluster.find_instance(&object.name_any()).unwrap();
    assert_eq!((after.spec.mode, after.spec.legal_hold.as_deref()), (Mode::Frozen, Some("Court of X.")));
    let mut connection = workshop.platform.pool.acquire().await.unwrap();
    let mut kinds: Vec<HoldKind> =
        store::hold::of_instance(&mut connection, id).await.unwrap().iter().map(|hold| hold.kind).collect();
    kinds.sort();
    assert_eq!(kinds, [HoldKind::Staff, HoldKind::Legal]);
    assert!(kinds.iter().all(|kind| kind.mode() == Wanted::Frozen));
}

#[tokio::test]
async fn a_name_or_size_that_does_not_fit_is_refused() {
    let office = Office::open("staff_adopt_not").await.unwrap();
    let workshop = &office.control.workshop;
    let jo = workshop.customer("jo").await.unwrap();
    let object = forgotten(workshop, &jo, "birds").await;
    let good = wish(workshop, &jo).await;
    let mut large = object.clone();
    large.spec.size = names::Size::Large;
    assert_eq!(take(workshop, &large, &good).await, Err("wrong-state".to_owned()));
    let nobody = Wish { organization: uuid::Uuid::from_u128(1).into(), ..good.clone() };
    assert_eq!(take(workshop, &object, &nobody).await, Err("not-found".to_owned()));
    // Somebody else has ordered the name meanwhile.
    let kim = workshop.customer("kim").await.unwrap();
    office.look_at_orders().await.unwrap();
    workshop.order(&kim, "birds").await.unwrap();
    assert_eq!(take(workshop, &object, &good).await, Err("name-taken".to_owned()));
    assert_eq!(office.control.count("SELECT count(*) FROM instances").await.unwrap(), 0, "nothing half done");
}

#[tokio::test]
async fn a_cell_with_later_wishes_is_written_to_again_after_somebody_has_looked() {
    let office = Office::open("staff_trust").await.unwrap();
    let workshop = &office.control.workshop;
    let jo = workshop.customer("jo").await.unwrap();
    let id = workshop.server(&jo, "birds").await.unwrap();
    let name = workshop.instance(id).await.unwrap().object_name.to_string();
    let cell = workshop.cell_row().await.unwrap();
    let there = async || {
        let all = instances(&workshop.cluster).await.unwrap();
        all.iter().map(|one| (one.name_any(), one.spec.revision.unwrap())).collect::<Vec<_>>()
    };
    let too_early = trust(&workshop.platform, &Actor::system(), &cell, &there().await).await;
    assert_eq!(too_early.unwrap_err().code.as_str(), "wrong-state");
    let mut object = workshop.cluster.instance(&name).await.unwrap().unwrap();
    object.spec.revision = Some(Revision(90));
    workshop.cluster.put_instance(object);
    workshop
        .until("nothing is written to it", async || Ok(workshop.cell_row().await?.refused.is_some()))
        .await
        .unwrap();
    let cell = workshop.cell_row().await.unwrap();
    assert_eq!(trust(&workshop.platform, &Actor::system(), &cell, &there().await).await.unwrap(), 1);
    assert!(workshop.cell_row().await.unwrap().refused.is_none());
    assert_eq!(workshop.instance(id).await.unwrap().revision, Revision(90));
    control_plane::app::server::pause::pause(&workshop.platform, &jo.actor, id, String::new()).await.unwrap();
    let done = workshop.rest(workshop.newest(id, Kind::ApplyInstance).await.unwrap().id).await.unwrap();
    assert_eq!(done.course.state.as_str(), "succeeded");
    assert_eq!(workshop.cluster.find_instance(&name).unwrap().spec.revision, Some(Revision(91)));
}
