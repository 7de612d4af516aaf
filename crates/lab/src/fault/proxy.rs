//! The listener: takes the operator's connections and knows which of its lives they belong to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::BoxFuture;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::call::Call;
use super::engine::Engine;
use super::log::Log;
use super::mask::Mask;
use super::plan::Plan;
use super::relay;
use crate::light::{Authority, Light};

/// How long an operator lives on after an answer that it is to die after, unless its next request comes first.
const LAST_BREATH: Duration = Duration::from_millis(30);

/// How long a connection to the API server is kept that nothing uses.
const IDLE: Duration = Duration::from_secs(20);
/// The first byte of whoever speaks TLS: a handshake (RFC 8446, 5.1). Requests begin with a letter.
const TLS: u8 = 22;

/// A relay between an operator and an API server. Ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    url: String,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

/// What all connections of a proxy share.
pub(super) struct Shared {
    pub client: reqwest::Client,
    pub upstream: String,
    pub log: Log,
    pub engine: Arc<Engine>,
    pub gate: watch::Sender<Gate>,
    /// Requests on their way to the API server.
    pub forwarding: watch::Sender<usize>,
    /// See [`Proxy::narrow`].
    pub horizon: OnceLock<Horizon>,
    /// See [`Proxy::arm`].
    mischief: OnceLock<Mischief>,
    dying: AtomicBool,
}

/// A label selector that is added to what a list or watch of the whole cluster asks for.
pub type Horizon = Box<dyn Fn(&Call) -> Option<String> + Send + Sync>;

/// What [`super::Action::Mischief`] does, by its name.
pub type Mischief = Box<dyn Fn(String) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Which life of the operator may talk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Gate {
    pub incarnation: u32,
    pub open: bool,
}

impl Proxy {
    /// A proxy before the API server of a light ground. It takes tokens, not client certificates: those end here.
    pub async fn start(light: &Light, plan: Plan, mask: Mask) -> Result<Self> {
        Self::between(light.authority(), light.url(), &light.authority().pem(), plan, mask).await
    }

    /// A proxy before the API server at `upstream`, whose certificate `trusted` vouches for. Its own is by `authority`.
    pub async fn between(authority: &Authority, upstream: &str, trusted: &str, plan: Plan, mask: Mask) -> Result<Self> {
        Self::over(Self::client(trusted)?, authority, upstream, plan, mask).await
    }

    /// What proxies reach an API server with whose certificate `trusted` vouches for. Several can share one, and then they
    /// share its connections.
    pub fn client(trusted: &str) -> Result<reqwest::Client> {
        let trusted = reqwest::Certificate::from_pem(trusted.as_bytes()).context("not an authority's certificate")?;
        let client = reqwest::Client::builder().tls_certs_only([trusted]).http1_only().no_proxy().tcp_nodelay(true);
        // Well before the API server closes what is idle: a request must not meet that.
        client.pool_idle_timeout(IDLE).build().context("cannot make the proxy's client")
    }

