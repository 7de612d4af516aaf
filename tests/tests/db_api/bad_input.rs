//! What programs send that cannot be: each is a clear error, and nothing changes.

use bytes::Bytes;
use e2e::control::Control;
use http::StatusCode;
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// What is sent, and what is told about it. In paths `ORG` and `SERVER` are replaced.
struct Row {
    what: &'static str,
    method: &'static str,
    path: &'static str,
    kind: &'static str,
    body: Bytes,
    status: u16,
    told: &'static str,
}

/// An order with one field replaced.
fn order(wish: &Value, what: &'static str, pointer: &str, value: Value, status: u16, told: &'static str) -> Row {
    let mut wish = wish.clone();
    *wish.pointer_mut(pointer).unwrap() = value;
    let body = wish.to_string().into();
    Row { what, method: "POST", path: "/organizations/ORG/orders", kind: JSON, body, status, told }
}

/// Names that no server can have.
fn names(wish: &Value) -> Vec<Row> {
    let name = |what, label: &str, told| order(wish, what, "/label", json!(label), 422, told);
    let mut rows = vec![
        name("no name", "", "invalid label:label-length"),
        name("a short name", "ab", "invalid label:label-length"),
        name("a long name", &"a".repeat(41), "invalid label:label-length"),
        name("a name of megabytes is too large before it is a name", &"a".repeat(70_000), "too-large"),
        name("a dot in it", "birds.fish", "invalid label:label-characters"),
        name("a blank in it", "my birds", "invalid label:label-characters"),
        name("an underscore in it", "my_birds", "invalid label:label-characters"),
        name("a slash in it", "../etc", "invalid label:label-characters"),
        name("a quote in it", "x'--y", "invalid label:label-characters"),
        name("a line end in it", "bi\nrds", "invalid label:label-characters"),
        name("a NUL in it", "bi\u{0}rds", "invalid label:label-characters"),
        name("Cyrillic letters that look Latin", "b\u{456}rds", "invalid label:label-characters"),
        name("full-width letters", "\u{ff42}irds", "invalid label:label-characters"),
        name("a letter that only lowers to ASCII", "bir\u{212a}s", "invalid label:label-characters"),
        name("an umlaut", "vögel", "invalid label:label-characters"),
        name("an invisible character", "bi\u{200b}rds", "invalid label:label-characters"),
        name("a turn of direction", "\u{202e}sdrib", "invalid label:label-characters"),
        name("a combining mark", "bi\u{301}rds", "invalid label:label-characters"),
        name("a hyphen at its beginning", "-birds", "invalid label:label-edge"),
        name("a hyphen at its end", "birds-", "invalid label:label-edge"),
        name("an encoded name", "xn--vgel-5qa", "invalid label:label-encoded"),
        name("digits alone", "12345", "invalid label:label-digits"),
        name("a name that is ours", "admin", "invalid label:label-reserved"),
        name("a name that is ours in capitals", "WWW", "invalid label:label-reserved"),
    ];
    for row in rows.iter_mut().filter(|row| row.told == "too-large") {
        row.status = 413;
    }
    rows
}

/// What is not offered, or not at this price.
fn offers(wish: &Value) -> Vec<Row> {
    let order = |what, pointer: &str, value, status, told| order(wish, what, pointer, value, status, told);
    vec![
        order("a name that is a number", "/label", json!(7), 422, "invalid label:type"),
        order("a name that is null", "/label", json!(null), 422, "invalid label:type"),
        order("a name that is a list", "/label", json!(["birds"]), 422, "invalid label:type"),
        order("a zone that is none", "/zone", json!("not a zone"), 422, "invalid zone:zone-unknown"),
        order("a zone of somebody else's", "/zone", json!("evil.example"), 409, "offer-changed"),
        order("a zone inside ours", "/zone", json!("a.servers.example"), 409, "offer-changed"),
        order("an offer that is no id", "/offer", json!("snac-small"), 422, "invalid offer:offer-needed"),
        order(
            "the id of another kind",
            "/offer",
            json!("inst_01kb0c9w40e8ar2xtk7c0h8v4f"),
            422,
            "invalid offer:offer-needed",
        ),
        order("an offer that is not there", "/offer", json!("ofr_01kb0c9w40e8ar2xtk7c0h8v4f"), 409, "offer-changed"),
        order("another price", "/price/minor", json!(-1), 409, "offer-changed"),
        order("a price beyond numbers", "/price/minor", json!(1.0e40), 422, "invalid price.minor:type"),
        order("a price in words", "/price/minor", json!("nothing"), 422, "invalid price.minor:type"),
        order("another currency", "/price/currency", json!("USD"), 409, "offer-changed"),
        order("a currency that is none", "/price/currency", json!("XXX"), 422, "invalid price:currency-unknown"),
        order("a tip", "/price", json!({ "minor": 0, "currency": "EUR", "tip": 1 }), 422, "invalid price.tip:unknown"),
        order("a price that is a list", "/price", json!([0, "EUR"]), 422, "invalid price:type"),
        order("a price without a currency", "/price", json!({ "minor": 0 }), 422, "invalid price.currency:missing"),
    ]
}

