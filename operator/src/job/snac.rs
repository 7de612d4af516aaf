//! snac's files and command line, as far as birth, accounts and settings need them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use age::secrecy::{ExposeSecret as _, SecretString};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crd::instance::Settings;
use names::{Handle, Hostname};
use serde_json::{Map, Value};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::outcome::Failure;
use super::{durable, password};
use crate::clock::Random;

/// Where snac listens inside its pod.
pub const PORT: u16 = 8001;

/// One snac folder and the program that knows it.
#[derive(Debug, Clone)]
pub struct Snac {
    program: PathBuf,
    home: PathBuf,
}

impl Snac {
    /// The snac at `program` (a path, or a name looked up in PATH) with its folder `home`.
    #[must_use]
    pub fn new(program: &Path, home: PathBuf) -> Self {
        Self { program: program.to_owned(), home }
    }

    /// Makes the folder, which must not exist.
    ///
    /// # Errors
    /// When snac cannot be run or fails.
    pub fn init(&self, hostname: &Hostname) -> Result<(), Failure> {
        // Its five questions: address, port, host, prefix, mail address of the administrator.
        let answers = format!("0.0.0.0\n{PORT}\n{hostname}\n\n\n");
        self.run("init", &[], &answers)
    }

    /// Adds an account. The password that snac makes for it is thrown away unread.
    ///
    /// # Errors
    /// When snac cannot be run or fails.
    pub fn add_user(&self, handle: &Handle) -> Result<(), Failure> {
        self.run("adduser", &[handle.as_str()], "")?;
        self.mend_key(handle)
    }

    /// Writes an account's keys anew without what does not belong to them. snac 2.75 writes them without a terminating
    /// zero, so that a few bytes of its memory follow: the file is then no JSON, and neither is what other servers are told.
    /// The keys stay what they are.
    ///
    /// # Errors
    /// When there are no keys or they cannot be written.
    pub fn mend_key(&self, handle: &Handle) -> Result<(), Failure> {
        let keys = self.keys(handle)?;
        let clean = Map::from_iter([
            ("public".to_owned(), keys.public.into()),
            ("secret".to_owned(), keys.secret.expose_secret().into()),
        ]);
        let path = self.user(handle).join("key.json");
        if object(&path).is_ok_and(|found| found == clean) {
            return Ok(());
        }
        write_object(&path, &clean)
    }

    /// Removes an account: unfollows whom it follows, then removes its files.
    ///
    /// # Errors
    /// When snac cannot be run or fails.
    pub fn remove_user(&self, handle: &Handle) -> Result<(), Failure> {
        self.run("deluser", &[handle.as_str()], "")
    }

    /// Whether there is anything of this account, even half of it.
    #[must_use]
    pub fn has_user_folder(&self, handle: &Handle) -> bool {
        self.user(handle).exists()
    }

    /// Whether the account is whole: it has a profile and a key pair.
    #[must_use]
    pub fn has_user(&self, handle: &Handle) -> bool {
        self.public_key(handle).is_ok() && object(&self.user(handle).join("user.json")).is_ok()
    }

