//! Every endpoint by role, by scope and for foreign ids: generated from the description of the API. What it should need stands
//! here a second time, in one table, so that an endpoint without a row fails and a changed right is seen.

use std::collections::BTreeMap;

use domain::id::{AccountId, InstanceId, InvitationId, OrganizationId};
use domain::scope::Scope;
use domain::{Right, Role};
use e2e::control::{Control, Person};
use e2e::parcel::files;
use e2e::program::{Program, Reply};
use http::StatusCode;
use serde_json::{Value, json};

/// An endpoint, the scope that a token needs, and the right.
struct Row(&'static str, Option<Scope>, Right);

const fn row(endpoint: &'static str, scope: Scope, right: Right) -> Row {
    Row(endpoint, Some(scope), right)
}

/// One that no token can do.
const fn person(endpoint: &'static str, right: Right) -> Row {
    Row(endpoint, None, right)
}

const ROWS: &[Row] = &[
    row("organizations_list", Scope::OrganizationRead, Right::SeeMembers),
    row("organizations_show", Scope::OrganizationRead, Right::SeeMembers),
    row("organizations_update", Scope::OrganizationWrite, Right::Rename),
    person("organizations_hand_over", Right::HandOver),
    row("members_invite", Scope::OrganizationWrite, Right::Invite),
    row("invitations_list", Scope::OrganizationWrite, Right::Invite),
    row("invitations_revoke", Scope::OrganizationWrite, Right::Invite),
    row("members_update", Scope::OrganizationWrite, Right::Members),
    row("members_remove", Scope::OrganizationWrite, Right::Members),
    row("members_list", Scope::OrganizationRead, Right::SeeMembers),
    row("audit_list", Scope::OrganizationRead, Right::SeeAudit),
    row("offers_list", Scope::OrdersRead, Right::See),
    row("orders_list", Scope::OrdersRead, Right::See),
    row("orders_place", Scope::OrdersWrite, Right::Order),
    row("orders_show", Scope::OrdersRead, Right::See),
    row("orders_update", Scope::OrdersWrite, Right::Order),
    row("orders_accept", Scope::OrdersWrite, Right::Order),
    row("orders_cancel", Scope::OrdersWrite, Right::Order),
    row("orders_retry", Scope::OrdersWrite, Right::Order),
    row("instances_list", Scope::InstancesRead, Right::See),
    row("instances_show", Scope::InstancesRead, Right::See),
    row("instances_update", Scope::InstancesWrite, Right::Settings),
    row("instances_pause", Scope::InstancesWrite, Right::Pause),
    row("instances_resume", Scope::InstancesWrite, Right::Pause),
    person("instances_close", Right::Close),
    row("instances_reopen", Scope::InstancesWrite, Right::UndoClose),
    person("owner_login_reset", Right::ResetOwnerLogin),
    person("owner_login_claim", Right::SeeClaim),
    row("users_add", Scope::InstancesWrite, Right::AddUsers),
    row("users_remove", Scope::InstancesWrite, Right::Settings),
    row("users_reset", Scope::InstancesWrite, Right::AddUsers),
    row("user_changes_list", Scope::InstancesWrite, Right::AddUsers),
    row("user_changes_show", Scope::InstancesWrite, Right::AddUsers),
    row("user_changes_claim", Scope::InstancesWrite, Right::AddUsers),
    row("exports_list", Scope::ExportsRead, Right::See),
    row("exports_start", Scope::ExportsWrite, Right::Export),
    row("exports_show", Scope::ExportsRead, Right::See),
    row("export_recipient_set", Scope::InstancesWrite, Right::Settings),
    person("exports_download", Right::Download),
    person("export_key_ask", Right::Download),
    person("export_key_claim", Right::Download),
    row("operations_list", Scope::InstancesRead, Right::See),
    row("operations_show", Scope::InstancesRead, Right::See),
    row("operations_retry", Scope::InstancesWrite, Right::Settings),
    row("operations_cancel", Scope::InstancesWrite, Right::Settings),
];

/// What is done in no organization, so that no role in one is asked for.
const NOWHERE: [&str; 2] = ["account_show", "organizations_create"];

/// An endpoint as the description has it.
struct Endpoint {
    id: String,
    method: String,
    path: String,
    described: Value,
}

fn document() -> Value {
    serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap()
}

fn endpoints() -> Vec<Endpoint> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(|(method, described)| Endpoint {
            id: described["operationId"].as_str().unwrap().to_owned(),
            method: method.to_uppercase(),
            path: path.clone(),
            described: described.clone(),
        })
    });
    all.collect()
}

