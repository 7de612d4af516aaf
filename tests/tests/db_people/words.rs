//! Every word on a page comes from the texts: with the marked texts, nothing else is left but what people named themselves.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use control_plane::router;
use control_plane::text::Texts;
use e2e::desk::{Answer, Desk};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::organizations::create;

async fn mark(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Texts::pseudo());
    next.run(request).await
}

/// What is on a page beside the marked texts: visible text, and attributes that are read out.
fn unmarked(answer: &Answer, known: &[&str]) -> Vec<String> {
    let read_out = ["aria-label=\"", "title=\"", "alt=\"", "placeholder=\""].into_iter().flat_map(|attribute| {
        answer.body.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned)
    });
    let mut left = String::new();
    let mut depth = 0_u32;
    for character in format!("{} {}", answer.text(), read_out.collect::<Vec<_>>().join(" ")).chars() {
        match character {
            '⟦' => depth += 1,
            '⟧' => depth = depth.saturating_sub(1),
            other if depth == 0 => left.push(other),
            _ => {}
        }
    }
    for word in known {
        left = left.replace(word, " ");
    }
    left.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).map(str::to_owned).collect()
}

#[tokio::test]
async fn no_page_has_words_of_its_own() {
    let desk = Desk::open("words").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let path = create(&ada, "Fen").await;
    let invite = [("email", "n@birds.example"), ("role", "admin")];
    ada.browser.post(&format!("{path}/invitations"), &invite).await.unwrap();
    super::tokens::make(&ada, &path, &["exports:write"]).await;
    let invitation = desk.link("n@birds.example", "invite").await.unwrap();
    let marked = router::public(desk.platform.clone()).layer(from_fn(mark));
    let cookie: Vec<String> = ada.browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
    let known = [
        "Steppe",
        "Ada",
        "Fen",
        "ada@birds.example",
        "n@birds.example",
        "192.0.2.",
        "Heron Hosting",
        "Weir Lane 1",
        "help@steppe.example",
        "night watch",
        "stp_",
        "exports:read",
        "exports:write",
        "instances:read",
        "instances:write",
        "orders:read",
        "orders:write",
        "organization:read",
        "organization:write",
    ];
    let visitor = [
        "/",
        "/sign-up",
        "/log-in",
        "/forgot",
        "/imprint",
        "/privacy",
        "/terms",
        "/processing",
        "/nowhere",
        &invitation,
    ];
    let own = ["", "/tokens", "/tokens/new", "/log", "/hand-over", "/delete"].map(|below| format!("{path}{below}"));
    let member = [
        "/",
        "/account",
        "/account/password",
        "/account/email",
        "/account/delete",
        "/organizations",
        "/password-again",
    ];
    let member = member.into_iter().chain(own.iter().map(String::as_str)).map(|path| (path, cookie.join("; ")));
    for (path, cookie) in visitor.into_iter().map(|path| (path, String::new())).chain(member) {
        let request = Request::get(path).header("cookie", &cookie).body(Body::empty()).unwrap();
        let (parts, body) = marked.clone().oneshot(request).await.unwrap().into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let answer = Answer { status: parts.status.as_u16(), location: None, headers: parts.headers, body };
        assert!(answer.body.contains('⟦'), "{path} has no texts: {}", answer.body);
        let left: Vec<String> = unmarked(&answer, &known)
            .into_iter()
            .filter(|word| !["UTC", "Dec", "Nov", "Jan"].contains(&word.trim_end_matches([',', '.'])))
            .filter(|word| !word.chars().all(|letter| letter.is_ascii_hexdigit() || letter == '…'))
            .collect();
        assert!(left.is_empty(), "{path} has words that are in no text: {left:?}");
    }
}
