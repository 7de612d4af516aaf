//! Who can log in: one of the staff and one customer, made once for each ground and remembered there.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{ControlPlane, FOLDER, files};
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
        self.dashboard.sign_up(&account, CUSTOMER.1).await?;
        keep(&path, &account)?;
        Ok(account)
    }

    /// What to tell somebody who wants to look at the dashboard, with a log-in for each side of it.
    ///
    /// # Errors
    /// When a log-in cannot be made.
    pub async fn how_to_look(&self) -> Result<String> {
        let (staff, kim, mails) = (self.staff().await?, self.kim().await?, self.dashboard.mailpit.inbox());
        let (url, staff_url, name) = (&self.dashboard.url, &self.staff_url, &self.ground.name);
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