/// Which things of an organization the paths are about.
type Ids = BTreeMap<&'static str, String>;

impl Endpoint {
    fn at(&self, ids: &Ids) -> String {
        ids.iter().fold(self.path.clone(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id))
    }

    /// A body with which it does something, or is told that it cannot.
    fn body(&self, ids: &Ids, wish: &Value) -> Option<Value> {
        self.described.get("requestBody")?;
        Some(match self.id.as_str() {
            "orders_place" => wish.clone(),
            "orders_update" => json!({ "owner_email": "ada@mail.example" }),
            "organizations_create" | "organizations_update" => json!({ "name": "Birds" }),
            "organizations_hand_over" => json!({ "to": ids["account"] }),
            "members_invite" => json!({ "email": "eve@mail.example", "role": "billing" }),
            "members_update" => json!({ "role": "moderator" }),
            "instances_update" => json!({ "title": "Birds" }),
            "instances_pause" => json!({ "reason": "moving house" }),
            "instances_close" => json!({ "hostname": "birds.servers.example" }),
            "users_add" => json!({ "handle": "ada" }),
            "export_recipient_set" => json!({ "recipient": null }),
            other => panic!("{other} has a body, and no row for it"),
        })
    }

    async fn call(&self, program: &Program, ids: &Ids, wish: &Value) -> Reply {
        let body = self.body(ids, wish);
        // No version of anything: who may is told that it is stale, and nothing changes under those who come later.
        let reply =
            program.call_with(&self.method, &self.at(ids), &[("if-match", "\"0\"")], body.as_ref()).await.unwrap();
        let answers = self.described["responses"].as_object().unwrap();
        assert!(
            answers.contains_key(reply.status.as_str()),
            "{} answers {}, which is not described",
            self.id,
            reply.status
        );
        assert!(!reply.status.is_server_error(), "{}: {}", self.id, reply.json);
        reply
    }
}

/// Somebody's server with one thing of each kind.
async fn things(control: &Control, owner: &mut Person, label: &str) -> Ids {
    let program = control.program(owner).await.unwrap();
    let instance = program.server(control, owner.organization, label).await.unwrap();
    let path = format!("/instances/{instance}");
    let accepted = StatusCode::ACCEPTED;
    let change =
        program.post(&format!("{path}/users"), json!({ "handle": "grace" })).await.unwrap().expect(accepted).unwrap();
    let export = program.call("POST", &format!("{path}/exports"), None).await.unwrap().expect(accepted).unwrap();
    control.settle().await.unwrap();
    let parsed: InstanceId = instance.parse().unwrap();
    let pool = &control.workshop.platform.pool;
    let sql = "SELECT prefix FROM exports WHERE instance_id = $1 AND prefix IS NOT NULL";
    let prefix: String = sqlx::query_scalar(sql).bind(parsed.uuid()).fetch_one(pool).await.unwrap();
    for (name, content) in files() {
        control.workshop.objects.put(&format!("{prefix}{name}"), content);
    }
    let orders = program.get(&format!("/organizations/{}/orders", owner.organization)).await.unwrap();
    let guest = control.person(&format!("guest-{label}")).await.unwrap();
    control.join(&guest, owner.organization, Role::Billing).await.unwrap();
    let sql = "INSERT INTO invitations (id, organization_id, email, role, secret_hash, invited_by, created_at, expires_at)
               VALUES (gen_random_uuid(), $1, $2, 'billing', sha256($2::bytea), $3, now(), now() + interval '7 days') RETURNING id";
    let invitation = sqlx::query_scalar::<_, uuid::Uuid>(sql).bind(owner.organization.uuid());
    let invitation = invitation.bind(format!("{label}@elsewhere.example")).bind(owner.account.uuid());
    let invitation = InvitationId::from(invitation.fetch_one(pool).await.unwrap());
    Ids::from([
        ("invitation", invitation.to_string()),
        ("account", guest.account.to_string()),
        ("organization", owner.organization.to_string()),
        ("order", orders["data"][0]["id"].as_str().unwrap().to_owned()),
        ("instance", instance),
        ("operation", change.text("id").to_owned()),
        ("change", change.text("change").to_owned()),
        ("export", export.text("export").to_owned()),
        ("handle", "grace".to_owned()),
    ])
}

