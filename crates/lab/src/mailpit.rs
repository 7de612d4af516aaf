//! A mail server that keeps what it gets and sends nothing on: mailpit, asked by its API. It refuses mails when told to,
//! so that retries can be seen.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use lab::{cache::Cache, mailpit::Mailpit};
//! let mailpit = Mailpit::shared(&Cache::open(None)?).await?; // one per test program, so let each test have addresses of its own
//! let _send_to = mailpit.smtp();
//! let mail = mailpit.arrives("ada@example.test", "Confirm").await?; // waits for the newest one
//! println!("{}", mail.text);
//! # Ok(()) }
//! ```
//!
//! The Go module comes without the built pages of mailpit's own site, so there is nothing to look at below `/`. People
//! read mails by `steppe-lab mails`, and see one as a mail program shows it at [`Mailpit::page`].

mod ground;
mod private;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use url::Url;

pub use ground::{of, on};

use crate::cache::Cache;
use crate::tools;
use crate::wait;
use private::Private;

/// How long a mail may take to arrive. A deadline, not a measure.
const ARRIVAL: Duration = Duration::from_secs(60);

/// A mail server that answers.
#[derive(Debug)]
pub struct Mailpit {
    smtp: SocketAddr,
    api: Url,
    http: reqwest::Client,
    /// Nothing when it is a ground's.
    private: Option<Private>,
}

/// A mail as it arrived.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mail {
    /// mailpit's name for it.
    #[serde(rename = "ID")]
    pub id: String,
    /// The header `Message-ID`, without its brackets.
    #[serde(rename = "MessageID")]
    pub message_id: String,
    /// Who it says it is from.
    pub from: Address,
    /// To whom.
    pub to: Vec<Address>,
    /// Its subject.
    pub subject: String,
    /// The header `Date`.
    pub date: String,
    /// The part for reading as text.
    pub text: String,
    /// The part for reading as a page.
    #[serde(rename = "HTML")]
    pub html: String,
}

/// An address in a mail's head.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Address {
    /// The name beside it, or nothing.
    pub name: String,
    /// The address itself.
    pub address: String,
}

impl Mail {
    fn is_for(&self, address: &str) -> bool {
        self.to.iter().any(|to| to.address.eq_ignore_ascii_case(address))
    }
}

/// What is refused, of all mails or some.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Refusal {
    /// The answer: 4xx says "later", 5xx "never".
    #[serde(rename = "ErrorCode")]
    pub code: u16,
    /// Of a hundred, how many.
    #[serde(rename = "Probability")]
    pub percent: u8,
}

impl Mailpit {
    /// Starts a mail server of one's own on free ports of the loopback. It ends, with all mails, when it is dropped and
    /// when this process ends. It is built first if the cache does not have it.
    pub async fn start(cache: &Cache) -> Result<Self> {
        let tools = tools::mail(cache, &mut tools::Quiet).await?;
        private::start(&tools.program("mailpit")).await
    }

