//! What staff see first: what needs a person.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::retry::STUCK;
use http::StatusCode;
use jiff::SignedDuration;
use sqlx::PgConnection;

use crate::auth::staff::StaffSigned;
use crate::error::Problem;
use crate::pages::{Page, html};
use crate::platform::Platform;
use crate::store;
use crate::store::backlog::{Desk, Lag};

/// A worker that was not heard of for so long is missing.
const SILENT: SignedDuration = SignedDuration::from_mins(2);
/// A mail that has waited for so many seconds, or facts that nobody has read, are too many.
const LATE: i64 = 300;
/// Facts that a reader may be behind without anybody worrying.
const BEHIND: i64 = 1000;

/// Something that needs a person.
struct Need {
    tone: &'static str,
    text: &'static str,
    count: i64,
    link: &'static str,
}

#[derive(Template)]
#[template(path = "staff/home.html")]
struct HomePage<'a> {
    page: &'a Page,
    needs: Vec<Need>,
    desk: &'a Desk,
    lag: &'a Lag,
    workers: usize,
    servers: i64,
}

/// What needs somebody's attention.
///
/// # Errors
/// When the database refuses.
pub async fn show(State(platform): State<Arc<Platform>>, signed: StaffSigned) -> Result<Response, Problem> {
    let now = platform.now();
    let mut connection = platform.pool.acquire().await?;
    let desk = store::backlog::desk(&mut connection, now - STUCK).await?;
    let lag = store::backlog::lag(&mut connection, now).await?;
    let workers = store::worker::all(&mut connection).await?;
    let workers = workers.iter().filter(|one| now.duration_since(one.seen_at) < SILENT).count();
    let cells = cells(&mut connection).await?;
    let servers = store::search::count_servers(&mut connection).await?;
    let needs = needs(&desk, &lag, &cells, workers);
    html(StatusCode::OK, &HomePage { page: &Page::to_staff(&signed), needs, desk: &desk, lag: &lag, workers, servers })
}

/// How many cells need a person, by why.
struct Cells {
    refused: i64,
    lost: i64,
    breaker: i64,
    full: i64,
}

async fn cells(connection: &mut PgConnection) -> Result<Cells, Problem> {
    let cells = store::cell::all(connection).await?;
    let rooms = store::cell::rooms(connection).await?;
    let count = |is: &dyn Fn(&store::cell::Cell) -> bool| cells.iter().filter(|cell| is(cell)).count() as i64;
    let full = |cell: &store::cell::Cell| {
        let mut own = rooms.iter().filter(|room| room.cell == cell.id && room.places > 0);
        cell.open && own.any(|room| room.free() == 0)
    };
    Ok(Cells {
        refused: count(&|cell| cell.refused.is_some()),
        lost: count(&|cell| cell.unreachable_since.is_some()),
        breaker: count(&|cell| cell.breaker.is_some()),
        full: count(&full),
    })
}

fn needs(desk: &Desk, lag: &Lag, cells: &Cells, workers: usize) -> Vec<Need> {
    let need = |tone, text, count, link| Need { tone, text, count, link };
    let behind = lag.readers.iter().filter(|(_, behind)| *behind > BEHIND).count() as i64;
    let all = [
        need("bad", "need-workers", i64::from(workers == 0), "/operations"),
        need("bad", "need-cells-refused", cells.refused, "/cells"),
        need("bad", "need-cells-lost", cells.lost, "/cells"),
        need("bad", "need-breaker", cells.breaker, "/cells"),
        need("bad", "need-dead", desk.dead, "/operations?state=failed"),
        need("attention", "need-stuck", desk.stuck, "/operations?state=open"),
        need("attention", "need-reports", desk.reports, "/reports?state=open"),
        need("attention", "need-approvals", desk.approvals, "/orders?state=approval"),
        need("attention", "need-waiting", desk.waiting, "/waitlist"),
        need("attention", "need-full", cells.full, "/cells"),
        need("attention", "need-mails", if lag.oldest_mail > LATE { lag.mails } else { 0 }, "/operations"),
        need("attention", "need-mails-failed", lag.failed_mails, "/operations"),
        need("attention", "need-outbox", behind, "/operations"),
    ];
    all.into_iter().filter(|need| need.count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_order_needs_nobody() {
        let desk = Desk { approvals: 0, waiting: 0, dead: 0, stuck: 0, reports: 0, holds: 3 };
        let lag =
            Lag { newest: 9000, readers: vec![("live".to_owned(), 3)], mails: 2, oldest_mail: 4, failed_mails: 0 };
        let cells = |full| Cells { refused: 0, lost: 0, breaker: 0, full };
        assert!(needs(&desk, &lag, &cells(0), 1).is_empty());
        let texts = |needs: Vec<Need>| needs.into_iter().map(|need| need.text).collect::<Vec<_>>();
        assert_eq!(texts(needs(&desk, &lag, &cells(1), 0)), ["need-workers", "need-full"]);
        let late = Lag { oldest_mail: 301, readers: vec![("live".to_owned(), 1001)], ..lag };
        assert_eq!(
            texts(needs(&Desk { dead: 1, ..desk }, &late, &cells(0), 1)),
            ["need-dead", "need-mails", "need-outbox"]
        );
    }
}
