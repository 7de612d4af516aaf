//! `job prepare`: the last look before a server starts, at every start.
//!
//! A server that starts with other keys under its old name is the worst outcome there is, so nothing here creates
//! anything of an identity. It compares and refuses.

use std::path::PathBuf;

use crd::instance::Settings;
use names::Flavour;
use serde::{Deserialize, Serialize};

use super::identity::{BirthId, IdentityFile, Volume};
use super::outcome::Failure;
use super::snac::Snac;

/// What the look needs to know.
#[derive(Debug, Clone, clap::Args)]
pub struct PrepareArgs {
    /// The software; only snac is built.
    #[arg(long, default_value = "snac")]
    pub flavour: Flavour,
    /// Where the volume is mounted.
    #[arg(long, default_value = "/data")]
    pub data: PathBuf,
    /// Where the identity Secret is mounted.
    #[arg(long, default_value = "/identity")]
    pub identity: PathBuf,
    /// The fingerprint that the instance's status records.
    #[arg(long)]
    pub fingerprint: String,
    /// The owner's settings, JSON as in the instance's spec.
    #[arg(long, default_value = "{}")]
    pub settings: String,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prepared {
    /// Whether the server's configuration was changed to the owner's settings.
    pub settings_changed: bool,
}

/// Compares what is mounted with what the server was born with, and applies the owner's settings.
///
/// # Errors
/// [`super::outcome::IDENTITY`] when anything is missing or another one: the server must not start.
pub fn run(args: &PrepareArgs) -> Result<Prepared, Failure> {
    super::only_snac(args.flavour)?;
    let settings: Settings = serde_json::from_str(&args.settings)
        .map_err(|e| Failure::refused("BadSettings", format!("the settings cannot be read: {e}")))?;
    let birth_id = BirthId::read(&args.identity)?;
    let volume = Volume::at(&args.data);
    let snac = Snac::new("snac".as_ref(), volume.home());
    let identity = volume
        .identity()?
        .ok_or_else(|| Failure::identity("the volume has no identity.json: it is empty, or another one"))?;
    let seen = Seen { fingerprint: snac.fingerprint(&identity.handle)?, hostname: snac.hostname()? };
    compare(&identity, &seen, &birth_id.digest(), &args.fingerprint)?;
    let settings_changed = snac.apply_settings(&settings, &identity.handle)?;
    volume.mark_started()?;
    Ok(Prepared { settings_changed })
}

/// What the server's own folder says.
struct Seen {
    fingerprint: String,
    hostname: String,
}

fn compare(identity: &IdentityFile, seen: &Seen, birth_id_digest: &str, recorded: &str) -> Result<(), Failure> {
    if identity.birth_id_digest != birth_id_digest {
        return Err(Failure::identity("the volume was not born with the identity Secret that is mounted"));
    }
    if identity.fingerprint != recorded {
        return Err(Failure::identity("the volume was born with another key than the instance's status records"));
    }
    if seen.fingerprint != recorded {
        return Err(Failure::identity(format!(
            "the key of account {} is not the one the server was born with",
            identity.handle
        )));
    }
    if seen.hostname != identity.hostname.as_str() {
        return Err(Failure::identity(format!(
            "the server's configuration says it is {}, and it was born as {}",
            seen.hostname.chars().take(80).collect::<String>(),
            identity.hostname
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn each_difference_is_refused() {
        let identity = IdentityFile {
            birth_id_digest: "d".into(),
            fingerprint: "f".into(),
            hostname: "birds.example".parse().unwrap(),
            handle: "alice".parse().unwrap(),
            born_at: Timestamp::UNIX_EPOCH,
        };
        let check = |fingerprint: &str, hostname: &str, digest: &str, recorded: &str| {
            let seen = Seen { fingerprint: fingerprint.into(), hostname: hostname.into() };
            compare(&identity, &seen, digest, recorded).map_err(|failure| failure.code)
        };
        assert_eq!(check("f", "birds.example", "d", "f"), Ok(()));
        let identity_code = Err(super::super::outcome::IDENTITY);
        assert_eq!(check("x", "birds.example", "d", "f"), identity_code);
        assert_eq!(check("f", "cats.example", "d", "f"), identity_code);
        assert_eq!(check("f", "birds.example", "x", "f"), identity_code);
        assert_eq!(check("f", "birds.example", "d", "x"), identity_code);
    }
}
