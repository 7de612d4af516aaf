//! A customer's program: it has a token, sends JSON and reads answers. A browser that is logged in can do the same.

use anyhow::{Context as _, Result, bail};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use control_plane::auth::secret::Secret;
use control_plane::auth::token;
use control_plane::router;
use control_plane::store::api_token;
use domain::id::{AccountId, OrganizationId, TokenId};
use domain::scope::{Scope, Scopes};
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::control::{Control, Person};

/// Something that calls the API.
#[derive(Clone)]
pub struct Program {
    router: Router,
    /// How it proves who it is: name and value of a header.
    proof: Option<(header::HeaderName, String)>,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

/// A control plane that is served on this machine, until this is dropped.
pub struct Served {
    /// Where.
    pub url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Served {
    pub(crate) async fn begin(router: Router) -> Result<Self> {
        let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let app = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
        let task = tokio::spawn(async move { drop(axum::serve(listener, app).await) });
        Ok(Self { url, task })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Control {
    /// Serves what customers see, for programs that are not ours.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn serve(&self) -> Result<Served> {
        Served::begin(router::public(self.workshop.platform.clone())).await
    }

    /// A token for somebody in an organization; its text.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn token(&self, account: AccountId, organization: OrganizationId, scopes: &Scopes) -> Result<String> {
        let platform = &self.workshop.platform;
        let secret: Secret = platform.secret()?;
        let new = api_token::New {
            id: platform.id(TokenId::new)?,
            organization,
            account,
            name: "night watch",
            hint: &token::hint(&secret),
            secret: &secret,
            scopes,
            at: platform.now(),
            expires_at: platform.now() + SignedDuration::from_hours(24 * 30),
        };
        api_token::insert(&mut *platform.pool.acquire().await?, &new).await?;
        Ok(token::text(&secret))
    }

    /// A program with a token that may do all that tokens may.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn program(&self, person: &Person) -> Result<Program> {
        self.program_with(person, person.organization, Scope::ALL).await
    }

    /// A program with a token with some scopes.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn program_with(
        &self,
        person: &Person,
        organization: OrganizationId,
        scopes: &[Scope],
    ) -> Result<Program> {
        let token = self.token(person.account, organization, &scopes.iter().copied().collect()).await?;
        Ok(self.nobody().with(header::AUTHORIZATION, format!("Bearer {token}")))
    }

    /// Something that calls the API and does not say who it is.
    #[must_use]
    pub fn nobody(&self) -> Program {
        Program { router: router::public(self.workshop.platform.clone()), proof: None }
    }

    /// Somebody's browser, calling the API from a page of ours.
    ///
    /// # Errors
    /// When nobody is logged in there.
    pub fn in_browser(&self, person: &Person) -> Result<Program> {
        let cookie = person.browser.cookie().context("nobody is logged in")?;
        Ok(self.nobody().with(header::COOKIE, cookie.to_owned()))
    }
}

impl Program {
    fn with(self, name: header::HeaderName, value: String) -> Self {
        Self { proof: Some((name, value)), ..self }
    }

    /// Calls, with a JSON body or none.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply> {
        self.call_with(method, path, &[], body).await
    }

    /// Calls with more headers.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub async fn call_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Reply> {
        let mut all = headers.to_vec();
        if body.is_some() {
            all.push(("content-type", "application/json"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        self.send(method, path, &all, body.into()).await
    }

    /// Sends any bytes.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> Result<Reply> {
        let mut request =
            Request::builder().method(method).uri(format!("/v1{path}")).header(header::HOST, "steppe.example");
        if let Some((name, value)) = &self.proof {
            request = request.header(name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body))?).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        let json = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Reply { status: parts.status, headers: parts.headers, body, json })
    }

    /// Reads something.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn get(&self, path: &str) -> Result<Value> {
        Ok(self.call("GET", path, None).await?.expect(StatusCode::OK)?.json)
    }

    /// Asks for something with a POST.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub async fn post(&self, path: &str, body: Value) -> Result<Reply> {
        self.call("POST", path, Some(&body)).await
    }

    /// What an order of a small server looks like, for whatever is offered first.
    ///
    /// # Errors
    /// When nothing is offered.
    pub async fn wish(&self, organization: OrganizationId, label: &str) -> Result<Value> {
        let offers = self.get(&format!("/organizations/{organization}/offers")).await?;
        let offer = &offers["data"][0];
        Ok(serde_json::json!({
            "offer": offer["id"], "price": offer["price"], "label": label, "zone": offers["zones"][0],
            "owner_handle": "owner", "owner_email": "owner@mail.example", "accepted_terms": offers["terms"],
        }))
    }

    /// Orders a small server and waits until it is ready; its id.
    ///
    /// # Errors
    /// When it is not.
    pub async fn server(&self, control: &Control, organization: OrganizationId, label: &str) -> Result<String> {
        let wish = self.wish(organization, label).await?;
        let order =
            self.post(&format!("/organizations/{organization}/orders"), wish).await?.expect(StatusCode::CREATED)?;
        control.settle().await?;
        let order = self.get(&format!("/orders/{}", order.text("id"))).await?;
        Ok(order["instance"].as_str().context("there is no server")?.to_owned())
    }
}

impl Reply {
    /// The same answer, if its status is the one that was expected.
    ///
    /// # Errors
    /// With the body, when it is not.
    pub fn expect(self, status: StatusCode) -> Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        bail!("{} instead of {status}: {}", self.status, String::from_utf8_lossy(&self.body));
    }

    /// A field of the body that is text, or nothing.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_default()
    }

    /// A header, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The code of a problem and what is wrong with which fields: `invalid label:label-length`.
    #[must_use]
    pub fn problem(&self) -> String {
        let mut told = self.text("code").to_owned();
        for error in self.json["errors"].as_array().into_iter().flatten() {
            let of = |name: &str| error[name].as_str().unwrap_or_default();
            told += &format!(" {}:{}", of("field"), of("code"));
        }
        told
    }
}
