//! Who can log in: one of the staff and one customer, made once for each ground and remembered there.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{ControlPlane, Customer, FOLDER, files};
use crate::node::Ground;

/// Who the staff member is.
const STAFF: (&str, &str) = ("sam@hosting.test", "Sam");
/// Who the customer is.
const CUSTOMER: (&str, &str) = ("kim@mail.test", "Kim");

/// A customer's log-in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Their mail address.
    pub email: String,
    /// Their password.
    pub password: String,
}

/// A staff member's log-in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Staff {
    /// Their mail address.
    pub email: String,
    /// Their password.
    pub password: String,
    /// Their second factor, `otpauth://…`.
    pub factor: String,
}

impl Staff {
    /// The code that an authenticator app shows at `second` since 1970.
    ///
    /// # Errors
    /// When the factor cannot be read.
    pub fn code(&self, second: u64) -> Result<String> {
        let app = totp_rs::Totp::from_url(&self.factor).map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(app.generate(second).to_string())
    }
}

/// The code of the staff member of a ground, now.
///
/// # Errors
/// When there is none: no control plane was up on that ground.
#[allow(clippy::disallowed_methods)] // The code is the clock's.
pub fn code(ground: &Ground) -> Result<String> {
    let staff: Option<Staff> = kept(&ground.state_dir.join(FOLDER).join("staff.json"))?;
    let staff = staff.with_context(|| format!("the ground {} has no control plane", ground.name))?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    staff.code(now.as_secs())
}

impl ControlPlane {
    /// The ground's staff member, made by the command line the first time.
    ///
    /// # Errors
    /// When the command refuses.
    pub async fn staff(&self) -> Result<Staff> {
        let path = self.folder.join("staff.json");
        if let Some(staff) = kept(&path)? {
            return Ok(staff);
        }
        let (email, name) = STAFF;
        let password = password()?;
        let said = self.run(&["admin", "staff", "create", email, "--name", name], &password).await?;
        let factor =
            said.lines().find(|line| line.starts_with("otpauth://")).context("no second factor was printed")?;
        let staff = Staff { email: email.to_owned(), password, factor: factor.to_owned() };
        keep(&path, &staff)?;
        Ok(staff)
    }

    /// The ground's customer, who signed up and confirmed their address the first time.
    ///
    /// # Errors
    /// When one of the pages refuses.
    pub async fn kim(&self) -> Result<Account> {
        let path = self.folder.join("customer.json");
        if let Some(account) = kept(&path)? {
            return Ok(account);
        }
        let account = Account { email: CUSTOMER.0.to_owned(), password: password()? };
        self.sign_up(&account, CUSTOMER.1).await?;
        keep(&path, &account)?;
        Ok(account)
    }

    /// What to tell somebody who wants to look at the dashboard, with a log-in for each side of it.
    ///
    /// # Errors
    /// When a log-in cannot be made.
    pub async fn how_to_look(&self) -> Result<String> {
        let (staff, kim, mails) = (self.staff().await?, self.kim().await?, self.mailpit.inbox());
        let (url, staff_url, name) = (&self.url, &self.staff_url, &self.ground.name);
        Ok(format!(
            "The dashboard:\n\
             \x20 {url}\n\
             \x20   customer {}  password {}\n\
             \x20 {staff_url}\n\
             \x20   staff {}  password {}  code: steppe-lab code --name {name}\n\
             \x20   second factor {}\n\
             The mails that it sends:\n\
             \x20 steppe-lab mails --name {name}, or {mails}\n",
            kim.email, kim.password, staff.email, staff.password, staff.factor
        ))
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
        crate::wait::until(&format!("a mail to {to} with a link to {beginning}"), super::customer::LONG, async || {
            let mails = self.mailpit.mails(to, "").await?;
            let text = mails.iter().map(|mail| mail.text.as_str()).find(|text| text.contains(&start));
            let link = text.and_then(|text| text.split_whitespace().find(|word| word.starts_with(&start)));
            Ok(link.map(|link| link[self.url.len()..].to_owned()))
        })
        .await
    }
}

/// A password that nobody has used before.
///
/// # Errors
/// When the system has no randomness.
pub fn password() -> Result<String> {
    let mut random = [0; 12];
    let source = std::fs::File::open("/dev/urandom");
    source.and_then(|mut source| std::io::Read::read_exact(&mut source, &mut random)).context("/dev/urandom")?;
    Ok(hex::encode(random))
}

fn kept<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).map(Some).with_context(|| format!("{} does not hold what it should", path.display()))
}

fn keep<T: Serialize>(path: &Path, what: &T) -> Result<()> {
    files::secret(path, &serde_json::to_string(what)?)
}
