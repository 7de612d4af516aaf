//! How often something may be tried: the statement that takes from a bucket does what the rule says.

use control_plane::store::rate_limit::take;
use domain::limits::Bucket;
use e2e::workshop::Workshop;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// The rule: what came in since the last time comes first, never above what the bucket holds; then one is taken if one is
/// there. A clock that went back refills nothing.
fn rule(bucket: Bucket, tokens: f64, since: SignedDuration) -> (f64, bool) {
    let came_in = since.as_secs_f64().max(0.0) / bucket.refill_seconds();
    let held = (tokens + came_in).min(f64::from(bucket.capacity()));
    if held >= 1.0 { (held - 1.0, true) } else { (held, false) }
}

#[tokio::test]
async fn the_statement_does_what_the_rule_says() {
    let workshop = Workshop::open("people_buckets").await.unwrap();
    let mut connection = workshop.platform.pool.acquire().await.unwrap();
    for (seed, bucket) in Bucket::ALL.iter().copied().enumerate() {
        let mut random = StdRng::seed_from_u64(seed as u64);
        let (mut tokens, mut at) = (f64::from(bucket.capacity()), workshop.platform.now());
        let longest = (bucket.refill_seconds() * 3000.0) as i64;
        let mut refused = 0;
        for ask in 0..600 {
            // Bursts, pauses, and now and then a clock that goes back.
            let since = match random.random_range(0..10) {
                0 => -random.random_range(0..longest),
                1 => random.random_range(0..longest),
                _ => 0,
            };
            let later: Timestamp = at + SignedDuration::from_millis(since);
            let (left, granted) = rule(bucket, tokens, later.duration_since(at));
            let taken = take(&mut connection, "somebody", bucket, later).await.unwrap();
            let told = format!("{bucket}, ask {ask}: {taken:?} instead of {left} {granted}");
            assert!((taken.tokens - left).abs() < 1e-6 && taken.granted.is_ok() == granted, "{told}");
            refused += usize::from(!granted);
            if let Err(wait) = taken.granted {
                let enough = rule(bucket, left + 1e-6, SignedDuration::from_secs(i64::from(wait)));
                assert!(enough.1, "waiting as long as told is not enough: {told}");
            }
            (tokens, at) = (taken.tokens, later);
        }
        assert!(bucket.capacity() > 100 || refused > 10, "{bucket}: only {refused} were refused");
        sqlx::query("DELETE FROM rate_limits").execute(&mut *connection).await.unwrap();
    }
}

#[tokio::test]
async fn the_last_one_is_given_once_to_many_who_ask_at_once() {
    let workshop = Workshop::open("people_buckets_race").await.unwrap();
    let (pool, now) = (&workshop.platform.pool, workshop.platform.now());
    let asks = (0..40).map(async |_| take(&mut pool.acquire().await.unwrap(), "all", Bucket::Mail, now).await.unwrap());
    let taken = futures::future::join_all(asks).await;
    let granted = taken.iter().filter(|one| one.granted.is_ok()).count();
    assert_eq!(granted, usize::from(Bucket::Mail.capacity()));
}
