//! Every word on a page comes from the texts: with the marked texts, nothing is left but what people named themselves.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use control_plane::router;
use control_plane::text::Texts;
use control_plane::worker::expire;
use domain::Role;
use e2e::control::{Browser, PASSWORD, Person};
use e2e::office::{Clerk, Office};
use e2e::parcel::files;
use http::StatusCode;
use jiff::SignedDuration;

use crate::walk::{Walk, pages};

/// What people and programs here are called, and what is a word for programs wherever it is read.
const NAMES: [&str; 28] = [
    "Steppe",
    "jo",
    "kim",
    "lou",
    "ada",
    "one",
    "owner",
    "admin",
    "grace",
    "small",
    "medium",
    "large",
    "snac",
    "snac-small",
    "Marsh",
    "Ducks",
    "Firefox",
    "UTC",
    "Dec",
    "Nov",
    "Jan",
    "Mar",
    "EUR",
    "B",
    "kB",
    "https",
    "inst",
    "org",
];

async fn mark(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Texts::pseudo());
    next.run(request).await
}

/// Somebody's browser before the same pages, with the marked texts.
fn marked(browser: &Browser, router: Router) -> Browser {
    browser.before(router.layer(from_fn(mark)))
}

async fn done(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = browser.post(path, fields).await.unwrap().expect(StatusCode::SEE_OTHER);
    answer.unwrap_or_else(|error| panic!("{path}: {error:#}")).location().unwrap()
}

/// The path of the first thing in one of staff's lists.
async fn first(clerk: &mut Clerk, list: &str) -> String {
    format!("{list}/{}", clerk.browser.get(list).await.unwrap().between(&format!("href=\"{list}/"), "\"").unwrap())
}

/// A host with room for two servers, where much has happened: to orders, servers, people, reports. What only a link in a mail or
/// a form leads to.
async fn busy(office: &Office, jo: &mut Person, ada: &mut Clerk) -> Vec<String> {
    let control = &office.control;
    let server = jo.server(control, "birds").await.unwrap();
    let export = done(&mut jo.browser, &format!("{server}/exports"), &[]).await;
    control.settle().await.unwrap();
    let prefix: String = sqlx::query_scalar("SELECT prefix FROM exports WHERE prefix IS NOT NULL")
        .fetch_one(&control.workshop.platform.pool)
        .await
        .unwrap();
    for (name, content) in files() {
        control.workshop.objects.put(&format!("{prefix}{name}"), content);
    }
    done(&mut jo.browser, &format!("{export}/download"), &[]).await;
    done(&mut jo.browser, &format!("{export}/key"), &[]).await;
    let change = done(&mut jo.browser, &format!("{server}/users"), &[("handle", "grace")]).await;
    control.settle().await.unwrap();
    let organization = format!("/organizations/{}", jo.organization);
    let version = ada.browser.get(&organization).await.unwrap().input("version").unwrap();
    done(&mut ada.browser, &format!("{organization}/limit"), &[("version", &version), ("limit", "9")]).await;
    // One order of each kind that can be had.
    office.look_at_orders().await.unwrap();
    let declined = jo.order("trees").await.unwrap().location().unwrap();
    done(&mut ada.browser, &format!("{declined}/decline"), &[("reason", "Ducks.")]).await;
    jo.order("nests").await.unwrap();
    jo.order("ponds").await.unwrap();
    let cancelled = jo.order("reeds").await.unwrap().location().unwrap();
    done(&mut jo.browser, &format!("{cancelled}/cancel"), &[]).await;
    expire::once(&control.workshop.platform).await.unwrap();
    let report =
        |text| [("server", "birds.servers.example"), ("category", "spam"), ("text", text), ("email", "kim@x.example")];
    control.browser().post("/abuse", &report("Ducks.")).await.unwrap().expect(StatusCode::OK).unwrap();
    let hold = [("kind", "staff"), ("reason", "Ducks."), ("until", "2027-01-01")];
    done(&mut ada.browser, &format!("{}/holds", server.replace("/servers/", "/instances/")), &hold).await;
    control.settle().await.unwrap();
    let id = jo.browser.get("/organizations").await.unwrap().input("id").unwrap();
    let own = done(&mut jo.browser, "/organizations", &[("id", &id), ("name", "Marsh")]).await;
    done(&mut jo.browser, "/account/email", &[("email", "new@mail.example")]).await;
    done(&mut jo.browser, &format!("{own}/invitations"), &[("email", "kim@mail.example"), ("role", "admin")]).await;
    control.browser().post("/forgot", &[("email", "jo@mail.example")]).await.unwrap().expect(StatusCode::OK).unwrap();
    vec![
        control.mailed_link("new@mail.example", "/change-email/").await.unwrap(),
        control.mailed_link("kim@mail.example", "/invitations/").await.unwrap(),
        control.mailed_link("jo@mail.example", "/reset/").await.unwrap(),
        format!("{server}/users/remove?handle=grace"),
        format!("{server}/guide"),
        format!("{own}/hand-over"),
        format!("{own}/delete"),
        change,
        export,
    ]
}

