//! Workers that are killed at any moment: what they had is taken up, and nothing happens twice.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use control_plane::app::{export, server};
use control_plane::gateway::cluster::fake::Call;
use control_plane::store;
use control_plane::worker::run;
use domain::id::{InstanceId, OperationId};
use domain::operation::Kind;
use e2e::workshop::{Customer, Workshop};
use jiff::SignedDuration;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// A future that is dropped where it stands after so many turns: a worker that is killed there.
struct Killed<F> {
    run: Pin<Box<F>>,
    turns: u32,
}

impl<F: Future<Output = ()>> Future for Killed<F> {
    /// Whether it came to its end before.
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        if self.turns == 0 {
            return Poll::Ready(false);
        }
        self.turns -= 1;
        let ended = self.run.as_mut().poll(context);
        if ended.is_pending() && self.turns == 0 {
            return Poll::Ready(false);
        }
        ended.map(|()| true)
    }
}

struct Killer {
    random: StdRng,
    kills: usize,
}

impl Killer {
    /// Carries an operation out to its end, by workers of which every other one is killed at some turn.
    async fn rest(&mut self, workshop: &Workshop, id: OperationId) {
        for _ in 0..200 {
            while let Some(claimed) = workshop.take().await.unwrap() {
                let turns = if self.random.random_bool(0.6) { self.random.random_range(1..20) } else { u32::MAX };
                let run = Box::pin(run::run(&workshop.platform, claimed));
                if !(Killed { run, turns }).await {
                    self.kills += 1;
                    workshop.later(SignedDuration::from_secs(61));
                }
            }
            let operation = workshop.operation(id).await.unwrap();
            if operation.course.state.is_final() {
                assert_eq!(operation.course.state.as_str(), "succeeded", "{operation:#?}");
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            workshop.skip().await.unwrap();
        }
        panic!("it does not end: {:#?}", workshop.operation(id).await.unwrap());
    }

    async fn life(&mut self, workshop: &Workshop, jo: &Customer, label: &str) -> InstanceId {
        let order = workshop.order_row(workshop.order(jo, label).await.unwrap()).await.unwrap();
        let instance = order.instance.unwrap();
        self.rest(workshop, workshop.newest(instance, Kind::CreateInstance).await.unwrap().id).await;
        export::start(&workshop.platform, &jo.actor, instance).await.unwrap();
        self.rest(workshop, workshop.newest(instance, Kind::Export).await.unwrap().id).await;
        let typed = format!("{label}.servers.example");
        server::closing::close(&workshop.platform, &jo.actor, instance, &typed).await.unwrap();
        self.rest(workshop, workshop.newest(instance, Kind::CloseInstance).await.unwrap().id).await;
        instance
    }
}

#[tokio::test]
async fn lives_of_servers_under_workers_that_are_killed_end_right_and_nothing_happens_twice() {
    let workshop = Workshop::open("kills").await.unwrap();
    let mut killer = Killer { random: StdRng::seed_from_u64(4711), kills: 0 };
    let mut servers = Vec::new();
    for number in 0..12 {
        let jo = workshop.customer(&format!("jo{number}")).await.unwrap();
        servers.push(killer.life(&workshop, &jo, &format!("birds{number}")).await);
    }
    assert!(killer.kills >= 30, "{} kills are too few to show anything", killer.kills);
    assert_eq!(workshop.cluster.exports().len(), 2 * servers.len(), "one asked for and a final one each");
    for instance in &servers {
        let row = workshop.instance(*instance).await.unwrap();
        let object = workshop.cluster.find_instance(row.object_name.as_str()).unwrap();
        assert_eq!(object.spec.mode, crd::Mode::Closing);
        assert!(object.spec.revision.unwrap() <= row.revision, "a number was used that nobody wrote down");
    }
    assert!(workshop.cell_row().await.unwrap().refused.is_none());
    let mails = workshop.mails().await.unwrap();
    for (told, times) in [(" is ready", 1), ("The copy of", 1), (" is closed", 1)] {
        let count = mails.iter().filter(|mail| mail.subject.contains(told)).count();
        // One of "The copy of … is ready" is both.
        let both = if told == " is ready" { servers.len() } else { 0 };
        assert_eq!(count, times * servers.len() + both, "{told}");
    }
    let writes = workshop.cluster.calls().into_iter().filter(|call| *call == Call::ApplyInstance).count();
    assert!(writes >= 2 * servers.len());
    let mut connection = workshop.platform.pool.acquire().await.unwrap();
    assert!(
        store::operation::in_states(&mut connection, Some(&["failed".to_owned()]), None, 10).await.unwrap().is_empty()
    );
}