/// Owners that can be none, and terms that are not agreed to.
fn owners(wish: &Value) -> Vec<Row> {
    let order = |what, pointer: &str, value, status, told| order(wish, what, pointer, value, status, told);
    vec![
        order("an owner in capitals", "/owner_handle", json!("Ada"), 422, "invalid owner_handle:handle-form"),
        order(
            "an owner with a Greek letter",
            "/owner_handle",
            json!("\u{3b1}da"),
            422,
            "invalid owner_handle:handle-form",
        ),
        order("a long owner", "/owner_handle", json!("a".repeat(31)), 422, "invalid owner_handle:handle-form"),
        order("no owner", "/owner_handle", json!(""), 422, "invalid owner_handle:handle-form"),
        order("mail to nobody", "/owner_email", json!("nobody"), 422, "invalid owner_email:email-form"),
        order(
            "a second mail header",
            "/owner_email",
            json!("a@b.example\r\nBcc: c@d.example"),
            422,
            "invalid owner_email:email-characters",
        ),
        order(
            "a NUL in the mail",
            "/owner_email",
            json!("a\u{0}@b.example"),
            422,
            "invalid owner_email:email-characters",
        ),
        order(
            "mail to a long address",
            "/owner_email",
            json!(format!("{}@b.example", "a".repeat(300))),
            422,
            "invalid owner_email:email-too-long",
        ),
        order(
            "terms of last year",
            "/accepted_terms/terms",
            json!("2020-01-01"),
            422,
            "invalid accepted_terms:terms-changed",
        ),
        order("no terms at all", "/accepted_terms/terms", json!(""), 422, "invalid accepted_terms:terms-changed"),
        order(
            "a NUL in the terms",
            "/accepted_terms/terms",
            json!("\u{0}"),
            422,
            "invalid accepted_terms:terms-changed",
        ),
        order("terms that are true", "/accepted_terms", json!(true), 422, "invalid accepted_terms:type"),
    ]
}

fn bodies(wish: &Value) -> Vec<Row> {
    let raw = |what, kind, body: Vec<u8>, status, told| Row {
        what,
        method: "POST",
        path: "/organizations/ORG/orders",
        kind,
        body: body.into(),
        status,
        told,
    };
    let text = wish.to_string();
    let mut more = wish.clone();
    more["owner"] = json!("root");
    let mut less = wish.clone();
    less.as_object_mut().unwrap().remove("label");
    let twice = text.replacen('{', r#"{"label":"other","#, 1);
    let latin = text.replace("owner@", "\u{fc}ser@").chars().map(|letter| letter as u8).collect();
    let sixteen: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        raw("nothing", JSON, Vec::new(), 400, "malformed"),
        raw("half of it", JSON, text.as_bytes()[..text.len() / 2].to_vec(), 400, "malformed"),
        raw("more after the end", JSON, format!("{text}{text}").into_bytes(), 400, "malformed"),
        raw("Latin-1", JSON, latin, 400, "malformed"),
        raw("UTF-16", JSON, sixteen, 400, "malformed"),
        raw("a byte order mark", JSON, format!("\u{feff}{text}").into_bytes(), 400, "malformed"),
        raw("half of a surrogate pair", JSON, text.replace("owner@", r"\ud800@").into_bytes(), 400, "malformed"),
        raw("a list", JSON, format!("[{text}]").into_bytes(), 422, "invalid"),
        raw("null", JSON, b"null".to_vec(), 422, "invalid"),
        raw("a number", JSON, b"7".to_vec(), 422, "invalid"),
        raw("a field that is none", JSON, more.to_string().into_bytes(), 422, "invalid owner:unknown"),
        raw("a field that is missing", JSON, less.to_string().into_bytes(), 422, "invalid label:missing"),
        raw("a field that is there twice", JSON, twice.into_bytes(), 422, "invalid label:twice"),
        raw("brackets without end", JSON, vec![b'['; 60_000], 422, "invalid"),
        raw("ten megabytes", JSON, vec![b' '; 10 << 20], 413, "too-large"),
        raw("a form", "application/x-www-form-urlencoded", b"label=birds".to_vec(), 415, "unsupported-type"),
        raw("JSON that says it is text", "text/plain", text.clone().into_bytes(), 415, "unsupported-type"),
        raw("JSON that says nothing", "", text.into_bytes(), 415, "unsupported-type"),
    ]
}