    /// The one mail server of this process, started by the first who asks.
    pub async fn shared(cache: &Cache) -> Result<&'static Self> {
        static SHARED: OnceCell<Mailpit> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(cache)).await
    }

    /// A mail server at these addresses, whether it runs yet or not.
    fn at(smtp: SocketAddr, api: SocketAddr, private: Option<Private>) -> Result<Self> {
        // A test has no main to do this; a program's main was earlier, and then this changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let api = Url::parse(&format!("http://{api}/"))?;
        // Each test has a runtime of its own, and a connection that is kept belongs to one.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).timeout(Duration::from_secs(10)).build()?;
        Ok(Self { smtp, api, http, private })
    }

    /// Where mails are sent to, without TLS and log-in.
    pub fn smtp(&self) -> SocketAddr {
        self.smtp
    }

    /// The process id of a mail server of our own.
    pub fn process(&self) -> Option<u32> {
        self.private.as_ref().map(Private::id)
    }

    /// The list of all mails, as its API gives it.
    pub fn inbox(&self) -> String {
        format!("{}api/v1/messages", self.api)
    }

    /// Where a mail is seen as a mail program shows it.
    pub fn page(&self, id: &str) -> String {
        format!("{}view/{id}.html", self.api)
    }

    /// The mails for `address` whose subject holds `subject`, the newest first.
    pub async fn mails(&self, address: &str, subject: &str) -> Result<Vec<Mail>> {
        let mut mails = self.search(&format!("to:\"{address}\"")).await?;
        // mailpit finds parts of addresses too.
        mails.retain(|mail| mail.is_for(address) && mail.subject.contains(subject));
        Ok(mails)
    }

    /// The mails that mailpit finds by a query of its own language, the newest first; all for an empty one.
    pub async fn search(&self, query: &str) -> Result<Vec<Mail>> {
        let list = if query.is_empty() { "api/v1/messages" } else { "api/v1/search" };
        let mut url = self.api.join(list)?;
        url.query_pairs_mut().append_pair("query", query).append_pair("limit", "1000");
        let found: Value = self.http.get(url).send().await?.error_for_status()?.json().await?;
        let mut mails = Vec::new();
        for summary in found["messages"].as_array().context("mailpit's list has no messages")? {
            mails.push(self.mail(summary["ID"].as_str().context("a mail without an id")?).await?);
        }
        Ok(mails)
    }

    /// One mail.
    pub async fn mail(&self, id: &str) -> Result<Mail> {
        let answer = self.http.get(self.api.join(&format!("api/v1/message/{id}"))?).send().await?;
        Ok(answer.error_for_status().with_context(|| format!("mail {id}"))?.json().await?)
    }

    /// One mail as it came over the wire.
    pub async fn raw(&self, id: &str) -> Result<String> {
        let answer = self.http.get(self.api.join(&format!("api/v1/message/{id}/raw"))?).send().await?;
        Ok(answer.error_for_status().with_context(|| format!("mail {id}"))?.text().await?)
    }

    /// Waits for a mail to `address` whose subject holds `subject`, and returns the newest.
    pub async fn arrives(&self, address: &str, subject: &str) -> Result<Mail> {
        wait::until(&format!("a mail to {address} with subject «{subject}»"), ARRIVAL, async || {
            let mut mails = self.mails(address, subject).await?;
            Ok((!mails.is_empty()).then(|| mails.swap_remove(0)))
        })
        .await
    }

    /// Throws away all mails for `address`.
    pub async fn forget(&self, address: &str) -> Result<()> {
        let ids: Vec<String> = self.mails(address, "").await?.into_iter().map(|mail| mail.id).collect();
        // It takes an empty list for all mails.
        if !ids.is_empty() {
            let list = json!({ "IDs": ids });
            self.http.delete(self.api.join("api/v1/messages")?).json(&list).send().await?.error_for_status()?;
        }
        Ok(())
    }

    /// Refuses mails when their recipients are told, until told otherwise; `None` takes all. It is for all who send to
    /// this server: a test that uses it starts one of its own.
    pub async fn refuse(&self, refusal: Option<Refusal>) -> Result<()> {
        let wish = refusal.map_or_else(|| json!({}), |refusal| json!({ "Recipient": refusal }));
        self.http.put(self.api.join("api/v1/chaos")?).json(&wish).send().await?.error_for_status()?;
        Ok(())
    }

    /// Waits until it answers.
    async fn answers(&self, mut must_run: impl FnMut() -> Result<()>) -> Result<()> {
        let ready = self.api.join("readyz")?;
        wait::until("mailpit to answer", Duration::from_secs(30), async || {
            must_run()?;
            self.http.get(ready.clone()).send().await?.error_for_status()?;
            tokio::net::TcpStream::connect(self.smtp).await?;
            Ok(Some(()))
        })
        .await
    }
}

/// How mailpit is told to run.
fn args(smtp: SocketAddr, api: SocketAddr, database: &str) -> Vec<String> {
    let smtp = format!("--smtp={smtp}");
    let listen = format!("--listen={api}");
    let database = format!("--database={database}");
    // It would ask the resolver for each client's name, and GitHub for a newer version.
    let quiet = ["--smtp-disable-rdns", "--disable-version-check", "--quiet"];
    let words = ["--max=0", "--enable-chaos", "--tags-disable=plus-addresses,x-tags"];
    let own = [smtp, listen, database];
    own.into_iter().chain(quiet.iter().chain(&words).map(|word| (*word).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_nobody_outside() {
        let address = "127.0.0.1:1025".parse().unwrap();
        let args = args(address, address, "/f/mails.db");
        for word in ["--smtp-disable-rdns", "--disable-version-check", "--enable-chaos", "--database=/f/mails.db"] {
            assert!(args.iter().any(|argument| argument == word), "{word} is not in {args:?}");
        }
    }
}
