//! Who may do what in an organization, on its pages.

use e2e::desk::{Browser, Desk, Person};
use jiff::SignedDuration;

/// An organization with somebody of each role, and somebody who is in none.
pub struct Troupe {
    pub path: String,
    pub owner: Person,
    pub admin: Person,
    pub moderator: Person,
    pub billing: Person,
    pub stranger: Person,
}

impl Troupe {
    pub async fn of(desk: &Desk) -> Self {
        let owner = desk.person("Olga", "olga@birds.example").await.unwrap();
        let path = create(&owner, "The Fens").await;
        let mut others = Vec::new();
        for (name, role) in [("Abel", "admin"), ("Mona", "moderator"), ("Bill", "billing")] {
            let other = desk.person(name, &format!("{}@birds.example", name.to_lowercase())).await.unwrap();
            desk.join(&owner, &path, &other, role).await.unwrap();
            others.push(other);
        }
        let stranger = desk.person("Sten", "sten@birds.example").await.unwrap();
        let [admin, moderator, billing] = <[Person; 3]>::try_from(others).ok().unwrap();
        Self { path, owner, admin, moderator, billing, stranger }
    }

    fn browsers(&self) -> [&Browser; 5] {
        [&self.owner, &self.admin, &self.moderator, &self.billing, &self.stranger].map(|person| &person.browser)
    }

    /// The statuses that owner, admin, moderator, billing and a stranger get for a page.
    async fn get(&self, below: &str) -> [u16; 5] {
        let mut statuses = [0; 5];
        for (status, browser) in statuses.iter_mut().zip(self.browsers()) {
            *status = browser.get(&format!("{}{below}", self.path)).await.unwrap().status;
        }
        statuses
    }

    /// The same for a form. What a form does once is done by the last of them who may.
    async fn post(&self, below: &str, fields: &[(&str, &str)]) -> [u16; 5] {
        let mut statuses = [0; 5];
        for (status, browser) in statuses.iter_mut().zip(self.browsers()).rev() {
            *status = browser.post(&format!("{}{below}", self.path), fields).await.unwrap().status;
        }
        statuses
    }

    /// The id of a member's account, as the page has it.
    pub async fn id_of(&self, desk: &Desk, person: &Person) -> String {
        let sql = "SELECT id FROM accounts WHERE email = $1";
        let id: uuid::Uuid = sqlx::query_scalar(sql).bind(&person.email).fetch_one(&desk.platform.pool).await.unwrap();
        domain::id::AccountId::from(id).to_string()
    }
}

/// Makes an organization; its path.
pub async fn create(person: &Person, name: &str) -> String {
    let id = person.browser.get("/organizations").await.unwrap().value("id").unwrap();
    let made = person.browser.post("/organizations", &[("id", &id), ("name", name)]).await.unwrap();
    assert_eq!(made.location.as_deref(), Some(&*format!("/organizations/{id}")), "{}", made.body);
    format!("/organizations/{id}")
}

/// Gives somebody's own organization a server that runs.
pub async fn server_of(desk: &Desk, person: &Person) {
    let sql = "WITH o AS (INSERT INTO offers (id, slug, version, flavour, size, names, descriptions, software_version,
                              price_minor, currency, tax, period, approval, created_at)
                          VALUES (gen_random_uuid(), 'nest', 1, 'snac', 'small', '{}', '{}', '2.75', 500, 'EUR',
                                  'inclusive', 'month', 'none', now()) RETURNING id),
                    c AS (INSERT INTO cells (id, name, zone, created_at)
                          VALUES (gen_random_uuid(), 'one', 'servers.example', now()) RETURNING id)
               INSERT INTO instances (id, organization_id, cell_id, offer_id, object_name, hostname, flavour,
                                      software_version, size, owner_handle, owner_email, entitlement, created_at)
               SELECT gen_random_uuid(), g.id, c.id, o.id, 'i-1', 'nest.servers.example', 'snac', '2.75', 'small', 'ada',
                      a.email, 'full', now()
               FROM o, c, organizations g JOIN accounts a ON a.id = g.personal_of WHERE a.email = $1";
    sqlx::query(sql).bind(&person.email).execute(&desk.platform.pool).await.unwrap();
}

