//! A customer at the dashboard, by its pages and forms: a browser without script that follows nothing by itself.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Method, RequestBuilder};

use crate::wait;

/// How long the slowest step may take: an export on a loaded machine. A deadline, not a measure.
pub const LONG: Duration = Duration::from_secs(300);

/// Somebody in front of a browser.
pub struct Customer {
    http: reqwest::Client,
    base: String,
    cookie: Option<String>,
    password: String,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The path that it leads to.
    pub location: String,
    /// The page.
    pub body: String,
}

impl Customer {
    pub(super) fn new(http: reqwest::Client, base: &str) -> Self {
        Self { http, base: base.to_owned(), cookie: None, password: String::new() }
    }

    /// The session's cookie, `name=value`.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Opens a page.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        let request = self.http.request(Method::GET, format!("{}{path}", self.base));
        self.send(request).await.with_context(|| format!("GET {path}"))
    }

    /// Sends a form. When the password is asked for again, it is given, and the form is sent once more.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let answer = self.submit(path, fields).await?;
        if !answer.location.starts_with("/password-again") {
            return Ok(answer);
        }
        let password = self.password.clone();
        self.submit("/password-again", &[("password", &password), ("next", "/")]).await?.expect(303)?;
        self.submit(path, fields).await
    }

    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.request(Method::POST, format!("{}{path}", self.base));
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        self.send(request).await.with_context(|| format!("POST {path}"))
    }

    async fn send(&mut self, mut request: RequestBuilder) -> Result<Answer> {
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let answer = request.send().await?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let (pair, attributes) = cookie.to_str()?.split_once(';').context("a cookie without attributes")?;
            let session = pair.starts_with("__Host-") && !attributes.contains("Max-Age=0");
            self.cookie = session.then(|| pair.to_owned());
        }
        let location = answer.headers().get(LOCATION).map(|value| value.to_str().map(str::to_owned)).transpose()?;
        Ok(Answer {
            status: answer.status().as_u16(),
            location: location.unwrap_or_default(),
            body: answer.text().await?,
        })
    }

    /// Logs in; the password is remembered for when it is asked for again.
    ///
    /// # Errors
    /// When it is not taken.
    pub async fn log_in(&mut self, email: &str, password: &str) -> Result<()> {
        let answer = self.submit("/log-in", &[("email", email), ("password", password), ("next", "/")]).await?;
        ensure!(answer.status == 303 && self.cookie.is_some(), "{email} cannot log in: {}", answer.text());
        password.clone_into(&mut self.password);
        Ok(())
    }

    /// Orders a small server called `label`; the path of the order.
    ///
    /// # Errors
    /// When the form is not taken.
    pub async fn order(&mut self, label: &str, handle: &str, email: &str) -> Result<String> {
        let form = self.get("/order").await?.expect(200)?;
        let small = form.body.split("class=\"offer\"").find(|card| card.contains("Small"));
        let offer = value_in(small.context("there is no small offer")?, "offer").context("the offer has no value")?;
        let (zone, organization) = (form.value("zone")?, form.value("organization")?);
        let (terms, processing) = (form.value("terms")?, form.value("processing")?);
        let fields = [
            ("offer", offer.as_str()),
            ("label", label),
            ("zone", &zone),
            ("owner_handle", handle),
            ("owner_email", email),
            ("organization", &organization),
            ("terms", &terms),
            ("processing", &processing),
            ("agree", "yes"),
        ];
        let answer = self.post("/order", &fields).await?;
        ensure!(
            answer.location.starts_with("/orders/"),
            "the order was not taken: {} {}",
            answer.status,
            answer.text()
        );
        Ok(answer.location)
    }

    /// Opens a page again and again until `so` finds something on it.
    ///
    /// # Errors
    /// When it does not within a few minutes; the error holds what the page says.
    pub async fn until<T>(&mut self, what: &str, path: &str, so: impl Fn(&Answer) -> Option<T>) -> Result<T> {
        wait::until(what, LONG, async || {
            let page = self.get(path).await?;
            match so(&page) {
                Some(found) => Ok(Some(found)),
                None => bail!("{path}: {}", page.text()),
            }
        })
        .await
    }

    /// Waits until an order is done; the path of its server.
    ///
    /// # Errors
    /// As [`Customer::until`].
    pub async fn ready(&mut self, order: &str) -> Result<String> {
        let done = |page: &Answer| page.link("/servers/").filter(|_| page.body.contains("Your server is ready"));
        self.until("the server to be ready", order, done).await
    }

    /// Waits until a server's page says that all is well.
    ///
    /// # Errors
    /// As [`Customer::until`].
    pub async fn running(&mut self, server: &str) -> Result<()> {
        let good = |page: &Answer| page.body.contains("class=\"mark good\" id=\"live-badge\"").then_some(());
        self.until("the server to run", server, good).await
    }

    /// The owner's password of a server, which is shown once.
    ///
    /// # Errors
    /// When it does not come, or was shown before.
    pub async fn owner_password(&mut self, server: &str) -> Result<String> {
        let path = format!("{server}/login");
        self.until("the owner's log-in", &path, |page| page.body.contains("Show it now").then_some(())).await?;
        let page = self.post(&path, &[]).await?.expect(200)?;
        page.between("<code class=\"password\">", "</code>").context("no password is shown")
    }

    /// Has a bundle made and waits until it is there; the path of its page.
    ///
    /// # Errors
    /// As [`Customer::until`].
    pub async fn export(&mut self, server: &str) -> Result<String> {
        let export = self.post(&format!("{server}/exports"), &[]).await?.expect(303)?.location;
        self.bundle(&export).await?;
        Ok(export)
    }

    /// Waits until a bundle that was asked for is there; `export` is its page.
    ///
    /// # Errors
    /// As [`Customer::until`].
    pub async fn bundle(&mut self, export: &str) -> Result<()> {
        self.until("the bundle", export, |page| page.body.contains("mark there").then_some(())).await
    }

    /// The script that fetches a bundle.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn script(&mut self, export: &str) -> Result<String> {
        Ok(self.post(&format!("{export}/script"), &[]).await?.expect(200)?.body)
    }

    /// The key that a bundle is opened with, as a key file.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn key(&mut self, export: &str) -> Result<String> {
        self.post(&format!("{export}/key"), &[]).await?.expect(303)?;
        let here = |page: &Answer| page.body.contains("/key/show").then_some(());
        self.until("the bundle's key", export, here).await?;
        let page = self.post(&format!("{export}/key/show"), &[]).await?.expect(200)?;
        page.between("<pre class=\"secret\"><code>", "</code>").context("no key is shown")
    }
}

