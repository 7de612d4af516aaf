//! The endpoint's certificate: made by the operator for itself, once, and handed to export jobs as the only one to trust.

use std::io;
use std::sync::Arc;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ObjectMeta, PostParams};
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::context::Context;
use crate::error::{Error, Step, is_conflict};

/// The Secret in the system namespace. To renew the certificate, delete it and restart the operator.
const SECRET: &str = "steppe-operator-tls";

/// A self-signed certificate and its key. Debug shows neither.
#[derive(Clone)]
pub struct Certificate {
    certificate: String,
    key: String,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate")
    }
}

impl Certificate {
    /// What a visitor has to trust, PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.certificate
    }

    /// Makes one for these names, good for ten years from `year` on.
    fn make(names: Vec<String>, year: i16) -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "steppe-operator grants");
        params.not_before = date_time_ymd(i32::from(year) - 1, 1, 1);
        params.not_after = date_time_ymd(i32::from(year) + 10, 1, 1);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// How the endpoint speaks TLS.
    pub(super) fn server(&self) -> io::Result<ServerConfig> {
        let wrong = |e: &dyn std::fmt::Display| {
            io::Error::other(format!("the certificate in Secret {SECRET} cannot be used: {e}"))
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.certificate.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(|e| wrong(&e))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| wrong(&e))?
            .with_no_client_auth()
            .with_single_cert(chain.map_err(|e| wrong(&e))?, key)
            .map_err(|e| wrong(&e))
    }

    fn secret(&self) -> Secret {
        let data = [("tls.crt", &self.certificate), ("tls.key", &self.key)];
        Secret {
            metadata: ObjectMeta {
                name: Some(SECRET.to_owned()),
                labels: Some([(crd::labels::MANAGED_BY.to_owned(), crd::labels::MANAGER.to_owned())].into()),
                ..ObjectMeta::default()
            },
            type_: Some("kubernetes.io/tls".to_owned()),
            immutable: Some(true),
            data: Some(
                data.into_iter().map(|(name, text)| (name.to_owned(), ByteString(text.clone().into_bytes()))).collect(),
            ),
            ..Secret::default()
        }
    }

    fn read(secret: &Secret) -> Option<Self> {
        let text = |name: &str| String::from_utf8(secret.data.as_ref()?.get(name)?.0.clone()).ok();
        Some(Self { certificate: text("tls.crt")?, key: text("tls.key")? })
    }
}

/// The endpoint's certificate, from its Secret; makes both when there is none. Of replicas that try at once one wins, and
/// all take what it made.
///
/// # Errors
/// What the API server says, or that the Secret holds something else.
pub async fn certificate(context: &Context) -> Result<Certificate, Error> {
    let namespace = &context.config.system_namespace;
    let doing = |verb: &str| format!("{verb} Secret {namespace}/{SECRET}");
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let reading = |e| Error::kube(Step::Observe, doing("reading"), e);
    let mut found = api.get_opt(SECRET).await.map_err(reading)?;
    if found.is_none() {
        let year = context.clock.now().to_zoned(jiff::tz::TimeZone::UTC).year();
        let made = Certificate::make(names(context), year).map_err(|e| Error::new(Step::Apply, doing("making"), e))?;
        match api.create(&PostParams::default(), &made.secret()).await {
            Ok(created) => found = Some(created),
            Err(error) if is_conflict(&error) => found = api.get_opt(SECRET).await.map_err(reading)?,
            Err(error) => return Err(Error::kube(Step::Apply, doing("creating"), error)),
        }
    }
    found.as_ref().and_then(Certificate::read).ok_or_else(|| {
        Error::new(Step::Observe, doing("reading"), "it holds no tls.crt and tls.key; delete it, and a new one is made")
    })
}

fn names(context: &Context) -> Vec<String> {
    let service = format!("steppe-operator-grants.{}.svc", context.config.system_namespace);
    let mut names = vec![format!("{service}.{}", context.config.cluster_domain), service];
    if let Some(host) =
        context.config.grants_url().parse::<url::Url>().ok().and_then(|url| url.host_str().map(str::to_owned))
        && !names.contains(&host)
    {
        names.push(host);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_certificate_serves_and_survives_its_secret() {
        let made = Certificate::make(vec!["grants.test".into(), "127.0.0.1".into()], 2026).unwrap();
        made.server().unwrap();
        let read = Certificate::read(&made.secret()).unwrap();
        assert_eq!(read.pem(), made.pem());
        assert!(!format!("{made:?}").contains("PRIVATE"));
        assert!(Certificate::read(&Secret::default()).is_none());
    }
}
