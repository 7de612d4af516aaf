//! `steppe doctor`.

use control_plane::command::doctor::{Finding, Verdict, look};
use e2e::office::Office;
use e2e::workshop::{CLUSTER, ZONE};

fn of<'a>(found: &'a [Finding], what: &str) -> &'a Finding {
    found.iter().find(|one| one.what == what).unwrap_or_else(|| panic!("nothing of {what} in {found:#?}"))
}

#[tokio::test]
async fn what_is_well_and_what_is_not() {
    let office = Office::open("staff_doctor").await.unwrap();
    let workshop = &office.control.workshop;
    let found = look(&workshop.platform).await;
    let zone = found.iter().find(|one| one.verdict == Verdict::Bad).unwrap();
    assert_eq!(zone.words, "it says that its zone is birds.example, and here it is servers.example");
    workshop.cluster.set_cell(|cell| cell.spec.zone = ZONE.parse().unwrap());
    let found = look(&workshop.platform).await;
    assert!(found.iter().all(|one| one.verdict != Verdict::Bad), "{found:#?}");
    for (what, verdict) in [
        ("database", Verdict::Good),
        ("migrations", Verdict::Good),
        ("key", Verdict::Good),
        ("staff keys", Verdict::Good),
        ("staff", Verdict::Look),
        ("offers", Verdict::Good),
        ("workers", Verdict::Look),
        ("zone of cell one", Verdict::Good),
        ("cell one", Verdict::Good),
        ("servers of cell one", Verdict::Good),
        ("bundles of cell one", Verdict::Good),
        ("mail", Verdict::Look),
    ] {
        assert_eq!(of(&found, what).verdict, verdict, "{:#?}", of(&found, what));
    }
    office.clerk("ada").await.unwrap();
    assert_eq!(of(&look(&workshop.platform).await, "staff").verdict, Verdict::Good);

    workshop.cluster.become_cluster("another");
    let wrong = look(&workshop.platform).await;
    let cell = of(&wrong, "cell one");
    assert!(
        cell.verdict == Verdict::Bad && cell.words.contains(CLUSTER) && cell.words.contains("another"),
        "{cell:#?}"
    );
    workshop.cluster.become_cluster(CLUSTER);
    workshop.cluster.set_unreachable(true);
    assert_eq!(of(&look(&workshop.platform).await, "cell one").verdict, Verdict::Bad);
    workshop.cluster.set_unreachable(false);
    for sql in ["UPDATE cells SET zone = 'social.steppe.example'", "UPDATE staff SET totp_sealed = 'x'"] {
        sqlx::query(sql).execute(&workshop.platform.pool).await.unwrap();
    }
    let found = look(&workshop.platform).await;
    assert_eq!(of(&found, "zone of cell one").verdict, Verdict::Bad);
    let key = of(&found, "key");
    assert!(key.verdict == Verdict::Bad && key.to_string().starts_with("BAD   key: "), "{key}");
}
