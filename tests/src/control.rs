//! The front half of a control plane in a test: people with browsers before the pages, and the [`Workshop`] behind them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use control_plane::router;
use domain::Role;
use domain::id::{AccountId, OrganizationId};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::workshop::Workshop;

/// What everybody's password is.
pub const PASSWORD: &str = "three wild geese";

/// A control plane, whole.
pub struct Control {
    /// What is behind the pages.
    pub workshop: Workshop,
    router: Router,
    addresses: AtomicU8,
}

/// Somebody with a browser. Forms are sent as browsers send them; there is no script.
pub struct Browser {
    router: Router,
    address: SocketAddr,
    cookie: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Somebody with an account, logged in.
pub struct Person {
    /// Their browser.
    pub browser: Browser,
    /// Their account.
    pub account: AccountId,
    /// Their own organization.
    pub organization: OrganizationId,
}

impl Control {
    /// A control plane with a database called `name`.
    ///
    /// # Errors
    /// When the database cannot be had.
    pub async fn open(name: &str) -> Result<Self> {
        Self::with_room(name, None).await
    }

    /// A control plane whose cell has room for so many small servers.
    ///
    /// # Errors
    /// When the database cannot be had.
    pub async fn with_room(name: &str, room: Option<u32>) -> Result<Self> {
        Ok(Self::before(Workshop::with_room(name, room).await?))
    }

    /// The front half before a back half that is there.
    #[must_use]
    pub fn before(workshop: Workshop) -> Self {
        let router = router::public(workshop.platform.clone());
        Self { workshop, router, addresses: AtomicU8::new(1) }
    }

    /// A browser that has never been here, at an address of its own.
    #[must_use]
    pub fn browser(&self) -> Browser {
        let last = self.addresses.fetch_add(1, Ordering::SeqCst);
        Browser { router: self.router.clone(), address: ([192, 0, 2, last], 40_000).into(), cookie: None }
    }

    /// A browser before other pages of the same control plane.
    #[must_use]
    pub fn browser_of(&self, router: Router) -> Browser {
        Browser { router, ..self.browser() }
    }

    /// Somebody who has signed up, confirmed their address with the mailed link, and logged in.
    ///
    /// # Errors
    /// When any of that does not work.
    pub async fn person(&self, name: &str) -> Result<Person> {
        let (mut browser, email) = (self.browser(), format!("{name}@mail.example"));
        let form = browser.get("/sign-up").await?;
        let (terms, processing) = (form.input("terms")?, form.input("processing")?);
        let sent = [
            ("email", email.as_str()),
            ("name", name),
            ("password", PASSWORD),
            ("agree", "yes"),
            ("terms", &terms),
            ("processing", &processing),
        ];
        browser.post("/sign-up", &sent).await?.expect(StatusCode::OK)?;
        let link = self.mailed_link(&email, "/confirm/").await?;
        browser.post(&link, &[]).await?.expect(StatusCode::SEE_OTHER)?;
        let sent = [("email", email.as_str()), ("password", PASSWORD), ("next", "/")];
        browser.post("/log-in", &sent).await?.expect(StatusCode::SEE_OTHER)?;
        let found: (uuid::Uuid, uuid::Uuid) = sqlx::query_as(
            "SELECT a.id, o.id FROM accounts a JOIN organizations o ON o.personal_of = a.id WHERE a.email = $1",
        )
        .bind(&email)
        .fetch_one(&self.workshop.platform.pool)
        .await?;
        Ok(Person { browser, account: found.0.into(), organization: found.1.into() })
    }

    /// The path of the link in the newest mail to somebody.
    ///
    /// # Errors
    /// When there is no such mail.
    pub async fn mailed_link(&self, email: &str, path: &str) -> Result<String> {
        let mails = self.workshop.mails().await?;
        let mail = mails.iter().rev().find(|mail| mail.to == email && mail.text.contains(path));
        let text = &mail.with_context(|| format!("no mail with {path} was sent to {email}"))?.text;
        let from = text.find(path).context("the link is gone")?;
        Ok(text[from..].split_whitespace().next().unwrap_or_default().to_owned())
    }

    /// Makes somebody a member of an organization.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn join(&self, person: &Person, organization: OrganizationId, role: Role) -> Result<()> {
        sqlx::query(
            "INSERT INTO memberships (organization_id, account_id, role, created_at) VALUES ($1, $2, $3, now())",
        )
        .bind(organization.uuid())
        .bind(person.account.uuid())
        .bind(role.as_str())
        .execute(&self.workshop.platform.pool)
        .await?;
        Ok(())
    }

    /// One number that the database counts.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn count(&self, sql: &'static str) -> Result<i64> {
        Ok(sqlx::query_scalar(sql).fetch_one(&self.workshop.platform.pool).await?)
    }
}