impl Answer {
    /// Itself, when it has this status.
    ///
    /// # Errors
    /// With what the page says when it has another one.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "{} instead of {status}: {}", self.status, self.text());
        Ok(self)
    }

    /// The value of a form's field.
    ///
    /// # Errors
    /// When there is no such field.
    pub fn value(&self, name: &str) -> Result<String> {
        value_in(&self.body, name).with_context(|| format!("no field {name}: {}", self.text()))
    }

    /// The first address on the page that begins so.
    #[must_use]
    pub fn link(&self, beginning: &str) -> Option<String> {
        let end = self.body.split(&format!("href=\"{beginning}")).nth(1)?.split('"').next()?;
        Some(format!("{beginning}{end}"))
    }

    /// What stands between two texts.
    #[must_use]
    pub fn between(&self, before: &str, after: &str) -> Option<String> {
        self.body.split(before).nth(1)?.split(after).next().map(|text| text.trim().to_owned())
    }

    /// What a reader sees.
    #[must_use]
    pub fn text(&self) -> String {
        let after_tag = |part: &str| part.split_once('>').map_or(part, |(_, after)| after).to_owned();
        let text: Vec<String> = self.body.split('<').map(after_tag).collect();
        text.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn value_in(body: &str, name: &str) -> Option<String> {
    let field = body.split("<input ").find(|field| field.contains(&format!("name=\"{name}\"")))?;
    field.split("value=\"").nth(1)?.split('"').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read() {
        let body =
            r#"<h1>Order</h1><input type="hidden" name="zone" value="ponds.test"><a href="/servers/inst_1">Go</a>"#;
        let page = Answer { status: 200, location: String::new(), body: body.into() };
        assert_eq!(page.value("zone").unwrap(), "ponds.test");
        assert!(page.value("zones").is_err());
        assert_eq!(page.link("/servers/").as_deref(), Some("/servers/inst_1"));
        assert_eq!(page.text(), "Order Go");
    }
}
