//! A real Mastodon client library (Mastodon.py), driven as a person's app would drive it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::cache::Cache;
use crate::python;

const PROGRAM: &str = include_str!("../client/client.py");
const REQUIREMENTS: &str = include_str!("../client/requirements.txt");

/// The client library with its own Python environment, in the cache.
#[derive(Debug, Clone)]
pub struct Library {
    folder: PathBuf,
}

impl Library {
    /// Makes the environment, once per version of the library and of our script.
    ///
    /// # Errors
    /// When `python3` with its `venv` module is missing or the packages cannot be fetched.
    pub async fn prepare(cache: &Cache) -> Result<Self> {
        let folder = python::environment(cache, "client", REQUIREMENTS, &[("client.py", PROGRAM)]).await?;
        Ok(Self { folder })
    }

    /// An app that talks to the server at `base`.
    #[must_use]
    pub fn app(&self, base: &str) -> App {
        App { library: self.clone(), base: base.to_owned(), args: Vec::new() }
    }
}

/// One app on one server.
#[derive(Debug, Clone)]
pub struct App {
    library: Library,
    base: String,
    args: Vec<String>,
}

/// What a log-in gives.
#[derive(Debug, Clone, Deserialize)]
pub struct Login {
    /// The access token.
    pub token: String,
    /// The account it belongs to.
    pub account: String,
}

/// What the server says of the token's account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its handle.
    pub account: String,
    /// How many posts it has.
    pub posts: u64,
}

/// A post.
#[derive(Debug, Clone, Deserialize)]
pub struct Post {
    /// Its id on the server.
    pub id: String,
    /// Its address.
    pub url: String,
}

/// A picture that was uploaded and fetched back.
#[derive(Debug, Clone, Deserialize)]
pub struct Upload {
    /// Its address.
    pub url: String,
    /// Whether the same bytes came back.
    pub same: bool,
}

/// A home timeline.
#[derive(Debug, Clone, Deserialize)]
pub struct Timeline {
    /// The posts' texts (HTML), newest first.
    pub texts: Vec<String>,
}

/// How the token's account stands to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Relation {
    /// It follows the other one, who accepted.
    pub following: bool,
    /// The other one follows it.
    pub followed_by: bool,
}

#[derive(Deserialize)]
struct Found {
    id: String,
}

impl App {
    /// Trusts the authority in this PEM file.
    #[must_use]
    pub fn trusting(mut self, ca: &Path) -> Self {
        self.args.extend(["--ca".to_owned(), ca.display().to_string()]);
        self
    }

    /// Finds `name` at `address` (with or without `:port`) instead of asking a name server.
    #[must_use]
    pub fn resolving(mut self, name: &str, address: &str) -> Self {
        self.args.extend(["--resolve".to_owned(), format!("{name}={address}")]);
        self
    }

    /// Presents this name as Host, as a proxy in front of the server would.
    #[must_use]
    pub fn as_host(mut self, name: &str) -> Self {
        self.args.extend(["--host-header".to_owned(), name.to_owned()]);
        self
    }

    async fn call<T: DeserializeOwned>(&self, secret: &str, words: &[&str]) -> Result<T> {
        let mut child = Command::new(self.library.folder.join("venv/bin/python"))
            .arg(self.library.folder.join("client.py"))
            .args(["--base", &self.base])
            .args(&self.args)
            .args(words)
            .env_remove("KUBECONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(format!("{secret}\n").as_bytes()).await?;
        }
        let output = child.wait_with_output().await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("client {} at {}: {}", words.join(" "), self.base, said.lines().last().unwrap_or_default());
        }
        serde_json::from_slice(&output.stdout).with_context(|| {
            format!("client {}: not JSON: {}", words.join(" "), String::from_utf8_lossy(&output.stdout))
        })
    }

    /// Registers an app, passes the authorize form, and trades the code for a token.
    ///
    /// # Errors
    /// When the server refuses any step; a wrong password is named as such.
    pub async fn login(&self, handle: &str, password: &str) -> Result<Login> {
        self.call(password, &["login", "--handle", handle]).await
    }

    /// Asks whose token this is.
    ///
    /// # Errors
    /// When the server refuses the token.
    pub async fn verify(&self, token: &str) -> Result<Account> {
        self.call(token, &["verify"]).await
    }

    /// Posts a text.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn post(&self, token: &str, text: &str) -> Result<Post> {
        self.call(token, &["post", "--text", text]).await
    }

    /// The home timeline, as soon as a post in it contains `text`.
    ///
    /// # Errors
    /// When that does not happen within `seconds`.
    pub async fn home_with(&self, token: &str, text: &str, seconds: u32) -> Result<Timeline> {
        self.call(token, &["home", "--await", text, "--limit", &seconds.to_string()]).await
    }

    /// Uploads a picture, posts it and fetches it back.
    ///
    /// # Errors
    /// When the server refuses it or does not give it back.
    pub async fn upload(&self, token: &str, file: &Path) -> Result<Upload> {
        self.call(token, &["upload", "--file", &file.display().to_string()]).await
    }

    /// The server's id of the account `user@host`, which it looks up there.
    ///
    /// # Errors
    /// When the server cannot find the account.
    pub async fn find(&self, token: &str, account: &str) -> Result<String> {
        self.call::<Found>(token, &["find", "--account", account]).await.map(|found| found.id)
    }

    /// Follows the account with this id.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn follow(&self, token: &str, id: &str) -> Result<()> {
        self.call::<serde_json::Value>(token, &["follow", "--id", id]).await.map(drop)
    }

    /// How the token's account stands to the one with this id.
    ///
    /// # Errors
    /// When the server does not know it.
    pub async fn relation(&self, token: &str, id: &str) -> Result<Relation> {
        self.call(token, &["relation", "--id", id]).await
    }
}