impl Browser {
    /// The same browser, logged in as it is, before the same pages served in another way.
    #[must_use]
    pub fn before(&self, router: Router) -> Self {
        Self { router, address: self.address, cookie: self.cookie.clone() }
    }

    /// What it keeps of a log-in.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Opens a page.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        self.get_with(path, &[]).await
    }

    /// Opens a page with more headers.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty())?).await
    }

    /// Sends a form.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        self.send(request.body(Body::from(form.finish()))?).await
    }

    /// Begins to read an answer that does not end.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn stream(&mut self, path: &str, headers: &[(&str, &str)]) -> Result<Body> {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.respond(request.body(Body::empty())?).await?;
        ensure!(response.status() == StatusCode::OK, "{path}: {}", response.status());
        Ok(response.into_body())
    }

    async fn send(&mut self, request: Request<Body>) -> Result<Answer> {
        let (parts, body) = self.respond(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    async fn respond(&mut self, mut request: Request<Body>) -> Result<http::Response<Body>> {
        request.extensions_mut().insert(ConnectInfo(self.address));
        request.headers_mut().insert(header::HOST, "steppe.example".parse()?);
        if let Some(cookie) = &self.cookie {
            request.headers_mut().insert(header::COOKIE, cookie.parse()?);
        }
        let response = self.router.clone().oneshot(request).await?;
        for set in response.headers().get_all(header::SET_COOKIE) {
            let pair = set.to_str()?.split(';').next().unwrap_or_default();
            self.cookie = if pair.ends_with('=') { None } else { Some(pair.to_owned()) };
        }
        Ok(response)
    }
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The same answer, if its status is the one that was expected.
    ///
    /// # Errors
    /// With the page, when it is not.
    pub fn expect(self, status: StatusCode) -> Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        bail!("{} instead of {status}: {}", self.status, self.text());
    }

    /// Where it sends the browser.
    ///
    /// # Errors
    /// When it does not.
    pub fn location(&self) -> Result<String> {
        let found = self.headers.get(header::LOCATION).context("it leads nowhere")?;
        Ok(found.to_str()?.to_owned())
    }

    /// A header, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether a text is on the page.
    #[must_use]
    pub fn says(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// The value of the first field of a form with this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn input(&self, name: &str) -> Result<String> {
        let text = self.text();
        let at = text.find(&format!("name=\"{name}\"")).with_context(|| format!("no field {name} in {text}"))?;
        let value = text[at..].split_once("value=\"").with_context(|| format!("{name} has no value"))?.1;
        Ok(value.split('"').next().unwrap_or_default().to_owned())
    }

    /// What stands between two texts on the page, the first time.
    ///
    /// # Errors
    /// When they are not there.
    pub fn between(&self, before: &str, after: &str) -> Result<String> {
        let text = self.text();
        let found = text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
        Ok(found.with_context(|| format!("nothing between {before} and {after} in {text}"))?.0.to_owned())
    }
}

impl Person {
    /// Orders a server for an organization; what came back.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn order_for(&mut self, organization: OrganizationId, label: &str) -> Result<Answer> {
        let form = self.browser.get("/order").await?.expect(StatusCode::OK)?;
        let organization = organization.to_string();
        let (offer, zone, terms) = (form.input("offer")?, form.input("zone")?, form.input("terms")?);
        let fields = [
            ("organization", organization.as_str()),
            ("offer", &offer),
            ("label", label),
            ("zone", &zone),
            ("owner_handle", "owner"),
            ("owner_email", "owner@mail.example"),
            ("agree", "yes"),
            ("terms", &terms),
            ("processing", &form.input("processing")?),
        ];
        self.browser.post("/order", &fields).await
    }

    /// Orders a server for their own organization; what came back.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn order(&mut self, label: &str) -> Result<Answer> {
        self.order_for(self.organization, label).await
    }

    /// Orders a server and waits until it is ready; the path of its page.
    ///
    /// # Errors
    /// When it is not.
    pub async fn server(&mut self, control: &Control, label: &str) -> Result<String> {
        let order = self.order(label).await?.expect(StatusCode::SEE_OTHER)?.location()?;
        control.settle().await?;
        let page = self.browser.get(&order).await?.expect(StatusCode::OK)?;
        Ok(format!("/servers/{}", page.between("href=\"/servers/", "\"")?))
    }
}

impl Control {
    /// Lets everything run that was asked for, until nothing is left to do.
    ///
    /// # Errors
    /// When something does not end in time.
    pub async fn settle(&self) -> Result<()> {
        let open = "SELECT id FROM operations WHERE state IN ('queued', 'running', 'waiting') LIMIT 1";
        loop {
            let next: Option<uuid::Uuid> =
                sqlx::query_scalar(open).fetch_optional(&self.workshop.platform.pool).await?;
            match next {
                Some(id) => drop(self.workshop.rest(id.into()).await?),
                None => return Ok(()),
            }
        }
    }
}