/// What is shown once, as the answer to a form.
async fn shown_once(walk: &mut Walk, browser: &mut Browser, links: &[String]) {
    let (change, export) = (&links[links.len() - 2], &links[links.len() - 1]);
    let server = change.split("/users/").next().unwrap();
    let own = browser.get("/organizations").await.unwrap().between("href=\"/organizations/", "\"").unwrap();
    let tokens = format!("/organizations/{own}/tokens/new");
    let id = browser.get(&tokens).await.unwrap().input("id").unwrap();
    let token = [("id", &*id), ("name", "Ducks"), ("scope", "exports:read"), ("days", "30")];
    for (path, fields) in [
        (format!("{server}/login"), &[][..]),
        (change.clone(), &[]),
        (format!("{export}/key/show"), &[]),
        (tokens, &token),
        ("/forgot".to_owned(), &[("email", "jo@mail.example")]),
        ("/order".to_owned(), &[("check", "yes"), ("label", "geese"), ("zone", "servers.example")]),
    ] {
        let answer = browser.post(&path, fields).await.unwrap().expect(StatusCode::OK);
        walk.read(&path, &answer.unwrap_or_else(|error| panic!("{path}: {error:#}")));
    }
}

#[tokio::test]
async fn no_page_has_words_of_its_own() {
    let office = Office::with_room("words", Some(2)).await.unwrap();
    let platform = office.control.workshop.platform.clone();
    let (public, ours) = (router::public(platform.clone()), router::staff(platform));
    let mut walk = Walk::knowing(&NAMES);
    // Nobody, before anything is there: what a stranger sees, and a link that is none.
    let mut lou = office.control.browser();
    let form = lou.get("/sign-up").await.unwrap();
    let (terms, processing) = (form.input("terms").unwrap(), form.input("processing").unwrap());
    let account = [("email", "lou@mail.example"), ("name", "lou"), ("password", PASSWORD), ("agree", "yes")];
    let account: Vec<(&str, &str)> =
        account.into_iter().chain([("terms", &*terms), ("processing", &*processing)]).collect();
    lou.post("/sign-up", &account).await.unwrap().expect(StatusCode::OK).unwrap();
    let confirm = office.control.mailed_link("lou@mail.example", "/confirm/").await.unwrap();
    let stranger = ["/", "/nowhere", "/confirm/none", &confirm, "/reset/none"];
    walk.go(&mut marked(&office.control.browser(), public.clone()), &stranger).await;
    let mut ada = office.clerk("ada").await.unwrap();
    walk.go(&mut marked(&office.browser(), ours.clone()), &["/log-in", "/orders"]).await;
    walk.go(&mut marked(&ada.browser, ours.clone()), &["/", "/nowhere"]).await;
    // Somebody new, then the same with everything there is.
    let mut jo = office.control.person("jo").await.unwrap();
    walk.go(&mut marked(&jo.browser, public.clone()), &["/", "/organizations", "/account", "/order"]).await;
    let links = busy(&office, &mut jo, &mut ada).await;
    let from: Vec<&str> = links.iter().map(String::as_str).chain(["/", "/order?x=1"]).collect();
    walk.go(&mut marked(&jo.browser, public.clone()), &from).await;
    shown_once(&mut walk, &mut marked(&jo.browser, public.clone()), &links).await;
    walk.go(&mut marked(&ada.browser, ours.clone()), &["/", "/audit?action=hold.place"]).await;
    // What else a server can be, and who else can look at it.
    let hold = first(&mut ada, "/holds").await;
    done(&mut ada.browser, &format!("{hold}/lift"), &[("why", "Ducks.")]).await;
    let server = first(&mut ada, "/instances").await.replace("/instances/", "/servers/");
    done(&mut jo.browser, &format!("{server}/pause"), &[("reason", "Ducks.")]).await;
    office.control.settle().await.unwrap();
    let kim = office.control.person("kim").await.unwrap();
    office.control.join(&kim, jo.organization, Role::Billing).await.unwrap();
    for browser in [&jo.browser, &kim.browser] {
        walk.go(&mut marked(browser, public.clone()), &["/", &server, &format!("{server}/settings")]).await;
    }
    done(&mut jo.browser, &format!("{server}/close"), &[("typed", "birds.servers.example")]).await;
    walk.go(&mut marked(&jo.browser, public.clone()), &["/", &server]).await;
    office.control.settle().await.unwrap();
    walk.go(&mut marked(&jo.browser, public.clone()), &["/", &server]).await;
    walk.go(&mut marked(&ada.browser, ours), &["/"]).await;
    office.control.workshop.later(SignedDuration::from_mins(20));
    walk.go(&mut marked(&jo.browser, public), &[&format!("{server}/close"), "/account/delete"]).await;

    assert!(walk.words.is_empty(), "words that are in no text: {:#?}", walk.words);
    let sources =
        [include_str!("../../../control-plane/src/pages.rs"), include_str!("../../../control-plane/src/staff.rs")];
    let been: BTreeSet<&str> = walk.seen.keys().filter_map(|kind| kind.split('?').next()).collect();
    let missed: Vec<String> =
        sources.into_iter().flat_map(pages).filter(|page| !been.contains(page.as_str())).collect();
    assert!(missed.is_empty(), "pages that nobody opened: {missed:#?} of {been:#?}");
}
