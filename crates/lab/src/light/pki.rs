//! Certificates and keys of one light ground: made when it starts, gone with it.

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// The certificate authority of one ground.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, both PEM.
#[derive(Clone)]
pub struct Certified {
    /// The certificate.
    pub certificate: String,
    /// Its private key, PKCS#8.
    pub key: String,
}

/// The pair that ServiceAccount tokens are signed and checked with, both PEM.
pub struct TokenKeys {
    /// The private key, PKCS#8.
    pub private: String,
    /// The public key. The API server reads EC keys in PKCS#8 only as public ones.
    pub public: String,
}

impl Authority {
    /// A fresh authority.
    pub fn new() -> Result<Self> {
        let mut params = named("steppe-light-ground", None)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().context("cannot make the authority's key")?;
        let issuer = CertifiedIssuer::self_signed(params, key).context("cannot make the authority")?;
        Ok(Self { issuer })
    }

    /// The authority's certificate, PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a server on 127.0.0.1, also under `names`.
    pub fn server(&self, names: &[&str]) -> Result<Certified> {
        let mut params = named("server", None)?;
        let all = ["127.0.0.1", "localhost"].iter().chain(names).map(|name| (*name).to_owned());
        params.subject_alt_names = CertificateParams::new(all.collect::<Vec<_>>())?.subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(&params)
    }

    /// A certificate with which the API server takes a client for `user` in `group`.
    pub fn client(&self, user: &str, group: &str) -> Result<Certified> {
        let mut params = named(user, Some(group))?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&params)
    }

    fn issue(&self, params: &CertificateParams) -> Result<Certified> {
        let key = KeyPair::generate().context("cannot make a key")?;
        let certificate = params.signed_by(&key, &self.issuer).context("cannot sign a certificate")?;
        Ok(Certified { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl TokenKeys {
    /// A fresh pair.
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate().context("cannot make the key for tokens")?;
        Ok(Self { private: key.serialize_pem(), public: key.public_key_pem() })
    }
}

fn named(common_name: &str, organization: Option<&str>) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    params.distinguished_name = name;
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
