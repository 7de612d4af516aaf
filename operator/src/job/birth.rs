//! `job birth`: makes a server's identity, once.
//!
//! It may be killed between any two lines and run again. The folder is built aside and renamed into place last; before
//! that, `identity.json` records the key. A repeat keeps the keys it finds and makes a new password only, because the
//! earlier one may never have been delivered; once the server has been let start, not even that.

use std::path::PathBuf;

use age::secrecy::ExposeSecret as _;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use names::{Flavour, Handle, Hostname};
use serde::{Deserialize, Serialize};

use super::durable;
use super::identity::{BirthId, IdentityFile, Volume};
use super::outcome::Failure;
use super::snac::Snac;
use crate::clock::Random;
use crate::seal::Recipient;

/// What a birth needs to know.
#[derive(Debug, Clone, clap::Args)]
pub struct BirthArgs {
    /// The software; only snac is built.
    #[arg(long)]
    pub flavour: Flavour,
    /// The server's public name.
    #[arg(long)]
    pub hostname: Hostname,
    /// The owner's account.
    #[arg(long)]
    pub handle: Handle,
    /// The one-time recipient for the owner's password.
    #[arg(long)]
    pub claim: Option<String>,
    /// The platform's offline recipient for the identity.
    #[arg(long)]
    pub escrow: Option<String>,
    /// Where the volume is mounted.
    #[arg(long, default_value = "/data")]
    pub data: PathBuf,
    /// Where the identity Secret is mounted.
    #[arg(long, default_value = "/identity")]
    pub identity: PathBuf,
    /// The flavour's program.
    #[arg(long, default_value = "snac")]
    pub program: PathBuf,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Born {
    /// SHA-256 over the owner's public key (DER `SubjectPublicKeyInfo`), hex.
    pub fingerprint: String,
    /// The owner's password, sealed to the claim.
    pub owner_claim: Option<String>,
    /// The [`Escrow`], sealed to the platform's recipient.
    pub escrow: Option<String>,
}

/// What is kept in escrow: all that a new server under the old name needs to be believed by the network. Opened by
/// `age -d -i KEY identity.age | gunzip`; compressed, because a termination message is short.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Escrow {
    /// The software.
    pub flavour: Flavour,
    /// The server's public name.
    pub hostname: Hostname,
    /// The owner's account.
    pub handle: Handle,
    /// The owner's private key, PEM.
    pub private_key: String,
}

impl Escrow {
    /// What is sealed: JSON, compressed.
    ///
    /// # Errors
    /// Never for what was made here; the libraries' types allow it.
    pub fn pack(&self) -> std::io::Result<Vec<u8>> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        serde_json::to_writer(&mut packed, self)?;
        packed.finish()
    }

    /// Reads what was sealed.
    ///
    /// # Errors
    /// When it is something else.
    pub fn unpack(packed: &[u8]) -> std::io::Result<Self> {
        Ok(serde_json::from_reader(GzDecoder::new(packed))?)
    }
}

/// What was found on the volume.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// Nothing that counts: build.
    Nothing,
    /// Built and recorded, not yet in place.
    Built(IdentityFile),
    /// In place.
    Born(IdentityFile),
}

/// Makes the identity, or finds the one an earlier run made.
///
/// # Errors
/// [`super::outcome::IDENTITY`] when the volume holds something that this instance was not born with.
pub fn run(args: &BirthArgs, now: Timestamp, random: &dyn Random) -> Result<Born, Failure> {
    super::only_snac(args.flavour)?;
    let claim = recipient("claim", args.claim.as_deref())?;
    let escrow = recipient("escrow", args.escrow.as_deref())?;
    let birth_id = BirthId::read(&args.identity)?;
    let volume = Volume::at(&args.data);
    let _lock = volume.lock()?;

    let identity = match find(&volume, args, &birth_id.digest())? {
        Found::Nothing => {
            let identity = build(&volume, args, birth_id.digest(), now)?;
            put_in_place(&volume)?;
            identity
        }
        Found::Built(identity) => {
            put_in_place(&volume)?;
            identity
        }
        Found::Born(identity) => identity,
    };
    let snac = Snac::new(&args.program, volume.home());
    let owner_claim = if volume.was_started() {
        tracing::warn!("the server has been started before; the owner's password is left as it is");
        None
    } else {
        let password = snac.new_password(&args.handle, random)?;
        seal(claim.as_ref(), password.expose_secret().as_bytes())?
    };
    let escrow = match &escrow {
        Some(escrow) => seal(Some(escrow), &escrow_text(&snac, args)?)?,
        None => None,
    };
    Ok(Born { fingerprint: identity.fingerprint, owner_claim, escrow })
}

