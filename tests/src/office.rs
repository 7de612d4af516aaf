//! Staff at work: their pages and their API before a whole control plane.

use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use control_plane::app::staff;
use control_plane::router;
use domain::{Email, Password};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use totp_rs::Totp;
use tower::ServiceExt as _;

use crate::control::{Browser, Control};
use crate::program::Served;

/// What everybody's password is here.
pub const PASSWORD: &str = "five owls in an oak";

/// A control plane with staff.
pub struct Office {
    /// Customers' side of it.
    pub control: Control,
    router: Router,
    clerks: AtomicI64,
}

/// One of staff, logged in.
pub struct Clerk {
    /// Their browser.
    pub browser: Browser,
    /// Where they log in.
    pub email: Email,
    router: Router,
}

/// What the API answered.
#[derive(Debug)]
pub struct Said {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; null when there is none.
    pub body: Value,
}

/// A program of staff's, with a token.
#[derive(Clone)]
pub struct Program {
    router: Router,
    /// What it proves itself with.
    pub token: Option<String>,
}

impl Office {
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
        let control = Control::with_room(name, room).await?;
        let router = router::staff(control.workshop.platform.clone());
        Ok(Self { control, router, clerks: AtomicI64::new(0) })
    }

    /// Makes what is ordered from now on wait for staff.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn look_at_orders(&self) -> Result<()> {
        sqlx::query("UPDATE offers SET approval = 'staff'").execute(&self.control.workshop.platform.pool).await?;
        Ok(())
    }

    /// Serves what staff see, for programs that are not ours.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn serve(&self) -> Result<Served> {
        Served::begin(self.router.clone()).await
    }

    /// A browser in which nobody is logged in.
    #[must_use]
    pub fn browser(&self) -> Browser {
        self.control.browser_of(self.router.clone())
    }

    /// A program without a token.
    #[must_use]
    pub fn stranger(&self) -> Program {
        Program { router: self.router.clone(), token: None }
    }

    /// One of staff, who has never logged in: where they read mail, and what their authenticator app is given.
    ///
    /// # Errors
    /// When there is somebody of that name.
    pub async fn hire(&self, name: &str) -> Result<(Email, SecretString)> {
        let email: Email = format!("{name}@steppe.example").parse()?;
        let password = Password::choose(PASSWORD.to_owned(), &email)?;
        let factor = staff::create(&self.control.workshop.platform, &email, name, password).await?;
        Ok((email, factor))
    }

    /// One of staff, logged in.
    ///
    /// # Errors
    /// When they are not let in.
    pub async fn clerk(&self, name: &str) -> Result<Clerk> {
        let (email, factor) = self.hire(name).await?;
        let code = code(factor.expose_secret(), self.control.workshop.platform.now())?;
        let mut browser = self.browser();
        let fields = [("email", email.as_str()), ("password", PASSWORD), ("code", &code), ("next", "/")];
        let answer = browser.post("/log-in", &fields).await?.expect(StatusCode::SEE_OTHER)?;
        ensure!(answer.location()? == "/", "{name} is sent elsewhere");
        self.clerks.fetch_add(1, Ordering::Relaxed);
        Ok(Clerk { browser, email, router: self.router.clone() })
    }

    /// What stands in the audit log of one kind of action: actors and subjects, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn audited(&self, action: &str) -> Result<Vec<(String, String)>> {
        let sql = "SELECT actor_name, coalesce(subject, '') FROM audit WHERE action = $1 ORDER BY seq";
        Ok(sqlx::query_as(sql).bind(action).fetch_all(&self.control.workshop.platform.pool).await?)
    }

    /// The subjects of the mails that somebody was sent, in order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn mailed(&self, to: &str) -> Result<Vec<String>> {
        let mails = self.control.workshop.mails().await?;
        Ok(mails.into_iter().filter(|mail| mail.to == to).map(|mail| mail.subject).collect())
    }
}

/// The code that an authenticator app shows at a time.
///
/// # Errors
/// When the address is none.
pub fn code(address: &str, at: jiff::Timestamp) -> Result<String> {
    let totp = Totp::from_url(address).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(totp.generate(u64::try_from(at.as_second())?).to_string())
}

/// How long a code is good for at most.
pub const CODE: SignedDuration = SignedDuration::from_secs(90);

impl Clerk {
    /// A program of theirs, with a token.
    ///
    /// # Errors
    /// When they get none.
    pub async fn program(&mut self) -> Result<Program> {
        let answer = self.browser.post("/v1/staff/token", &[]).await?.expect(StatusCode::OK)?;
        let body: Value = serde_json::from_slice(&answer.body)?;
        let token = body["token"].as_str().context("no token")?.to_owned();
        Ok(Program { router: self.router.clone(), token: Some(token) })
    }
}

impl Program {
    /// Calls the API; `path` follows `/v1/staff`.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Said> {
        let mut request = Request::builder().method(method).uri(format!("/v1/staff{path}"));
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(serde_json::to_vec(body)?))?
            }
            None => request.body(Body::empty())?,
        };
        let address: std::net::SocketAddr = ([192, 0, 2, 250], 40_000).into();
        request.extensions_mut().insert(ConnectInfo(address));
        request.headers_mut().insert(header::HOST, "staff.example".parse()?);
        let response = self.router.clone().oneshot(request).await?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await?.to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or(Value::Null) };
        Ok(Said { status: parts.status, headers: parts.headers, body })
    }

    /// Reads something that must be there.
    ///
    /// # Errors
    /// With the answer, when it is not.
    pub async fn get(&self, path: &str) -> Result<Said> {
        self.call(Method::GET, path, None, &[]).await?.expect(StatusCode::OK)
    }

    /// Sends something.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Said> {
        let body = Some(body).filter(|body| !body.is_null());
        self.call(Method::POST, path, body, &[]).await
    }
}

impl Said {
    /// The same answer, if its status is the one that was expected.
    ///
    /// # Errors
    /// With the answer, when it is not.
    pub fn expect(self, status: StatusCode) -> Result<Self> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, self.body);
        Ok(self)
    }

    /// The version of what was read, as it came.
    #[must_use]
    pub fn tag(&self) -> String {
        let tag = self.headers.get(header::ETAG).and_then(|value| value.to_str().ok());
        tag.unwrap_or_default().to_owned()
    }

    /// The stable word of what went wrong.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The fields that are wrong, with their words.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let all = self.body["errors"].as_array().cloned().unwrap_or_default();
        all.iter()
            .map(|one| {
                format!("{}:{}", one["field"].as_str().unwrap_or_default(), one["code"].as_str().unwrap_or_default())
            })
            .collect()
    }
}
