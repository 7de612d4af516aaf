//! What customers see of a control plane, wherever it runs: its address, and the mails that it sends.

use anyhow::{Result, ensure};

use super::customer::LONG;
use super::{Account, Customer, HOST, door};
use crate::mailpit::Mailpit;
use crate::node::Ground;
use crate::wait;

/// The way in for customers.
#[derive(Debug)]
pub struct Dashboard {
    /// Its address.
    pub url: String,
    /// Where its mails arrive.
    pub mailpit: Mailpit,
    pub(super) http: reqwest::Client,
}

impl Dashboard {
    /// The dashboard at [`HOST`] and this port of a ground.
    ///
    /// # Errors
    /// When the ground has no authority.
    pub fn at(ground: &Ground, port: u16, mailpit: Mailpit) -> Result<Self> {
        let port = if port == 443 { String::new() } else { format!(":{port}") };
        Ok(Self { url: format!("https://{HOST}{port}"), mailpit, http: door::client(ground)? })
    }

    /// A browser of somebody whom the dashboard does not know yet.
    #[must_use]
    pub fn customer(&self) -> Customer {
        Customer::new(self.http.clone(), &self.url)
    }

    /// Signs somebody up, follows the link in their mail, and logs them in.
    ///
    /// # Errors
    /// When one of the pages refuses, or no mail comes.
    pub async fn sign_up(&self, account: &Account, name: &str) -> Result<Customer> {
        let mut customer = self.customer();
        let form = customer.get("/sign-up").await?;
        let (terms, processing) = (form.value("terms")?, form.value("processing")?);
        let fields = [
            ("email", account.email.as_str()),
            ("name", name),
            ("password", &account.password),
            ("agree", "yes"),
            ("terms", &terms),
            ("processing", &processing),
        ];
        let answer = customer.post("/sign-up", &fields).await?;
        ensure!(answer.status == 200, "the form of sign-up: {}", answer.text());
        let link = self.link(&account.email, "/confirm/").await?;
        customer.get(&link).await?.expect(200)?;
        customer.post(&link, &[]).await?.expect(303)?;
        customer.log_in(&account.email, &account.password).await?;
        Ok(customer)
    }

    /// The path of the newest link that begins so in a mail to somebody.
    ///
    /// # Errors
    /// When no mail comes, or it has no such link.
    pub async fn link(&self, to: &str, beginning: &str) -> Result<String> {
        let start = format!("{}{beginning}", self.url);
        wait::until(&format!("a mail to {to} with a link to {beginning}"), LONG, async || {
            let mails = self.mailpit.mails(to, "").await?;
            let text = mails.iter().map(|mail| mail.text.as_str()).find(|text| text.contains(&start));
            let link = text.and_then(|text| text.split_whitespace().find(|word| word.starts_with(&start)));
            Ok(link.map(|link| link[self.url.len()..].to_owned()))
        })
        .await
    }
}