#[tokio::test]
async fn who_may_do_what() {
    let desk = Desk::open("roles").await.unwrap();
    let troupe = Troupe::of(&desk).await;
    // owner, admin, moderator, billing, stranger
    assert_eq!(troupe.get("").await, [200, 200, 200, 200, 404]);
    assert_eq!(troupe.get("/tokens").await, [200, 200, 200, 200, 404]);
    assert_eq!(troupe.get("/tokens/new").await, [200, 200, 403, 403, 404]);
    assert_eq!(troupe.get("/log").await, [200, 200, 200, 403, 404]);
    assert_eq!(troupe.get("/hand-over").await, [200, 403, 403, 403, 404]);
    assert_eq!(troupe.get("/delete").await, [200, 403, 403, 403, 404]);
    assert_eq!(troupe.post("/name", &[("name", "The Marsh")]).await, [303, 303, 403, 403, 404]);
    let invite = |email: &'static str, role: &'static str| [("email", email), ("role", role)];
    assert_eq!(troupe.post("/invitations", &invite("x@birds.example", "owner")).await, [403, 403, 403, 403, 404]);
    // Admins make no admins. The second who may is told that there is an invitation.
    assert_eq!(troupe.post("/invitations", &invite("y@birds.example", "admin")).await, [303, 403, 403, 403, 404]);
    assert_eq!(troupe.post("/invitations", &invite("z@birds.example", "moderator")).await, [409, 303, 403, 403, 404]);
    let (olga, abel) = (troupe.id_of(&desk, &troupe.owner).await, troupe.id_of(&desk, &troupe.admin).await);
    let (mona, bill) = (troupe.id_of(&desk, &troupe.moderator).await, troupe.id_of(&desk, &troupe.billing).await);
    let role = |who: &str| format!("/members/{who}/role");
    assert_eq!(troupe.post(&role(&mona), &[("role", "billing")]).await, [303, 303, 403, 403, 404]);
    assert_eq!(troupe.post(&role(&mona), &[("role", "moderator")]).await, [303, 303, 403, 403, 404]);
    assert_eq!(troupe.post(&role(&mona), &[("role", "admin")]).await[1..], [403, 403, 403, 404]);
    assert_eq!(troupe.post(&role(&mona), &[("role", "moderator")]).await[0], 303);
    // The owner stays the owner, also against themself; an admin touches no admin.
    assert_eq!(troupe.post(&role(&olga), &[("role", "admin")]).await, [403, 403, 403, 403, 404]);
    assert_eq!(troupe.post(&role(&abel), &[("role", "billing")]).await, [303, 403, 403, 403, 404]);
    assert_eq!(
        troupe
            .owner
            .browser
            .post(&format!("{}{}", troupe.path, role(&abel)), &[("role", "admin")])
            .await
            .unwrap()
            .status,
        303
    );
    assert_eq!(troupe.post(&format!("/members/{bill}/remove"), &[]).await, [404, 303, 403, 403, 404]);
    let sten = troupe.id_of(&desk, &troupe.stranger).await;
    // Who manages members is told that this is none; by now Bill is none either.
    assert_eq!(troupe.post(&role(&sten), &[("role", "admin")]).await, [404, 404, 403, 404, 404]);
}