/// Any other request.
fn row(
    what: &'static str,
    method: &'static str,
    path: &'static str,
    body: Value,
    status: u16,
    told: &'static str,
) -> Row {
    let kind = if body.is_null() { "" } else { JSON };
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    Row { what, method, path, kind, body, status, told }
}

/// Reasons that are none.
fn reasons() -> Vec<Row> {
    vec![
        row(
            "a reason of a thousand letters",
            "POST",
            "/instances/SERVER/pause",
            json!({ "reason": "x".repeat(1000) }),
            422,
            "invalid reason:text-too-long",
        ),
        row(
            "a reason that turns around",
            "POST",
            "/instances/SERVER/pause",
            json!({ "reason": "\u{202e}x" }),
            422,
            "invalid reason:text-characters",
        ),
        row(
            "a NUL in the reason",
            "POST",
            "/instances/SERVER/pause",
            json!({ "reason": "a\u{0}b" }),
            422,
            "invalid reason:text-characters",
        ),
        row(
            "a reason for nothing",
            "POST",
            "/instances/SERVER/pause",
            json!({ "why": "" }),
            422,
            "invalid why:unknown",
        ),
    ]
}

/// What cannot be done to a server now, or at all.
fn accounts() -> Vec<Row> {
    vec![
        row(
            "an account with a dot",
            "POST",
            "/instances/SERVER/users",
            json!({ "handle": "a.b" }),
            422,
            "invalid handle:handle-form",
        ),
        row(
            "an account with a NUL",
            "POST",
            "/instances/SERVER/users",
            json!({ "handle": "a\u{0}" }),
            422,
            "invalid handle:handle-form",
        ),
        row("no account", "POST", "/instances/SERVER/users", json!({}), 422, "invalid handle:missing"),
        row(
            "an account in the path that can be none",
            "DELETE",
            "/instances/SERVER/users/A.b",
            json!(null),
            404,
            "not-found",
        ),
        row("nothing to resume", "POST", "/instances/SERVER/resume", json!(null), 409, "wrong-state"),
        row("nothing to take back", "POST", "/instances/SERVER/reopen", json!(null), 409, "wrong-state"),
    ]
}

/// People who cannot be invited.
fn invitations() -> Vec<Row> {
    let path = "/organizations/ORG/invitations";
    let invite = |what, email: &str, role: &str, told| {
        row(what, "POST", path, json!({ "email": email, "role": role }), 422, told)
    };
    vec![
        invite("nobody is invited", "", "billing", "invalid email:email-form"),
        invite(
            "an invitation with a second header",
            "a@b.example\r\nBcc: c@d.example",
            "billing",
            "invalid email:email-characters",
        ),
        invite("an invitation as nothing", "eve@mail.example", "", "invalid role:role-unknown"),
        invite("an invitation as god", "eve@mail.example", "god", "invalid role:role-unknown"),
        row("an invitation that is a list", "POST", path, json!(["eve@mail.example", "billing"]), 422, "invalid"),
        row(
            "an owner is invited",
            "POST",
            path,
            json!({ "email": "eve@mail.example", "role": "owner" }),
            403,
            "forbidden",
        ),
    ]
}

/// Changes without a version, and to people who are not there.
fn members() -> Vec<Row> {
    vec![
        row(
            "an order is corrected without its version",
            "PATCH",
            "/orders/ord_01kb0c9w40e8ar2xtk7c0h8v4f",
            json!({ "owner_email": "eve@mail.example" }),
            428,
            "precondition-needed",
        ),
        row(
            "a name is changed without its version",
            "PATCH",
            "/organizations/ORG",
            json!({ "name": "x" }),
            428,
            "precondition-needed",
        ),
        row(
            "a role for nobody",
            "PATCH",
            "/organizations/ORG/members/acc_01kb0c9w40e8ar2xtk7c0h8v4f",
            json!({ "role": "billing" }),
            404,
            "not-found",
        ),
        row(
            "a role that is a number",
            "PATCH",
            "/organizations/ORG/members/acc_01kb0c9w40e8ar2xtk7c0h8v4f",
            json!({ "role": 7 }),
            422,
            "invalid role:type",
        ),
        row(
            "nobody is removed",
            "DELETE",
            "/organizations/ORG/members/acc_01kb0c9w40e8ar2xtk7c0h8v4f",
            json!(null),
            404,
            "not-found",
        ),
        row("a program makes an organization", "POST", "/organizations", json!({ "name": "x" }), 403, "forbidden"),
    ]
}