    /// See [`Proxy::between`]; by a client that is there already.
    pub async fn over(
        client: reqwest::Client,
        authority: &Authority,
        upstream: &str,
        plan: Plan,
        mask: Mask,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            client,
            upstream: upstream.trim_end_matches('/').to_owned(),
            log: Log::default(),
            engine: Arc::new(Engine::new(plan, mask)),
            gate: watch::Sender::new(Gate { incarnation: 1, open: true }),
            forwarding: watch::Sender::new(0),
            horizon: OnceLock::new(),
            mischief: OnceLock::new(),
            dying: AtomicBool::new(false),
        });
        let listener =
            TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.context("no port for the proxy")?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, acceptor(authority)?, shared.clone())).abort_handle();
        Ok(Self { address, url: format!("https://{address}"), shared, accepting })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The configuration of a client that goes through it with this token.
    pub async fn config(&self, light: &Light, token: &str) -> Result<kube::Config> {
        crate::light::config(&light.kubeconfig_with_token(&self.url, token)).await
    }

    /// The same without TLS, which costs a test more than all else does.
    pub async fn plain_config(&self, light: &Light, token: &str) -> Result<kube::Config> {
        crate::light::config(&light.kubeconfig_with_token(&format!("http://{}", self.address), token)).await
    }

    /// From now on lists and watches of the whole cluster see only what else carries these labels, as if nothing else were
    /// on the ground: runs side by side then cost each other nothing. Counts once.
    pub fn narrow(&self, horizon: Horizon) {
        // A second one would find the first at work already.
        let _ = self.shared.horizon.set(horizon);
    }

    /// From now on it knows how to do the mischief that a plan asks for. Counts once.
    pub fn arm(&self, mischief: Mischief) {
        let _ = self.shared.mischief.set(mischief);
    }

    /// What went through.
    pub fn log(&self) -> &Log {
        &self.shared.log
    }

    /// The plan it follows.
    pub fn plan(&self) -> &Plan {
        self.shared.engine.plan()
    }

    /// Whether all of the plan has come to pass.
    pub fn struck(&self) -> bool {
        self.shared.engine.struck()
    }

    /// The operator's current life, counted from 1.
    pub fn incarnation(&self) -> u32 {
        self.shared.gate.borrow().incarnation
    }

    /// Whether the operator's current life goes on.
    pub fn lives(&self) -> bool {
        self.shared.gate.borrow().open
    }

    /// Ends the operator's current life as far as the API server can tell: its connections are cut and nothing more
    /// of it is forwarded.
    pub fn kill(&self) {
        self.shared.kill();
    }

    /// Returns once the current life is over, by [`Proxy::kill`] or by the plan.
    pub async fn killed(&self) {
        let mut gate = self.shared.gate.subscribe();
        // The sender lives in self, so this cannot fail.
        let _ = gate.wait_for(|gate| !gate.open).await;
    }

    /// Begins the next life, when all that the last one sent has been answered.
    pub async fn revive(&self) {
        let mut forwarding = self.shared.forwarding.subscribe();
        let _ = forwarding.wait_for(|requests| *requests == 0).await;
        self.shared.dying.store(false, Ordering::SeqCst);
        self.shared.gate.send_modify(|gate| *gate = Gate { incarnation: gate.incarnation + 1, open: true });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.kill();
        self.accepting.abort();
    }
}

impl Shared {
    pub fn kill(&self) {
        self.gate.send_if_modified(|gate| std::mem::replace(&mut gate.open, false));
    }

    pub async fn do_mischief(&self, what: &str) {
        let Some(mischief) = self.mischief.get() else {
            return tracing::warn!("nobody knows how to do the mischief {what:?}");
        };
        if let Err(error) = mischief(what.to_owned()).await {
            tracing::warn!("the mischief {what:?} failed: {error:#}");
        }
    }

    /// Kills before the next request, or soon.
    pub fn kill_soon(self: &Arc<Self>) {
        self.dying.store(true, Ordering::SeqCst);
        let shared = self.clone();
        let life = self.gate.borrow().incarnation;
        tokio::spawn(async move {
            tokio::time::sleep(LAST_BREATH).await;
            if shared.gate.borrow().incarnation == life {
                shared.kill();
            }
        });
    }

    /// Whether a request of this life may go on; the first one after a last answer brings the end.
    pub fn admits(&self, incarnation: u32) -> bool {
        if self.dying.load(Ordering::SeqCst) {
            self.kill();
        }
        *self.gate.borrow() == Gate { incarnation, open: true }
    }
}

fn acceptor(authority: &Authority) -> Result<TlsAcceptor> {
    let certified = authority.server(&[])?;
    let certificate = CertificateDer::from_pem_slice(certified.certificate.as_bytes()).context("not a certificate")?;
    let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes()).context("not a key")?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config.with_no_client_auth().with_single_cert(vec![certificate], key)?;
    // One request at a time on each connection, so that cutting one cuts nothing else.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let gate = *shared.gate.borrow();
        if gate.open {
            tokio::spawn(serve(stream, acceptor.clone(), shared.clone(), gate));
        }
    }
}

/// Serves one connection until it or its operator's life ends.
async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>, life: Gate) {
    let mut gate = shared.gate.subscribe();
    let answering = async {
        stream.set_nodelay(true)?;
        let service = service_fn(|request| relay::handle(shared.clone(), life.incarnation, request));
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0] == TLS {
            let stream = acceptor.accept(stream).await?;
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await?;
        } else {
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        // A cut connection ends in an error, as planned; a caller that goes away is no business of ours.
        end = answering => if let Err(error) = end { tracing::trace!("connection ended: {error:#}") },
        _ = gate.wait_for(|now| *now != life) => {}
    }
}