#[test]
fn every_endpoint_has_a_row_and_the_description_says_the_same() {
    let all = endpoints();
    for endpoint in all.iter().filter(|one| !NOWHERE.contains(&one.id.as_str())) {
        let row = ROWS.iter().find(|row| row.0 == endpoint.id);
        let Row(_, scope, right) = row.unwrap_or_else(|| panic!("{} has no row", endpoint.id));
        let security = endpoint.described["security"].as_array().unwrap();
        let token = security.iter().find_map(|one| one.get("token")).map(|scopes| scopes[0].as_str().unwrap());
        assert_eq!(token, scope.map(Scope::as_str), "{}", endpoint.id);
        assert_eq!(endpoint.described["x-right"], right.as_str(), "{}", endpoint.id);
        assert_eq!(scope.is_none(), right.needs_password(), "{}", endpoint.id);
        assert!(security.iter().any(|one| one.get("session").is_some()), "{}", endpoint.id);
    }
    for Row(id, ..) in ROWS {
        assert!(all.iter().any(|endpoint| endpoint.id == *id), "{id} is no endpoint any more");
    }
}

async fn refill(control: &Control) {
    let pool = &control.workshop.platform.pool;
    sqlx::query("DELETE FROM rate_limits").execute(pool).await.unwrap();
}

/// Whoever was removed is there again, and whoever was invited still is.
async fn put_back(control: &Control, organization: OrganizationId, account: &str) {
    let account: AccountId = account.parse().unwrap();
    let pool = &control.workshop.platform.pool;
    let sql =
        "INSERT INTO memberships (organization_id, account_id, role, created_at) VALUES ($1, $2, 'billing', now())
               ON CONFLICT (organization_id, account_id) DO UPDATE SET role = 'billing'";
    sqlx::query(sql).bind(organization.uuid()).bind(account.uuid()).execute(pool).await.unwrap();
    let sql = "UPDATE invitations SET revoked_at = NULL WHERE organization_id = $1";
    sqlx::query(sql).bind(organization.uuid()).execute(pool).await.unwrap();
}

fn let_in(reply: &Reply) -> bool {
    use StatusCode as S;
    ![S::UNAUTHORIZED, S::FORBIDDEN, S::NOT_FOUND].contains(&reply.status)
}