#[tokio::test]
async fn the_last_word_is_the_role_at_the_end_not_at_the_beginning() {
    let desk = Desk::open("roles_race").await.unwrap();
    let troupe = Troupe::of(&desk).await;
    let (abel, mona) = (troupe.id_of(&desk, &troupe.admin).await, troupe.id_of(&desk, &troupe.moderator).await);
    // The owner removes the admin while the admin removes the moderator. Either order is right; a removed admin who still
    // removes somebody afterwards is not.
    let remove = |who: &str| format!("{}/members/{who}/remove", troupe.path);
    let (first, second) = (remove(&abel), remove(&mona));
    let (owner, admin) = tokio::join!(troupe.owner.browser.post(&first, &[]), troupe.admin.browser.post(&second, &[]));
    assert_eq!(owner.unwrap().status, 303);
    let order: Vec<String> =
        sqlx::query_scalar("SELECT actor_name FROM audit WHERE action = 'member.remove' ORDER BY seq")
            .fetch_all(&desk.platform.pool)
            .await
            .unwrap();
    match admin.unwrap().status {
        303 => assert_eq!(order, ["Abel", "Olga"]),
        404 => assert_eq!(order, ["Olga"]),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn handing_over_makes_one_owner_of_two() {
    let desk = Desk::open("hand_over").await.unwrap();
    let troupe = Troupe::of(&desk).await;
    let (mona, sten) = (troupe.id_of(&desk, &troupe.moderator).await, troupe.id_of(&desk, &troupe.stranger).await);
    let path = format!("{}/hand-over", troupe.path);
    assert_eq!(troupe.owner.browser.post(&path, &[("to", &sten)]).await.unwrap().status, 404);
    desk.clock.advance(SignedDuration::from_mins(16));
    let asked = troupe.owner.browser.post(&path, &[("to", &mona)]).await.unwrap();
    assert!(asked.location.unwrap().starts_with("/password-again"));
    troupe.owner.browser.post("/password-again", &[("password", e2e::desk::PASSWORD), ("next", "/")]).await.unwrap();
    let done = troupe.owner.browser.post(&path, &[("to", &mona)]).await.unwrap();
    assert_eq!(done.location.as_deref(), Some(&*format!("{}?told=handed-over", troupe.path)));
    assert_eq!(desk.mails(&troupe.moderator.email).await.unwrap().last().unwrap(), "ownership");
    let owners = "SELECT count(*) FROM memberships m JOIN organizations o ON o.id = m.organization_id
                  WHERE o.personal_of IS NULL AND m.role = 'owner'";
    assert_eq!(desk.count(owners).await.unwrap(), 1);
    // The form sent again: it is not theirs to give any more.
    assert_eq!(troupe.owner.browser.post(&path, &[("to", &mona)]).await.unwrap().status, 403);
    // Somebody's own organization stays theirs.
    let own = format!("{}/hand-over", troupe.owner.own);
    assert_eq!(troupe.owner.browser.get(&own).await.unwrap().status, 409);
    assert_eq!(troupe.owner.browser.post(&own, &[("to", &mona)]).await.unwrap().status, 409);
    assert_eq!(
        troupe.owner.browser.post(&format!("{}/delete", troupe.owner.own), &[("sure", "yes")]).await.unwrap().status,
        409
    );
}

#[tokio::test]
async fn leaving_takes_the_view_and_the_tokens_along() {
    let desk = Desk::open("leave").await.unwrap();
    let troupe = Troupe::of(&desk).await;
    let token = super::tokens::make(&troupe.admin, &troupe.path, &["instances:read"]).await;
    assert!(super::tokens::works(&desk, &token).await);
    let leave = format!("{}/leave", troupe.path);
    assert_eq!(troupe.owner.browser.post(&leave, &[]).await.unwrap().status, 403, "an owner hands over first");
    assert_eq!(
        troupe.admin.browser.post(&leave, &[]).await.unwrap().location.as_deref(),
        Some("/organizations?told=left")
    );
    assert_eq!(troupe.admin.browser.get(&troupe.path).await.unwrap().status, 404);
    assert_eq!(troupe.admin.browser.post(&leave, &[]).await.unwrap().status, 404);
    assert!(!super::tokens::works(&desk, &token).await);
    assert_eq!(troupe.admin.browser.post(&format!("{}/leave", troupe.admin.own), &[]).await.unwrap().status, 403);
}

#[tokio::test]
async fn a_deleted_organization_is_gone_for_everybody() {
    let desk = Desk::open("org_delete").await.unwrap();
    let troupe = Troupe::of(&desk).await;
    let invite = [("email", "late@birds.example"), ("role", "admin")];
    troupe.owner.browser.post(&format!("{}/invitations", troupe.path), &invite).await.unwrap();
    let link = desk.link("late@birds.example", "invite").await.unwrap();
    let path = format!("{}/delete", troupe.path);
    assert_eq!(troupe.owner.browser.post(&path, &[]).await.unwrap().status, 422);
    let (one, other) = tokio::join!(
        troupe.owner.browser.post(&path, &[("sure", "yes")]),
        troupe.owner.browser.post(&path, &[("sure", "yes")]),
    );
    let mut statuses = [one.unwrap().status, other.unwrap().status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404], "two at once delete it once");
    assert_eq!(troupe.get("").await, [404; 5]);
    assert_eq!(desk.browser().get(&link).await.unwrap().status, 410);
    assert_eq!(desk.count("SELECT count(*) FROM audit WHERE action = 'organization.delete'").await.unwrap(), 1);
}

#[tokio::test]
async fn a_form_sent_twice_makes_one_organization() {
    let desk = Desk::open("org_twice").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let id = ada.browser.get("/organizations").await.unwrap().value("id").unwrap();
    let fields = [("id", id.as_str()), ("name", "The Fens")];
    let (one, other) =
        tokio::join!(ada.browser.post("/organizations", &fields), ada.browser.post("/organizations", &fields));
    assert!([one.unwrap().status, other.unwrap().status].contains(&303));
    assert_eq!(ada.browser.post("/organizations", &fields).await.unwrap().status, 303);
    assert_eq!(desk.count("SELECT count(*) FROM organizations").await.unwrap(), 2);
    // Nobody takes an organization over by naming its id.
    let eve = desk.person("Eve", "eve@birds.example").await.unwrap();
    assert_eq!(eve.browser.post("/organizations", &fields).await.unwrap().status, 409);
    assert_eq!(eve.browser.get(&format!("/organizations/{id}")).await.unwrap().status, 404);
}

#[tokio::test]
async fn nobody_owns_organizations_without_end() {
    let desk = Desk::open("org_many").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    for number in 1..10 {
        create(&ada, &format!("Fen {number}")).await;
    }
    let id = ada.browser.get("/organizations").await.unwrap().value("id").unwrap();
    let over = ada.browser.post("/organizations", &[("id", &id), ("name", "Fen 10")]).await.unwrap();
    assert_eq!(over.status, 422);
    assert!(over.body.contains("value=\"Fen 10\""), "what was typed is kept: {}", over.body);
}

#[tokio::test]
async fn the_log_is_read_page_by_page() {
    let desk = Desk::open("log").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let path = create(&ada, "The Fens").await;
    for number in 0..60 {
        ada.browser.post(&format!("{path}/name"), &[("name", &format!("Fen {number}"))]).await.unwrap();
    }
    let first = ada.browser.get(&format!("{path}/log")).await.unwrap();
    let rows = |body: &str| body.matches("<tr><td").count();
    assert_eq!(rows(&first.body), 50);
    assert!(first.text().contains("Fen 59") && !first.text().contains("Fen 9 "));
    let older = first.links(&format!("{path}/log?before=")).remove(0);
    let second = ada.browser.get(&older).await.unwrap();
    assert_eq!(rows(&second.body), 11);
    assert!(second.text().contains("Fen 0") && second.text().contains("Made the organization"), "{}", second.text());
    assert!(!second.body.contains(&format!("href=\"{path}/log?before=")), "there is nothing older");
    for odd in ["0", "-1", "9223372036854775807", "x", "99999999999999999999"] {
        assert_eq!(ada.browser.get(&format!("{path}/log?before={odd}")).await.unwrap().status, 200, "{odd}");
    }
}