fn find(volume: &Volume, args: &BirthArgs, digest: &str) -> Result<Found, Failure> {
    let fingerprint =
        |home: PathBuf| home.exists().then(|| Snac::new(&args.program, home).fingerprint(&args.handle)).transpose();
    let identity = volume.identity()?;
    // A birth that did not come as far as its record may have left anything; only a recorded one is looked into.
    let partial = if identity.is_some() { fingerprint(volume.partial())? } else { None };
    decide(identity, fingerprint(volume.home())?, partial, (digest, &args.hostname, &args.handle))
}

/// Decides from `identity.json` and from the keys in the folder in place and in the folder aside.
fn decide(
    identity: Option<IdentityFile>,
    home: Option<String>,
    partial: Option<String>,
    (digest, hostname, handle): (&str, &Hostname, &Handle),
) -> Result<Found, Failure> {
    let Some(identity) = identity else {
        return match home {
            None => Ok(Found::Nothing),
            Some(_) => Err(Failure::identity("the volume holds a server and no record of its birth; it is left alone")),
        };
    };
    if identity.birth_id_digest != digest {
        return Err(Failure::identity("the volume belongs to a server with another identity Secret; it is left alone"));
    }
    if identity.hostname != *hostname || identity.handle != *handle {
        return Err(Failure::identity(format!(
            "the volume belongs to {}@{}, not to {handle}@{hostname}; it is left alone",
            identity.handle, identity.hostname
        )));
    }
    match (home, partial) {
        (Some(key), _) if key == identity.fingerprint => Ok(Found::Born(identity)),
        (None, Some(key)) if key == identity.fingerprint => Ok(Found::Built(identity)),
        (Some(_), _) => Err(Failure::identity("the owner's key on the volume is not the one the server was born with")),
        (None, _) => Err(Failure::identity("the volume says that a server was born on it, and its data is gone")),
    }
}

fn build(volume: &Volume, args: &BirthArgs, birth_id_digest: String, now: Timestamp) -> Result<IdentityFile, Failure> {
    let partial = volume.partial();
    durable::remove_tree(&partial).map_err(|e| Failure::again("removing what an earlier birth left behind", e))?;
    let snac = Snac::new(&args.program, partial.clone());
    snac.init(&args.hostname)?;
    snac.add_user(&args.handle)?;
    let identity = IdentityFile {
        birth_id_digest,
        fingerprint: snac.fingerprint(&args.handle)?,
        hostname: args.hostname.clone(),
        handle: args.handle.clone(),
        born_at: now,
    };
    durable::sync_tree(&partial).map_err(|e| Failure::again("writing the new server's folder to disk", e))?;
    volume.write_identity(&identity)?;
    Ok(identity)
}

fn put_in_place(volume: &Volume) -> Result<(), Failure> {
    durable::rename(&volume.partial(), &volume.home())
        .map_err(|e| Failure::again("putting the new server's folder in place", e))
}

fn escrow_text(snac: &Snac, args: &BirthArgs) -> Result<Vec<u8>, Failure> {
    let escrow = Escrow {
        flavour: args.flavour,
        hostname: args.hostname.clone(),
        handle: args.handle.clone(),
        private_key: snac.private_key(&args.handle)?.expose_secret().to_owned(),
    };
    escrow.pack().map_err(|e| Failure::again("writing the escrow", e))
}

pub(super) fn recipient(name: &str, text: Option<&str>) -> Result<Option<Recipient>, Failure> {
    text.map(str::parse)
        .transpose()
        .map_err(|e| Failure::refused("BadRecipient", format!("the {name} cannot be used: {e}")))
}

