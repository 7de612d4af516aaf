//! A journey in a real browser, on a page served here.

#![cfg(test)]

use std::path::Path;
use std::time::Duration;

use lab::browser::{Browser, Visit};
use lab::cache::Cache;
use lab::light::Authority;
use lab::tools::Quiet;
use lab::wait;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const PAGE: &str = r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Nest</title>
<meta name="color-scheme" content="light dark"></head><body><main><h1>Nest</h1>
<p role="status">fed 0</p><button type="button">Feed</button></main><script>
let fed = 0;
document.querySelector('button').onclick = () => {
  document.querySelector('p').textContent = `fed ${++fed}`;
};
</script></body></html>"#;

/// Serves `page` by TLS on a free port; returns the port.
async fn serve(authority: &Authority, page: String) -> u16 {
    let certified = authority.server(&["nest.steppe.test"]).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(certified.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, page) = (acceptor.clone(), page.clone());
            tokio::spawn(async move {
                // A browser opens connections that it then does not use.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut asked = [0; 4096];
                let count = stream.read(&mut asked).await.unwrap_or(0);
                let found = asked[..count].starts_with(b"GET / ");
                let (status, body) = if found { ("200 OK", page.as_str()) } else { ("204 No Content", "") };
                let head = "Content-Type: text/html; charset=utf-8\r\nConnection: close";
                let answer = format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    port
}

async fn browser() -> Browser {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Browser::prepare(&Cache::open(None).unwrap(), &mut Quiet).await.unwrap()
}

fn visit(authority: &Authority, port: u16, folder: &Path) -> Visit {
    let ca = folder.join("ca.crt");
    std::fs::write(&ca, authority.pem()).unwrap();
    Visit {
        given: json!({ "url": format!("https://nest.steppe.test:{port}/") }),
        own: vec!["nest.steppe.test".into()],
        ca: Some(ca),
        hosts: vec![("*.steppe.test".into(), "127.0.0.1".into())],
        pictures: folder.join("pictures"),
        limit: Duration::from_secs(180),
    }
}

#[tokio::test]
async fn a_page_is_opened_used_and_judged() {
    let browser = browser().await;
    let (authority, folder) = (Authority::new().unwrap(), tempfile::tempdir().unwrap());
    let port = serve(&authority, PAGE.into()).await;
    let outcome = browser.run("smoke", &visit(&authority, port, folder.path())).await.unwrap();
    assert_eq!(outcome.result, json!({ "status": "fed 2", "bare": "fed 0" }));
    assert_eq!(outcome.complaints(), [""; 0]);
    for picture in ["nest.png", "nest-plain.png"] {
        let png = std::fs::read(folder.path().join("pictures").join(picture)).unwrap();
        assert!(png.starts_with(b"\x89PNG"), "{picture}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_page_is_told() {
    let browser = browser().await;
    let (authority, folder) = (Authority::new().unwrap(), tempfile::tempdir().unwrap());
    let wrong = "<img src='https://elsewhere.test/a.png'><p style='color:#ccc;background:#fff'>pale</p><script>missing()</script>";
    let port = serve(&authority, PAGE.replace("</main>", &format!("{wrong}</main>"))).await;
    let outcome = browser.run("smoke", &visit(&authority, port, folder.path())).await.unwrap();
    let rules: Vec<&str> = outcome.findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert!(rules.contains(&"image-alt") && rules.contains(&"color-contrast"), "{rules:?}");
    assert!(outcome.foreign.iter().any(|url| url == "https://elsewhere.test/a.png"), "{:?}", outcome.foreign);
    assert!(outcome.console.iter().any(|line| line.contains("missing is not defined")), "{:?}", outcome.console);
}

#[tokio::test]
async fn a_journey_that_fails_says_where_it_stood() {
    let browser = browser().await;
    let (authority, folder) = (Authority::new().unwrap(), tempfile::tempdir().unwrap());
    let port = serve(&authority, PAGE.into()).await;
    let mut visit = visit(&authority, port, folder.path());
    visit.given["miss"] = json!(500);
    let error = format!("{:#}", browser.run("smoke", &visit).await.unwrap_err());
    for word in
        ["not there", "again without script, in the dark", "fed 2", &format!("https://nest.steppe.test:{port}/")]
    {
        assert!(error.contains(word), "{word:?} is not in {error}");
    }
    assert!(folder.path().join("pictures/failed-1.png").is_file());

    let mut late = Visit { limit: Duration::from_secs(8), ..visit };
    late.given["miss"] = json!(60_000);
    let error = browser.run("smoke", &late).await.unwrap_err().to_string();
    assert!(error.contains("not over after"), "{error}");
    assert!(browser.run("no-such-journey", &late).await.is_err());
    // The browser of a journey that was cut off goes too.
    wait::until("no browser to be left whose home is gone", Duration::from_secs(60), async || {
        let left: Vec<String> = homeless();
        anyhow::ensure!(left.is_empty(), "{left:?}");
        Ok(Some(()))
    })
    .await
    .unwrap();
}

/// The homes that browsers have on their command lines and that are no longer there.
fn homeless() -> Vec<String> {
    let mut homes = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let home = line.split("/tmp/steppe-home-").nth(1).and_then(|rest| rest.split('/').next());
        homes.extend(home.map(|home| format!("/tmp/steppe-home-{home}")));
    }
    homes.retain(|home| !Path::new(home).exists());
    homes
}