    /// Removes what is left of an account that was added or removed by half.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove_rest(&self, handle: &Handle) -> Result<(), Failure> {
        durable::remove_tree(&self.user(handle))
            .map_err(|e| Failure::again(format!("removing the rest of account {handle}"), e))
    }

    /// SHA-256 over the account's public key (DER `SubjectPublicKeyInfo`), hex: what other servers know it by.
    ///
    /// # Errors
    /// When the key is missing or damaged: an identity failure.
    pub fn fingerprint(&self, handle: &Handle) -> Result<String, Failure> {
        Ok(hex::encode(Sha256::digest(self.public_key(handle)?)))
    }

    /// The account's private key, PEM.
    ///
    /// # Errors
    /// When the key is missing or damaged: an identity failure.
    pub fn private_key(&self, handle: &Handle) -> Result<SecretString, Failure> {
        Ok(self.keys(handle)?.secret)
    }

    /// Gives an account a new password, beside the running daemon too: it reads the file at each log-in.
    ///
    /// # Errors
    /// When the account is missing or its file cannot be written.
    pub fn new_password(&self, handle: &Handle, random: &dyn Random) -> Result<SecretString, Failure> {
        let no_random = |e| Failure::again("asking the system for randomness", e);
        let password = password::generate(random).map_err(no_random)?;
        let mut nonce = [0_u8; 4];
        random.fill(&mut nonce).map_err(no_random)?;
        let path = self.user(handle).join("user.json");
        let mut user = object(&path)?;
        user.insert("passwd".to_owned(), hash(&hex::encode(nonce), handle, &password).into());
        write_object(&path, &user)?;
        Ok(password)
    }

    /// The server's public name as its own configuration has it.
    ///
    /// # Errors
    /// When the configuration is missing or damaged.
    pub fn hostname(&self) -> Result<String, Failure> {
        let server = object(&self.server_file())?;
        Ok(text(&server, "host").unwrap_or_default().to_owned())
    }

    /// Brings the configuration in line with the owner's settings; says whether anything changed.
    ///
    /// # Errors
    /// When the configuration is missing, damaged or cannot be written.
    pub fn apply_settings(&self, settings: &Settings, owner: &Handle) -> Result<bool, Failure> {
        let old = object(&self.server_file())?;
        let new = with_settings(&old, settings, owner);
        if new == old {
            return Ok(false);
        }
        write_object(&self.server_file(), &new)?;
        Ok(true)
    }

    fn server_file(&self) -> PathBuf {
        self.home.join("server.json")
    }

    fn user(&self, handle: &Handle) -> PathBuf {
        self.home.join("user").join(handle.as_str())
    }

    fn public_key(&self, handle: &Handle) -> Result<Vec<u8>, Failure> {
        der(&self.keys(handle)?.public)
            .ok_or_else(|| Failure::identity(format!("the public key of account {handle} is damaged")))
    }

    fn keys(&self, handle: &Handle) -> Result<Keys, Failure> {
        let path = self.user(handle).join("key.json");
        let content = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Failure::identity(format!("{} is missing", path.display())));
            }
            other => other.map_err(|e| Failure::again(format!("reading {}", path.display()), e))?,
        };
        keys(&String::from_utf8_lossy(&content))
            .ok_or_else(|| Failure::identity(format!("{} does not hold a pair of keys in PEM", path.display())))
    }

    fn run(&self, verb: &str, arguments: &[&str], answers: &str) -> Result<(), Failure> {
        let what = || format!("snac {verb} {}", self.home.display());
        let mut child = Command::new(&self.program)
            .arg(verb)
            .arg(&self.home)
            .args(arguments)
            .env_remove("DEBUG")
            .stdin(Stdio::piped())
            // `adduser` prints the password it made.
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| Failure::again(format!("starting {}", self.program.display()), e))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends without reading its answers breaks the pipe; its exit code says more than that.
            let _ = std::io::Write::write_all(&mut stdin, answers.as_bytes());
        }
        let output = child.wait_with_output().map_err(|e| Failure::again(what(), e))?;
        if output.status.success() {
            return Ok(());
        }
        let said: String = String::from_utf8_lossy(&output.stderr).chars().take(500).collect();
        Err(Failure::again(what(), format!("{}: {}", output.status, said.trim())))
    }
}

/// snac's password hash, `NONCE:` and the hex SHA-1 of `NONCE:UID:PASSWORD`. SHA-1 because snac demands it (`hashpwd` of
/// snac 2.75) and knows nothing better; the length of the passwords we make is what protects them.
fn hash(nonce: &str, handle: &Handle, password: &SecretString) -> String {
    let mut sha = Sha1::new();
    sha.update(format!("{nonce}:{handle}:").as_bytes());
    sha.update(password.expose_secret().as_bytes());
    format!("{nonce}:{}", hex::encode(sha.finalize()))
}

fn with_settings(old: &Map<String, Value>, settings: &Settings, owner: &Handle) -> Map<String, Value> {
    let mut new = old.clone();
    let mut set = |key: &str, value: Value| new.insert(key.to_owned(), value);
    set("address", "0.0.0.0".into());
    set("port", PORT.into());
    // There is no sendmail in the image; snac would log an error for each notice.
    set("disable_email_notifications", true.into());
    set("admin_account", owner.as_str().into());
    if let Some(title) = &settings.title {
        set("title", title.as_str().into());
    }
    if let Some(description) = &settings.description {
        // Plain text: shown escaped.
        set("short_description", description.as_str().into());
        set("short_description_raw", false.into());
    }
    if let Some(contact) = &settings.contact_email {
        set("admin_email", contact.as_str().into());
    }
    new
}

fn object(path: &Path) -> Result<Map<String, Value>, Failure> {
    let content = durable::read(path)
        .map_err(|e| Failure::again(format!("reading {}", path.display()), e))?
        .ok_or_else(|| Failure::identity(format!("{} is missing", path.display())))?;
    serde_json::from_str(&content).map_err(|e| {
        Failure::identity(format!("{} is damaged (line {}, column {})", path.display(), e.line(), e.column()))
    })
}

