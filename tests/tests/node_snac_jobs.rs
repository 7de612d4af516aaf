//! The programs that run inside a tenant's pods, on the files and against the answers of a real snac from Debian.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lab::images::root;
use lab::wait;
use operator::clock::fake::SeededRandom;
use operator::clock::{Clock as _, SystemClock, SystemRandom};
use operator::job::account::{self, AccountArgs, Action};
use operator::job::birth::{self, BirthArgs, Born, Escrow};
use operator::job::outcome::{Failure, IDENTITY, REFUSED};
use operator::job::prepare::{self, PrepareArgs};
use operator::seal::Identity;
use serde_json::{Value, json};

const HOST: &str = "birds.steppe.test";
const LIMIT: Duration = Duration::from_secs(20);

/// A volume, an identity Secret and a real snac.
struct Room {
    folder: tempfile::TempDir,
    claim: Identity,
    escrow: Identity,
}

impl Room {
    fn open() -> Result<Self> {
        let cache = e2e::node::cache()?;
        root::layer(&cache)?;
        let root = root::folder(&cache)?;
        ensure!(root.join("usr/bin/snac").exists(), "there is no snac in {}", root.display());
        let folder = tempfile::tempdir()?;
        let lib = format!("{0}/lib/x86_64-linux-gnu:{0}/usr/lib/x86_64-linux-gnu", root.display());
        let script = format!(
            "#!/bin/sh\nexec {0}/lib64/ld-linux-x86-64.so.2 --library-path {lib} {0}/usr/bin/snac \"$@\"\n",
            root.display()
        );
        program(&folder.path().join("snac"), &script)?;
        std::fs::create_dir_all(folder.path().join("data"))?;
        std::fs::create_dir_all(folder.path().join("identity"))?;
        std::fs::write(folder.path().join("identity/birth-id"), "ab".repeat(32))?;
        Ok(Self { folder, claim: Identity::generate(), escrow: Identity::generate() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn birth_args(&self) -> Result<BirthArgs> {
        Ok(BirthArgs {
            flavour: names::Flavour::Snac,
            hostname: HOST.parse()?,
            handle: "alice".parse()?,
            claim: Some(self.claim.recipient().to_string()),
            escrow: Some(self.escrow.recipient().to_string()),
            data: self.path("data"),
            identity: self.path("identity"),
            program: self.path("snac"),
        })
    }

    fn born(&self) -> Result<Born> {
        Ok(birth::run(&self.birth_args()?, SystemClock.now(), &SystemRandom)?)
    }

    fn prepare(&self, fingerprint: &str, settings: Value) -> Result<prepare::Prepared, Failure> {
        prepare::run(&PrepareArgs {
            flavour: names::Flavour::Snac,
            data: self.path("data"),
            identity: self.path("identity"),
            fingerprint: fingerprint.to_owned(),
            settings: settings.to_string(),
        })
    }

    fn account(&self, work: u128, action: Action, handle: &str) -> Result<Option<String>> {
        let args = AccountArgs {
            flavour: names::Flavour::Snac,
            work_uid: uuid::Uuid::from_u128(work),
            action,
            handle: handle.parse()?,
            claim: Some(self.claim.recipient().to_string()),
            data: self.path("data"),
            program: self.path("snac"),
        };
        let changed = account::run(&args, &SystemRandom)?;
        changed.claim.map(|sealed| self.opened(&sealed)).transpose()
    }

    fn opened(&self, sealed: &str) -> Result<String> {
        Ok(String::from_utf8(self.claim.open(sealed)?)?)
    }

    /// The code and reason of a failure.
    fn refused<T>(result: Result<T>) -> (u8, String) {
        let failure = result.err().and_then(|error| error.downcast::<Failure>().ok());
        failure.map_or((0, String::new()), |failure| (failure.code, failure.reason))
    }

    fn read(&self, file: &str) -> Result<String> {
        std::fs::read_to_string(self.path("data").join(file)).with_context(|| format!("reading {file}"))
    }
}

/// Writes a program; by another process, so that no child of this one holds it open for writing when it is run.
fn program(path: &Path, script: &str) -> Result<()> {
    std::fs::write(path, script)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// A running snac. Ends when dropped.
struct Server {
    child: Child,
    base: String,
    client: reqwest::Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    async fn start(room: &Room) -> Result<Self> {
        // The port is ours to choose only here: in a pod nobody else listens.
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let file = room.path("data/d/server.json");
        let mut server: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
        (server["address"], server["port"]) = (json!("127.0.0.1"), json!(port));
        std::fs::write(&file, server.to_string())?;
        let child = Command::new(room.path("snac"))
            .arg("httpd")
            .arg(room.path("data/d"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self {
            child,
            base: format!("http://127.0.0.1:{port}"),
            client: reqwest::Client::builder().pool_max_idle_per_host(0).build()?,
        };
        wait::until("snac to answer", LIMIT, async || Ok(server.get("/robots.txt").await.ok())).await?;
        Ok(server)
    }

    async fn get(&self, path: &str) -> Result<String> {
        let request = self.client.get(format!("{}{path}", self.base)).header("Host", HOST);
        Ok(request.send().await?.error_for_status()?.text().await?)
    }

    /// Whether snac takes this password.
    async fn takes(&self, handle: &str, password: &str) -> Result<bool> {
        let body = format!("login={handle}&passwd={password}");
        let request = self.client.post(format!("{}/oauth/x-snac-get-token", self.base)).header("Host", HOST);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(body);
        // A wrong one is answered 200 too, with the form again.
        let said = request.send().await?.error_for_status()?.text().await?;
        Ok(said.len() == 32 && said.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

#[tokio::test]
async fn the_owner_logs_in_with_the_password_that_came_up_sealed() -> Result<()> {
    let room = Room::open()?;
    let born = room.born()?;
    let password = room.opened(born.owner_claim.as_deref().context("no claim")?)?;
    let settings =
        json!({ "title": "Birds & Co", "description": "of <b>prey</b>", "contactEmail": "alice@example.org" });
    assert!(room.prepare(&born.fingerprint, settings.clone())?.settings_changed);
    assert!(!room.prepare(&born.fingerprint, settings)?.settings_changed);

    let server = Server::start(&room).await?;
    assert!(server.takes("alice", &password).await?);
    assert!(!server.takes("alice", "wrong").await?);
    let about: Value = serde_json::from_str(&server.get("/api/v1/instance").await?)?;
    assert_eq!(about["title"], "Birds & Co");
    assert_eq!(about["uri"], HOST);

    // The key that other servers see is the one that was recorded.
    let actor = server.client.get(format!("{}/alice", server.base)).header("Host", HOST);
    let actor = actor.header("Accept", "application/activity+json").send().await?.text().await?;
    let actor: Value = serde_json::from_str(&actor)?;
    let pem = actor["publicKey"]["publicKeyPem"].as_str().context("no key")?;
    let (_, rest) = pem.split_once("-----BEGIN PUBLIC KEY-----").context("no PEM")?;
    let (body, _) = rest.split_once("-----END PUBLIC KEY-----").context("no PEM")?;
    let der = Command::new("sh")
        .args(["-c", "printf %s \"$1\" | tr -d '\\n ' | base64 -d | sha256sum | cut -c1-64", "sh", body])
        .output()?;
    assert_eq!(String::from_utf8(der.stdout)?.trim(), born.fingerprint);

    // What is in escrow is the private half of it.
    let escrow = room.escrow.open(born.escrow.context("no escrow")?)?;
    let escrow = Escrow::unpack(&escrow)?;
    assert_eq!((escrow.hostname.as_str(), escrow.handle.as_str()), (HOST, "alice"));
    let key: Value = serde_json::from_str(&room.read("d/user/alice/key.json")?)?;
    assert!(key["secret"].as_str().context("no key")?.starts_with(escrow.private_key.trim()));
    Ok(())
}

#[tokio::test]
async fn a_repeat_keeps_the_keys_and_after_the_first_start_the_password() -> Result<()> {
    let room = Room::open()?;
    let first = room.born()?;
    let key = room.read("d/user/alice/key.json")?;
    let second = room.born()?;
    assert_eq!((&second.fingerprint, room.read("d/user/alice/key.json")?), (&first.fingerprint, key));
    let passwords = [&first, &second].map(|born| born.owner_claim.as_deref().map(|sealed| room.opened(sealed)));
    let [Some(old), Some(new)] = passwords else { anyhow::bail!("a password is missing") };
    let (old, new) = (old?, new?);
    assert_ne!(old, new);

    room.prepare(&first.fingerprint, json!({}))?;
    let third = room.born()?;
    assert_eq!((third.fingerprint, third.owner_claim), (first.fingerprint, None));
    let server = Server::start(&room).await?;
    assert!(server.takes("alice", &new).await?);
    assert!(!server.takes("alice", &old).await?);
    Ok(())
}

#[test]
fn nothing_is_made_anew_on_a_volume_that_lost_its_data() -> Result<()> {
    let room = Room::open()?;
    let born = room.born()?;
    std::fs::rename(room.path("data/d"), room.path("lost"))?;
    assert_eq!(Room::refused(room.born()), (IDENTITY, "IdentityMissing".into()));
    assert_eq!(room.prepare(&born.fingerprint, json!({})).unwrap_err().code, IDENTITY);
    std::fs::rename(room.path("lost"), room.path("data/d"))?;
    room.prepare(&born.fingerprint, json!({}))?;

    assert_eq!(room.prepare(&"0".repeat(64), json!({})).unwrap_err().code, IDENTITY, "another fingerprint");
    std::fs::write(room.path("identity/birth-id"), "cd".repeat(32))?;
    assert_eq!(room.prepare(&born.fingerprint, json!({})).unwrap_err().code, IDENTITY, "another Secret");
    assert_eq!(Room::refused(room.born()), (IDENTITY, "IdentityMissing".into()));
    std::fs::write(room.path("identity/birth-id"), "ab".repeat(32))?;
    room.prepare(&born.fingerprint, json!({}))?;

    // An account of the same name from somewhere else.
    let other = Room::open()?;
    other.born()?;
    std::fs::copy(other.path("data/d/user/alice/key.json"), room.path("data/d/user/alice/key.json"))?;
    assert_eq!(room.prepare(&born.fingerprint, json!({})).unwrap_err().code, IDENTITY, "another key");
    assert_eq!(Room::refused(room.born()), (IDENTITY, "IdentityMissing".into()));
    std::fs::remove_file(room.path("data/identity.json"))?;
    assert_eq!(room.prepare(&born.fingerprint, json!({})).unwrap_err().code, IDENTITY, "an empty volume");
    Ok(())
}

/// SIGKILL at seeded moments, each time in a fresh process: what is there in the end is one identity, and it never changed
/// once it had been recorded.
#[test]
fn a_birth_that_is_killed_at_any_moment_ends_with_one_identity() -> Result<()> {
    const SEED: u64 = 20_260_102;
    println!("seed {SEED}");
    let program = lab::process::beside("steppe-operator")?;
    let random = SeededRandom::new(SEED);
    let mut recorded = 0;
    for round in 0..6 {
        let room = Room::open()?;
        let mut known: Option<Value> = None;
        for _ in 0..6 {
            let mut byte = [0];
            operator::clock::Random::fill(&random, &mut byte)?;
            let mut child = run_birth(&room, &program)?;
            std::thread::sleep(Duration::from_millis(u64::from(byte[0])));
            kill(&mut child)?;
            let found = room.read("identity.json").ok().map(|text| serde_json::from_str(&text)).transpose()?;
            if let Some(known) = &known {
                assert_eq!(found.as_ref(), Some(known), "round {round}: the identity changed");
            }
            recorded += u32::from(found.is_some());
            known = found;
        }
        let status = run_birth(&room, &program)?.wait()?;
        assert!(status.success(), "round {round}");
        let born: Born = serde_json::from_str(&std::fs::read_to_string(room.path("message"))?)?;
        if let Some(known) = known {
            assert_eq!(known["fingerprint"], born.fingerprint.as_str(), "round {round}");
        }
        room.prepare(&born.fingerprint, json!({}))?;
        assert!(!room.path("data/d.partial").exists());
        let claim = born.owner_claim.context("no claim")?;
        assert_eq!(room.opened(&claim)?.len(), 29);
        let said = std::fs::read_to_string(room.path("log"))?;
        assert!(!said.contains(&room.opened(&claim)?) && !said.contains("PRIVATE KEY"), "{said}");
    }
    println!("{recorded} of 36 kills came after the identity had been recorded");
    Ok(())
}

/// As a container dies: the program and all that it started, at once.
fn kill(child: &mut Child) -> Result<()> {
    // It may have ended by itself before.
    Command::new("kill").args(["-9", "--", &format!("-{}", child.id())]).stderr(Stdio::null()).status()?;
    child.wait()?;
    Ok(())
}

fn run_birth(room: &Room, program: &Path) -> Result<Child> {
    let args = room.birth_args()?;
    let log = std::fs::File::options().create(true).append(true).open(room.path("log"))?;
    Ok(Command::new(program)
        .args(["job", "--termination-log"])
        .arg(room.path("message"))
        .args(["birth", "--flavour", "snac", "--hostname", HOST, "--handle", "alice"])
        .args(args.claim.iter().flat_map(|claim| ["--claim".to_owned(), claim.clone()]))
        .arg("--data")
        .arg(&args.data)
        .arg("--identity")
        .arg(&args.identity)
        .arg("--program")
        .arg(&args.program)
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()?)
}

#[tokio::test]
async fn accounts_come_and_go_beside_the_running_server() -> Result<()> {
    let room = Room::open()?;
    let born = room.born()?;
    room.prepare(&born.fingerprint, json!({}))?;
    let server = Server::start(&room).await?;

    let first = room.account(1, Action::Add, "bob")?.context("no password")?;
    assert!(server.takes("bob", &first).await?);
    // The same work again, because its answer was lost: the account stays, the password is new.
    let key = room.read("d/user/bob/key.json")?;
    let second = room.account(1, Action::Add, "bob")?.context("no password")?;
    assert_eq!(room.read("d/user/bob/key.json")?, key);
    assert!(server.takes("bob", &second).await? && !server.takes("bob", &first).await?);
    // Other work with the same name.
    assert_eq!(Room::refused(room.account(2, Action::Add, "bob")), (REFUSED, "AccountExists".into()));
    assert_eq!(Room::refused(room.account(1, Action::Remove, "bob")), (REFUSED, "OtherWork".into()));

    let third = room.account(3, Action::ResetLogin, "bob")?.context("no password")?;
    assert!(server.takes("bob", &third).await? && !server.takes("bob", &second).await?);
    assert_eq!(Room::refused(room.account(4, Action::ResetLogin, "carol")), (REFUSED, "AccountMissing".into()));
    assert_eq!(Room::refused(room.account(5, Action::Remove, "alice")), (REFUSED, "OwnerRefused".into()));

    assert_eq!(room.account(6, Action::Remove, "bob")?, None);
    assert_eq!(room.account(6, Action::Remove, "bob")?, None, "again");
    assert!(!room.path("data/d/user/bob").exists());
    assert!(!server.takes("bob", &third).await?);
    assert_eq!(Room::refused(room.account(7, Action::Remove, "bob")), (REFUSED, "AccountMissing".into()));
    Ok(())
}

/// snac is killed in the middle: it leaves a folder without a key, or nothing at all.
#[test]
fn an_account_that_was_made_by_half_is_made_again() -> Result<()> {
    let room = Room::open()?;
    room.born()?;
    std::fs::rename(room.path("snac"), room.path("real-snac"))?;
    let script = format!(
        "#!/bin/sh\n{} \"$@\" >/dev/null && rm \"$2/user/$3/key.json\"; kill -9 $$\n",
        room.path("real-snac").display()
    );
    program(&room.path("snac"), &script)?;
    assert!(room.account(1, Action::Add, "bob").is_err());
    assert!(room.path("data/d/user/bob/user.json").exists() && !room.path("data/d/user/bob/key.json").exists());
    std::fs::rename(room.path("real-snac"), room.path("snac"))?;
    // Somebody else's wish does not take it over; the same work does.
    assert_eq!(Room::refused(room.account(2, Action::Add, "bob")), (REFUSED, "AccountExists".into()));
    let password = room.account(1, Action::Add, "bob")?.context("no password")?;
    assert_eq!(password.len(), 29);
    assert!(room.path("data/d/user/bob/key.json").exists());
    Ok(())
}