#[tokio::test]
async fn each_endpoint_by_role_and_scope() {
    let control = Control::open("api_roles").await.unwrap();
    let mut owner = control.person("owner").await.unwrap();
    let ids = things(&control, &mut owner, "birds").await;
    let wish = control.program(&owner).await.unwrap().wish(owner.organization, "other").await.unwrap();
    let organization = owner.organization;
    let mut people = vec![(Role::Owner, owner)];
    for role in [Role::Admin, Role::Moderator, Role::Billing] {
        let person = control.person(role.as_str()).await.unwrap();
        control.join(&person, organization, role).await.unwrap();
        people.insert(0, (role, person));
    }
    let (all, mut wrong, mut calls) = (endpoints(), Vec::new(), 0);
    for endpoint in all.iter().filter(|one| !NOWHERE.contains(&one.id.as_str())) {
        let Row(_, scope, right) = ROWS.iter().find(|row| row.0 == endpoint.id).unwrap();
        // From the least to the most, so that what an owner does is not in the way of the others.
        for (role, person) in &people {
            refill(&control).await;
            let mut ask = async |who: &str, program: Program, may: bool| {
                put_back(&control, organization, &ids["account"]).await;
                let reply = endpoint.call(&program, &ids, &wish).await;
                let told = if may { let_in(&reply) } else { reply.status == StatusCode::FORBIDDEN };
                calls += 1;
                if !told {
                    wrong.push(format!("{} as {role} {who}: {} {}", endpoint.id, reply.status, reply.problem()));
                }
            };
            let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|one| Some(*one) != *scope).collect();
            let few = control.program_with(person, organization, &others).await.unwrap();
            ask("without the scope", few, false).await;
            if let Some(scope) = scope {
                let one = control.program_with(person, organization, &[*scope]).await.unwrap();
                ask("with the scope", one, role.may(*right)).await;
            }
            forget_passwords(&control).await;
            let may = role.may(*right) && !right.needs_password();
            ask("in a browser", control.in_browser(person).unwrap(), may).await;
            confirm(&control).await;
            ask("with the password", control.in_browser(person).unwrap(), role.may(*right)).await;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(calls > 500, "{calls}");
}

#[tokio::test]
async fn what_is_somebody_elses_does_not_exist() {
    let control = Control::open("api_foreign").await.unwrap();
    let mut own = control.person("own").await.unwrap();
    let mut other = control.person("other").await.unwrap();
    let (mine, theirs) = (things(&control, &mut own, "birds").await, things(&control, &mut other, "fish").await);
    // One more, to have an id of something of one's own that is in the wrong place.
    let program = control.program(&own).await.unwrap();
    let second = program.server(&control, own.organization, "newts").await.unwrap();
    let wish = program.wish(own.organization, "other").await.unwrap();
    confirm(&control).await;
    let callers = [("token", program.clone()), ("browser", control.in_browser(&own).unwrap())];
    let (mut wrong, mut calls) = (Vec::new(), 0);
    for endpoint in endpoints().iter().filter(|one| one.path.contains('{')) {
        let mut cases = vec![("all foreign".to_owned(), theirs.clone())];
        for (name, id) in
            mine.iter().filter(|(name, _)| endpoint.path.contains(&format!("{{{name}}}")) && **name != "handle")
        {
            let with = |id: String| {
                let mut ids = mine.clone();
                ids.insert(name, id);
                ids
            };
            let prefix = id.split('_').next().unwrap_or_default();
            cases.push((format!("foreign {name}"), with(theirs[name].clone())));
            cases.push((format!("no {name}"), with(format!("{prefix}_01kb0c9w40e8ar2xtk7c0h8v4f"))));
            cases.push((format!("another kind of {name}"), with(format!("rep_{}", &id[prefix.len() + 1..]))));
            cases.push((format!("broken {name}"), with("%00%ff..%2f".to_owned())));
        }
        if endpoint.path.contains("{export}") || endpoint.path.contains("{change}") {
            let mut ids = mine.clone();
            ids.insert("instance", second.clone());
            cases.push(("another server of mine".to_owned(), ids));
        }
        for (case, ids) in cases {
            for (who, caller) in &callers {
                refill(&control).await;
                let reply = endpoint.call(caller, &ids, &wish).await;
                calls += 1;
                if reply.status != StatusCode::NOT_FOUND {
                    wrong.push(format!("{} {case} by {who}: {} {}", endpoint.id, reply.status, reply.problem()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(calls > 250, "{calls}");
}

#[tokio::test]
async fn nobody_gets_nothing() {
    let control = Control::open("api_nobody").await.unwrap();
    let mut own = control.person("own").await.unwrap();
    let ids = things(&control, &mut own, "birds").await;
    let token = control.token(own.account, own.organization, &Scope::ALL.iter().copied().collect()).await.unwrap();
    let program = control.program(&own).await.unwrap();
    let wish = program.wish(own.organization, "other").await.unwrap();
    let expired = control.program(&own).await.unwrap();
    let sql = "UPDATE api_tokens SET expires_at = created_at + interval '1 second' WHERE created_at = (SELECT max(created_at) FROM api_tokens)";
    sqlx::query(sql).execute(&control.workshop.platform.pool).await.unwrap();
    control.workshop.later(jiff::SignedDuration::from_mins(1));
    drop(token);
    for endpoint in endpoints() {
        for caller in [control.nobody(), expired.clone()] {
            let reply = endpoint.call(&caller, &ids, &wish).await;
            assert_eq!(
                (reply.status, reply.text("code")),
                (StatusCode::UNAUTHORIZED, "unauthenticated"),
                "{}",
                endpoint.id
            );
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
    }
}

/// As if everybody had entered their password long ago.
pub async fn forget_passwords(control: &Control) {
    let pool = &control.workshop.platform.pool;
    sqlx::query("UPDATE sessions SET confirmed_until = NULL").execute(pool).await.unwrap();
}

/// As if everybody had just entered their password, which nobody changed lately.
pub async fn confirm(control: &Control) {
    let sql = "UPDATE sessions SET confirmed_until = $1::text::timestamptz + interval '15 minutes'";
    let pool = &control.workshop.platform.pool;
    sqlx::query(sql).bind(control.workshop.platform.now().to_string()).execute(pool).await.unwrap();
}
