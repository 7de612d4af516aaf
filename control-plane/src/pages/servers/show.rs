//! One server.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::hold::HoldKind;
use domain::standing::WayOut;
use domain::{Order, Right};
use http::StatusCode;
use jiff::Timestamp;

use super::standing::facts;
use super::{Frame, Visit, WorkView, visit};
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Page, Path, html};
use crate::platform::Platform;
use crate::store;
use crate::store::instance::Instance;

/// How many operations are shown.
const WORK: i64 = 15;

/// Something that is or is not as it should be.
struct Sign {
    text: &'static str,
    good: Option<bool>,
    message: String,
}

/// A reason why it stands still.
struct Held {
    kind: HoldKind,
    reason: String,
    since: Timestamp,
    until: Option<Timestamp>,
}

#[derive(Template)]
#[template(path = "servers/show.html")]
struct ShowPage<'a> {
    page: &'a Page,
    frame: &'a Frame,
    instance: &'a Instance,
    offer: String,
    address: Option<String>,
    signs: Vec<Sign>,
    holds: Vec<Held>,
    work: Vec<WorkView>,
    claim: Option<&'static str>,
    order: Option<String>,
    may: May,
}

/// What can be done here now, by this reader.
struct May {
    pause: bool,
    resume: bool,
    reopen: bool,
}

/// One server.
///
/// # Errors
/// `not-found`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::See, "").await?;
    let (frame, page) = (visit.frame(&platform, &signed, "").await?, Page::to(&signed));
    let instance = &visit.instance;
    let mut connection = platform.pool.acquire().await?;
    let known = facts(&mut connection, std::slice::from_ref(instance), platform.now()).await?;
    let holds: Vec<Held> = known.into_iter().flat_map(|one| one.holds).map(held).collect();
    let offer = store::offer::find(&mut connection, instance.offer).await?;
    let work = store::operation::of_instance(&mut connection, instance.id, WORK).await?;
    let paused = holds.iter().any(|hold| hold.kind == HoldKind::Customer);
    let shown = ShowPage {
        offer: offer.map(|offer| offer.texts.name(signed.request.texts.locale()).to_owned()).unwrap_or_default(),
        address: instance.observed.address.clone().or_else(|| Some(format!("https://{}", instance.hostname))),
        signs: signs(instance),
        work: work.iter().map(|one| WorkView::of(&page, &platform, one, visit.may(Right::Settings))).collect(),
        claim: claim(&visit),
        order: open_order(&mut connection, instance).await?,
        may: may(&visit, &frame, paused),
        holds,
        instance,
        frame: &frame,
        page: &page,
    };
    html(StatusCode::OK, &shown)
}

fn held(hold: domain::Hold) -> Held {
    Held { kind: hold.kind, reason: hold.reason, since: hold.since, until: hold.until }
}

/// The order that something can still be done about, on its own page.
async fn open_order(connection: &mut sqlx::PgConnection, instance: &Instance) -> Result<Option<String>, Problem> {
    let Some(id) = instance.order else { return Ok(None) };
    let order = store::order::find(connection, id).await?;
    let open = order.filter(|order| matches!(order.state, Order::Failed { .. } | Order::Provisioning));
    Ok(open.map(|order| format!("/orders/{}", order.id)))
}

/// How the owner's first password stands, for who may see it.
fn claim(visit: &Visit) -> Option<&'static str> {
    let instance = &visit.instance;
    if !visit.may(Right::SeeClaim) {
        return None;
    }
    match (&instance.claim_key_sealed, &instance.claim_answer) {
        (Some(_), Some(_)) => Some("here"),
        (Some(_), None) | (None, _) => None,
    }
}

fn may(visit: &Visit, frame: &Frame, paused: bool) -> May {
    let instance = &visit.instance;
    let there = instance.closing.is_none() && instance.ready_at.is_some() && instance.purged_at.is_none();
    let reopen = frame.told.way == WayOut::Reopen && instance.ready_at.is_some();
    May {
        pause: there && !paused && visit.may(Right::Pause),
        resume: there && paused && visit.may(Right::Pause),
        reopen: reopen && visit.may(Right::UndoClose),
    }
}

/// What conditions say, in the order in which a person would look.
fn signs(instance: &Instance) -> Vec<Sign> {
    let of = |type_: &str, text: &'static str| {
        let found = instance.observed.condition(type_)?;
        let good = match found.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        };
        let message = if good == Some(true) { String::new() } else { found.message.clone() };
        Some(Sign { text, good, message })
    };
    [
        of(crd::condition::BORN, "sign-born"),
        of(crd::condition::SERVING, "sign-serving"),
        of(crd::condition::REACHABLE, "sign-reachable"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
