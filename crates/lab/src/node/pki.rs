//! The ground's certificates and keys: made once, in one go.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::io::Write;

use super::ground::Ground;
use super::kubeconfig;

/// A certificate authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    key: String,
}

/// A key with its certificate, both PEM.
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS#8.
    pub key: String,
}

/// Parameters that all our certificates share. A ground is thrown away long before 2050; the fixed years save a clock.
fn params(names: Vec<String>, common_name: &str, organization: Option<&str>) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2050, 1, 1);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    if let Some(organization) = organization {
        params.distinguished_name.push(DnType::OrganizationName, organization);
    }
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

impl Authority {
    fn new(name: &str) -> Result<Self> {
        let mut params = params(vec![], name, None)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        let pem = key.serialize_pem();
        Ok(Self { issuer: Issuer::new(params, key), certificate, key: pem })
    }

    fn sign(&self, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Result<Pair> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Pair { certificate, key: key.serialize_pem() })
    }

    fn client(&self, user: &str, group: Option<&str>) -> Result<Pair> {
        self.sign(params(vec![], user, group)?, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn server(&self, name: &str, names: Vec<String>) -> Result<Pair> {
        self.sign(params(names, name, None)?, ExtendedKeyUsagePurpose::ServerAuth)
    }
}

/// Makes all keys, certificates and kubeconfigs of the ground, unless they are there.
pub fn write(ground: &Ground) -> Result<()> {
    let folder = ground.state_dir.join("pki");
    if folder.exists() {
        return Ok(());
    }
    let fresh = ground.state_dir.join("pki.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).with_context(|| format!("cannot clear {}", fresh.display()))?;
    }
    fs::create_dir_all(&fresh).with_context(|| format!("cannot create {}", fresh.display()))?;
    let cluster = Authority::new(&format!("steppe-{}", ground.name))?;
    let front = Authority::new(&format!("steppe-{}-front", ground.name))?;
    let zone = Authority::new(&format!("Steppe ground {} (throw-away)", ground.name))?;
    for (name, authority) in [("ca", &cluster), ("front-ca", &front), ("root", &zone)] {
        file(&fresh, &format!("{name}.crt"), &authority.certificate)?;
        file(&fresh, &format!("{name}.key"), &authority.key)?;
    }
    let tokens = KeyPair::generate()?;
    file(&fresh, "service-account.key", &tokens.serialize_pem())?;
    file(&fresh, "service-account.pub", &tokens.public_key_pem())?;
    certificates(ground, &fresh, &cluster, &front)?;
    users(ground, &fresh, &cluster)?;
    fs::rename(&fresh, &folder).with_context(|| format!("cannot move the certificates to {}", folder.display()))
}

/// The certificates that programs show to each other.
fn certificates(ground: &Ground, folder: &Path, cluster: &Authority, front: &Authority) -> Result<()> {
    let node = vec![ground.node_name.clone(), ground.addresses.node_ip.to_string()];
    let to_kubelet = cluster.client("kube-apiserver-kubelet-client", Some("system:masters"))?;
    let pairs = [
        ("apiserver", cluster.server("kube-apiserver", apiserver_names(ground))?),
        ("apiserver-kubelet", to_kubelet),
        ("kubelet", cluster.server("kubelet", node)?),
        ("front", front.client("front-proxy-client", None)?),
    ];
    for (name, pair) in pairs {
        file(folder, &format!("{name}.crt"), &pair.certificate)?;
        file(folder, &format!("{name}.key"), &pair.key)?;
    }
    Ok(())
}

/// The kubeconfigs of the administrator and of the programs that talk to the API server.
fn users(ground: &Ground, folder: &Path, cluster: &Authority) -> Result<()> {
    let node = format!("system:node:{}", ground.node_name);
    let users = [
        ("admin", "steppe-admin", Some("system:masters")),
        ("kubelet", node.as_str(), Some("system:nodes")),
        ("controller-manager", "system:kube-controller-manager", None),
        ("scheduler", "system:kube-scheduler", None),
        ("kube-proxy", "system:kube-proxy", None),
    ];
    for (name, user, group) in users {
        let pair = cluster.client(user, group)?;
        let text = kubeconfig::text(ground, &cluster.certificate, user, &pair);
        // The administrator's is for people, and lies where they look first.
        let place = if name == "admin" { &ground.state_dir } else { folder };
        file(place, &format!("{name}.kubeconfig"), &text)?;
    }
    Ok(())
}

/// The names and addresses clients reach the API server by.
fn apiserver_names(ground: &Ground) -> Vec<String> {
    let service = ground.addresses.service_cidr.nth(1).to_string();
    let node = ground.addresses.node_ip.to_string();
    let names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];
    names.iter().map(|name| (*name).to_owned()).chain(["localhost".into(), "127.0.0.1".into(), service, node]).collect()
}

/// Writes a file that only root reads.
pub fn file(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
