//! A router behind TLS on a free port, for browsers: cookies of ours are for encrypted connections alone.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use axum::serve::Listener;
use lab::light::Authority;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Where everybody here comes from.
const ADDRESS: [u8; 4] = [192, 0, 2, 99];

/// Connections that have shaken hands.
struct Door {
    address: SocketAddr,
    shaken: mpsc::Receiver<TlsStream<TcpStream>>,
}

impl Listener for Door {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.shaken.recv().await {
            Some(stream) => (stream, self.address),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

/// Serves a router under a name; where it listens.
///
/// # Errors
/// When there is no port or no certificate.
pub async fn open(authority: &Authority, name: &str, router: Router) -> Result<String> {
    let certified = authority.server(&[name])?;
    let chain = vec![CertificateDer::from_pem_slice(certified.certificate.as_bytes())?];
    let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes())?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (shake, shaken) = mpsc::channel(16);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, shake) = (acceptor.clone(), shake.clone());
            // A browser opens connections that it then does not use: nobody else waits for them.
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    let _ = shake.send(stream).await;
                }
            });
        }
    });
    let service = router.layer(from_fn(come_from));
    tokio::spawn(async move { axum::serve(Door { address, shaken }, service).await });
    Ok(address.to_string())
}

async fn come_from(mut request: Request, next: Next) -> axum::response::Response {
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((ADDRESS, 40_000))));
    next.run(request).await
}