/// What cannot be read.
fn readings() -> Vec<Row> {
    vec![
        row(
            "a page of none",
            "GET",
            "/organizations/ORG/orders?limit=0",
            json!(null),
            422,
            "invalid limit:limit-range",
        ),
        row(
            "a page of all",
            "GET",
            "/organizations/ORG/orders?limit=100000",
            json!(null),
            422,
            "invalid limit:limit-range",
        ),
        row("two limits", "GET", "/organizations/ORG/orders?limit=1&limit=2", json!(null), 400, "malformed"),
        row(
            "a cursor of another list",
            "GET",
            "/organizations/ORG/orders?starting_after=inst_01kb0c9w40e8ar2xtk7c0h8v4f",
            json!(null),
            422,
            "invalid starting_after:cursor-unknown",
        ),
        row(
            "a cursor that injects",
            "GET",
            "/organizations/ORG/audit?starting_after=1;DROP%20TABLE%20audit",
            json!(null),
            422,
            "invalid starting_after:cursor-unknown",
        ),
        row(
            "a cursor beyond numbers",
            "GET",
            "/organizations/ORG/audit?starting_after=99999999999999999999",
            json!(null),
            422,
            "invalid starting_after:cursor-unknown",
        ),
        row("an id with a NUL", "GET", "/instances/inst_%00", json!(null), 404, "not-found"),
        row("an id that is no text", "GET", "/instances/%ff%fe", json!(null), 404, "not-found"),
        row("an id in capitals", "GET", "/instances/INST_01KB0C9W40E8AR2XTK7C0H8V4F", json!(null), 404, "not-found"),
        row("a way out", "GET", "/instances/..%2f..%2fetc%2fpasswd", json!(null), 404, "not-found"),
    ]
}

#[tokio::test]
async fn a_clear_error_and_nothing_changes() {
    let control = Control::open("api_bad_input").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let server = program.server(&control, jo.organization, "taken").await.unwrap();
    let wish = program.wish(jo.organization, "birds").await.unwrap();
    let rows: Vec<Row> = [
        names(&wish),
        offers(&wish),
        owners(&wish),
        bodies(&wish),
        reasons(),
        accounts(),
        invitations(),
        members(),
        readings(),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(rows.len() >= 60, "{}", rows.len());
    let state = "SELECT count(*) + (SELECT count(*) FROM instances) + (SELECT count(*) FROM operations) \
                 + (SELECT count(*) FROM audit) + (SELECT count(*) FROM hostnames) + (SELECT count(*) FROM mails) FROM orders";
    let before = control.count(state).await.unwrap();
    let mut wrong = Vec::new();
    for row in &rows {
        sqlx::query("DELETE FROM rate_limits").execute(&control.workshop.platform.pool).await.unwrap();
        let path = row.path.replace("ORG", &jo.organization.to_string()).replace("SERVER", &server);
        let headers: &[(&str, &str)] = if row.kind.is_empty() { &[] } else { &[("content-type", row.kind)] };
        for key in [None, Some(("idempotency-key", row.what))] {
            let headers: Vec<_> = headers.iter().copied().chain(key).collect();
            let reply = program.send(row.method, &path, &headers, row.body.clone()).await.unwrap();
            if (reply.status.as_u16(), reply.problem().as_str()) != (row.status, row.told) {
                wrong.push(format!("{}: {} {}", row.what, reply.status, reply.problem()));
            }
            // Every field that is wrong is told in words.
            let silent = |error: &Value| {
                error["message"].as_str().is_none_or(|text| text.is_empty() || text.starts_with("field-"))
            };
            if reply.json["errors"].as_array().into_iter().flatten().any(silent) {
                wrong.push(format!("{}: without words: {}", row.what, reply.json["errors"]));
            }
        }
        let after = control.count(state).await.unwrap();
        if after != before {
            wrong.push(format!("{} changed something", row.what));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // After all that an order is an order.
    sqlx::query("DELETE FROM rate_limits").execute(&control.workshop.platform.pool).await.unwrap();
    let path = format!("/organizations/{}/orders", jo.organization);
    program.post(&path, wish).await.unwrap().expect(StatusCode::CREATED).unwrap();
}
