//! Tokens for staff's API: EdDSA, ten minutes, tied to the browser session they were asked for in.
//!
//! The keys lie in a folder, one PKCS #8 PEM file each; the last by name signs, all of them verify. To rotate: add a file with
//! a later name, wait until the old one's tokens are over, remove the old one.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{SessionId, StaffId};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::error::{Code, Problem};

/// How long a token is good for.
pub const FOR: SignedDuration = SignedDuration::from_mins(10);
/// Whom it is for: nothing else of ours takes it.
const AUDIENCE: &str = "steppe-staff-api";

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    sub: StaffId,
    sid: SessionId,
    iat: i64,
    exp: i64,
}

/// The keys that sign and verify.
#[derive(Default)]
pub struct StaffKeys {
    signing: Option<(String, EncodingKey)>,
    verifying: BTreeMap<String, DecodingKey>,
}

impl StaffKeys {
    /// Reads a folder's keys.
    ///
    /// # Errors
    /// When a file is no Ed25519 key; the error names the file and shows nothing of it.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut keys = Self::default();
        let entries = std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?;
        let mut files: Vec<_> = entries.collect::<Result<Vec<_>, _>>()?.into_iter().map(|entry| entry.path()).collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "pem"));
        files.sort();
        for file in files {
            let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
            keys.add(name, &text).with_context(|| format!("{}: no Ed25519 key in PKCS #8 PEM", file.display()))?;
        }
        Ok(keys)
    }

    /// Whether there is no key to sign with.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.signing.is_none()
    }

    fn add(&mut self, kid: String, pem: &str) -> anyhow::Result<()> {
        let key = SigningKey::from_pkcs8_pem(pem).map_err(|_| anyhow::anyhow!("it cannot be read"))?;
        let public = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        self.verifying.insert(kid.clone(), DecodingKey::from_ed_components(&public)?);
        self.signing = Some((kid, EncodingKey::from_ed_pem(pem.as_bytes())?));
        Ok(())
    }

    /// A token for a session.
    ///
    /// # Errors
    /// `unavailable` when there is no key.
    pub fn issue(&self, staff: StaffId, session: SessionId, now: Timestamp) -> Result<String, Problem> {
        let (kid, key) = self.signing.as_ref().ok_or(Problem::new(Code::Unavailable))?;
        let header = Header { kid: Some(kid.clone()), ..Header::new(Algorithm::EdDSA) };
        let (iat, exp) = (now.as_second(), (now + FOR).as_second());
        let claims = Claims { aud: AUDIENCE.to_owned(), sub: staff, sid: session, iat, exp };
        jsonwebtoken::encode(&header, &claims, key).map_err(Problem::internal)
    }

    /// The session that a good token belongs to.
    ///
    /// # Errors
    /// `unauthenticated`, whatever is wrong with it.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<(StaffId, SessionId), Problem> {
        let bad = || Problem::new(Code::Unauthenticated);
        let header = jsonwebtoken::decode_header(token).map_err(|_| bad())?;
        let key = header.kid.and_then(|kid| self.verifying.get(&kid)).ok_or_else(bad)?;
        let mut wanted = Validation::new(Algorithm::EdDSA);
        wanted.set_audience(&[AUDIENCE]);
        wanted.set_required_spec_claims(&["exp", "aud"]);
        wanted.validate_exp = false; // by the machine's clock; ours is an argument
        let claims = jsonwebtoken::decode::<Claims>(token, key, &wanted).map_err(|_| bad())?.claims;
        let lasts = claims.exp - claims.iat <= FOR.as_secs() && claims.iat <= now.as_second() + 60;
        if lasts && now.as_second() < claims.exp { Ok((claims.sub, claims.sid)) } else { Err(bad()) }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::pkcs8::EncodePrivateKey as _;
    use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;

    use super::*;

    fn keys(seeds: &[(&str, u8)]) -> StaffKeys {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut keys = StaffKeys::default();
        for (kid, seed) in seeds {
            let pem = SigningKey::from_bytes(&[*seed; 32]).to_pkcs8_pem(LineEnding::LF).unwrap();
            keys.add((*kid).to_owned(), &pem).unwrap();
        }
        keys
    }

    fn ids(now: Timestamp) -> (StaffId, SessionId) {
        (StaffId::new(now, [1; 10]), SessionId::new(now, [2; 10]))
    }

    #[test]
    fn a_token_is_good_for_ten_minutes_and_a_rotation() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (staff, session) = ids(now);
        let token = keys(&[("2026-01", 1)]).issue(staff, session, now).unwrap();
        let both = keys(&[("2026-01", 1), ("2026-07", 2)]);
        assert_eq!(both.verify(&token, now).unwrap(), (staff, session));
        assert!(both.verify(&token, now + SignedDuration::from_secs(599)).is_ok());
        assert!(both.verify(&token, now + SignedDuration::from_secs(600)).is_err());
        assert!(keys(&[("2026-07", 2)]).verify(&token, now).is_err(), "its key was taken away");
        assert!(keys(&[("2026-01", 2)]).verify(&token, now).is_err(), "another key of the same name");
    }

    #[test]
    fn what_we_did_not_make_is_nobodys() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (staff, session) = ids(now);
        let keys = keys(&[("k", 1)]);
        let token = keys.issue(staff, session, now).unwrap();
        let [head, body, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"k"}"#);
        let hmac = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"k"}"#);
        for bad in
            ["", "a.b.c", &format!("{none}.{body}."), &format!("{hmac}.{body}.{signature}"), &format!("{head}.{body}.")]
        {
            assert!(keys.verify(bad, now).is_err(), "{bad}");
        }
        assert!(StaffKeys::default().issue(staff, session, now).is_err());
    }
}