fn write_object(path: &Path, object: &Map<String, Value>) -> Result<(), Failure> {
    let failed = |e: &dyn std::fmt::Display| Failure::again(format!("writing {}", path.display()), e);
    let content = serde_json::to_vec_pretty(object).map_err(|e| failed(&e))?;
    durable::write(path, &content, 0o660).map_err(|e| failed(&e))
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The DER inside a PEM public key.
fn der(pem: &str) -> Option<Vec<u8>> {
    let (_, body) = pem.split_once("-----BEGIN PUBLIC KEY-----")?;
    let base64: String = body.split_once("-----END PUBLIC KEY-----")?.0.split_whitespace().collect();
    STANDARD.decode(base64).ok().filter(|der| !der.is_empty())
}

/// An account's keys, PEM.
struct Keys {
    public: String,
    secret: SecretString,
}

/// Reads them from between their marks, whatever else stands in the file.
fn keys(file: &str) -> Option<Keys> {
    Some(Keys { public: pem(file, "PUBLIC KEY")?, secret: pem(file, "PRIVATE KEY")?.into() })
}

/// A PEM out of a JSON text, where its newlines are escaped.
fn pem(json: &str, label: &str) -> Option<String> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let (_, rest) = json.split_once(&begin)?;
    let (body, _) = rest.split_once(&end)?;
    let body = body.replace("\\n", "\n").replace("\\/", "/");
    let lines: Vec<&str> = body.split_whitespace().collect();
    let base64 = |line: &&str| line.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
    if lines.is_empty() || !lines.iter().all(base64) {
        return None;
    }
    Some(format!("{begin}\n{}\n{end}\n", lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn handle() -> Handle {
        "alice".parse().unwrap()
    }

    /// Nonce, account and password of a hash that snac 2.75 itself made (`snac adduser`).
    #[test]
    fn the_hash_is_snacs() {
        let password = SecretString::from("eQyuAEPUb03lgMEV".to_owned());
        assert_eq!(hash("dcc9f171", &handle(), &password), "dcc9f171:7703dff4db27d6b345a9c758da439fe65d550ba8");
    }

    #[test]
    fn settings_touch_only_what_they_mean() {
        let Value::Object(old) = json!({
            "host": "birds.example", "prefix": "", "address": "127.0.0.1", "port": 8001, "layout": 2.7,
            "title": "Birds", "short_description": "", "admin_email": "", "protocol": "https"
        }) else {
            unreachable!()
        };
        let settings = Settings { description: Some("<b>of</b> prey".into()), ..Settings::default() };
        let new = with_settings(&old, &settings, &handle());
        assert_eq!(with_settings(&new, &settings, &handle()), new);
        insta::assert_snapshot!(serde_json::to_string(&new).unwrap(), @r#"{"address":"0.0.0.0","admin_account":"alice","admin_email":"","disable_email_notifications":true,"host":"birds.example","layout":2.7,"port":8001,"prefix":"","protocol":"https","short_description":"<b>of</b> prey","short_description_raw":false,"title":"Birds"}"#);
    }

    #[test]
    fn a_damaged_file_is_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        std::fs::write(&path, r#"{"passwd": "CANARY"#).unwrap();
        let failure = object(&path).unwrap_err();
        assert!(!failure.message.contains("CANARY"), "{failure}");
        assert_eq!(failure.code, super::super::outcome::IDENTITY);
    }

    #[test]
    fn der_of_a_public_key() {
        assert_eq!(der("-----BEGIN PUBLIC KEY-----\nAQID\n-----END PUBLIC KEY-----\n"), Some(vec![1, 2, 3]));
        assert_eq!(der("-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n"), None);
        assert_eq!(der(""), None);
    }

    /// As snac 2.75 wrote it: bytes of its memory behind the public key, so that the file is neither UTF-8 nor JSON.
    #[test]
    fn stray_bytes_after_the_key_are_not_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let snac = Snac::new("snac".as_ref(), folder.path().to_owned());
        let user = folder.path().join("user/alice");
        std::fs::create_dir_all(&user).unwrap();
        let mut file =
            br#"{"secret": "-----BEGIN PRIVATE KEY-----\nBAUG\n-----END PRIVATE KEY-----\n\u0084UU", "#.to_vec();
        file.extend_from_slice(br#""public": "-----BEGIN PUBLIC KEY-----\nAQ\nID\n-----END PUBLIC KEY-----\n"#);
        file.extend_from_slice(b"\x84\x01UU\"}");
        std::fs::write(user.join("key.json"), &file).unwrap();
        assert!(serde_json::from_slice::<Value>(&file).is_err());

        let before = snac.fingerprint(&handle()).unwrap();
        snac.mend_key(&handle()).unwrap();
        assert_eq!(snac.fingerprint(&handle()).unwrap(), before);
        let mended: Value = serde_json::from_slice(&std::fs::read(user.join("key.json")).unwrap()).unwrap();
        assert_eq!(mended["public"], "-----BEGIN PUBLIC KEY-----\nAQ\nID\n-----END PUBLIC KEY-----\n");
        assert_eq!(mended["secret"], "-----BEGIN PRIVATE KEY-----\nBAUG\n-----END PRIVATE KEY-----\n");
    }

    #[test]
    fn a_key_with_a_hole_is_none() {
        assert!(pem("-----BEGIN PUBLIC KEY-----\\nAQ\u{fffd}ID\\n-----END PUBLIC KEY-----", "PUBLIC KEY").is_none());
        assert!(pem("-----BEGIN PUBLIC KEY-----\\nAQID", "PUBLIC KEY").is_none());
    }
}