pub(super) fn seal(recipient: Option<&Recipient>, secret: &[u8]) -> Result<Option<String>, Failure> {
    recipient.map(|r| r.seal(secret)).transpose().map_err(|e| Failure::again("sealing", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> (Hostname, Handle) {
        ("birds.example".parse().unwrap(), "alice".parse().unwrap())
    }

    fn identity() -> IdentityFile {
        let (hostname, handle) = names();
        IdentityFile {
            birth_id_digest: "d".into(),
            fingerprint: "f".into(),
            hostname,
            handle,
            born_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn decided(identity: Option<IdentityFile>, home: Option<&str>, partial: Option<&str>) -> String {
        let (hostname, handle) = names();
        match decide(identity, home.map(Into::into), partial.map(Into::into), ("d", &hostname, &handle)) {
            Ok(Found::Nothing) => "build".into(),
            Ok(Found::Built(_)) => "put in place".into(),
            Ok(Found::Born(_)) => "keep".into(),
            Err(failure) => format!("{}: {failure}", failure.code),
        }
    }

    /// Every state that a kill can leave behind goes on; every other one is left alone.
    #[test]
    fn decisions() {
        let other = |change: fn(&mut IdentityFile)| {
            let mut identity = identity();
            change(&mut identity);
            Some(identity)
        };
        let rows = [
            ("fresh", decided(None, None, None)),
            ("killed before the record", decided(None, None, Some("f"))),
            ("killed before the rename", decided(Some(identity()), None, Some("f"))),
            ("killed after the rename", decided(Some(identity()), Some("f"), None)),
            ("data without record", decided(None, Some("f"), None)),
            ("data gone", decided(Some(identity()), None, None)),
            ("data gone, other rest", decided(Some(identity()), None, Some("x"))),
            ("other key", decided(Some(identity()), Some("x"), None)),
            ("other Secret", decided(other(|i| i.birth_id_digest = "x".into()), Some("f"), None)),
            ("other host", decided(other(|i| i.hostname = "cats.example".parse().unwrap()), Some("f"), None)),
        ];
        let text: Vec<String> = rows.into_iter().map(|(state, decision)| format!("{state}: {decision}")).collect();
        insta::assert_snapshot!(text.join("\n"), @"
        fresh: build
        killed before the record: build
        killed before the rename: put in place
        killed after the rename: keep
        data without record: 3: the volume holds a server and no record of its birth; it is left alone
        data gone: 3: the volume says that a server was born on it, and its data is gone
        data gone, other rest: 3: the volume says that a server was born on it, and its data is gone
        other key: 3: the owner's key on the volume is not the one the server was born with
        other Secret: 3: the volume belongs to a server with another identity Secret; it is left alone
        other host: 3: the volume belongs to alice@cats.example, not to alice@birds.example; it is left alone
        ");
    }

    /// A termination message has 4,096 bytes: the longest names and two armours must fit, whatever age puts into its
    /// headers to keep readers supple (a stanza of random length).
    #[test]
    fn the_longest_result_fits() {
        use base64::Engine as _;
        let key = crate::seal::Identity::generate().recipient();
        let mut der = [0; 1218]; // an RSA key of 2,048 bits in PKCS #8
        let random = crate::clock::fake::SeededRandom::new(4);
        crate::clock::Random::fill(&random, &mut der).unwrap();
        let line = base64::engine::general_purpose::STANDARD.encode(der);
        let lines: Vec<&str> = (0..line.len()).step_by(64).map(|at| &line[at..line.len().min(at + 64)]).collect();
        let private_key = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        let label = |from: usize, length: usize| line[from..from + length].to_lowercase().replace(['+', '/'], "x");
        let hostname = format!("{}.{}.{}.{}.example", label(0, 63), label(99, 63), label(200, 63), label(300, 53));
        let escrow = Escrow {
            flavour: Flavour::Snac,
            hostname: hostname.parse().unwrap(),
            handle: label(400, 30).parse().unwrap(),
            private_key,
        };
        assert_eq!(Escrow::unpack(&escrow.pack().unwrap()).unwrap().private_key, escrow.private_key);
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..300 {
            let born = Born {
                fingerprint: "f".repeat(64),
                owner_claim: seal(Some(&key), &[b'p'; 29]).unwrap(),
                escrow: seal(Some(&key), &escrow.pack().unwrap()).unwrap(),
            };
            super::super::outcome::report(&folder.path().join("message"), Ok(born)).unwrap();
        }
    }
}
