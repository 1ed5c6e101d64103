//! TLS towards clients: versions, client certificates, files that are not there. TLS towards origins.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use waf_core::record::{Mode, Source};
use waf_proxy::settings::UpstreamTls;
use waf_proxy::tls::Tls;
use waf_proxy::upstream::authorities;

use crate::harness::http1::get;
use crate::harness::{Certificate, Origin, Proxy, settings};

type Pair = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// Whether a client gets an answer.
async fn is_served(proxy: &Proxy, only12: bool, shows: Option<Pair>) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(proxy.certificate.clone())).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let versions = if only12 { &[&rustls::version::TLS12] } else { &[&rustls::version::TLS13] };
    let builder = builder.with_protocol_versions(versions).unwrap().with_root_certificates(roots);
    let config = match shows {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => builder.with_client_auth_cert(vec![cert], key).unwrap(),
    };
    let stream = TcpStream::connect(proxy.secure).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let Ok(mut stream) = connected else { return false };
    let mut answer = [0; 12];
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(request).await.is_ok()
        && stream.read_exact(&mut answer).await.is_ok()
        && answer.starts_with(b"HTTP/1.1 200")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_least_version_holds() {
    let origin = Origin::start().await;
    let proxy = Proxy::start(&origin);
    assert!(is_served(&proxy, true, None).await && is_served(&proxy, false, None).await);
    let mut files = Certificate::new();
    files.tls.only_tls13 = true;
    let strict = Proxy::listening(settings(origin.address, Mode::Block), files);
    assert!(!is_served(&strict, true, None).await && is_served(&strict, false, None).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_asked_for() {
    let origin = Origin::start().await;
    let mut files = Certificate::new();
    // Self-signed: the server's own certificate is the authority, and the client's too.
    files.tls.client_ca = Some(files.tls.cert.clone());
    let cert = CertificateDer::from(files.der.clone());
    let key = PrivateKeyDer::try_from(files.key.clone()).unwrap();
    let proxy = Proxy::listening(settings(origin.address, Mode::Block), files);
    assert!(!is_served(&proxy, false, None).await);
    assert!(is_served(&proxy, false, Some((cert, key))).await);
}

#[test]
fn missing_files_are_an_error_and_change_nothing() {
    let files = Certificate::new();
    let tls = Tls::load(&files.tls).unwrap();
    std::fs::remove_file(&files.tls.key).unwrap();
    assert!(tls.reload().is_err());
    assert!(Tls::load(&files.tls).is_err());
}

/// TLS in front of a toy origin.
async fn terminator(origin: &Origin, files: &Certificate) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from(files.der.clone())];
    let key = PrivateKeyDer::try_from(files.key.clone()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, origin) = (listener.local_addr().unwrap(), origin.address);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut plain = TcpStream::connect(origin).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
            });
        }
    });
    address
}

/// The origin's certificate is always verified, its name too.
#[tokio::test(flavor = "multi_thread")]
async fn an_origin_must_show_the_right_certificate() {
    let origin = Origin::start().await;
    let (right, other) = (Certificate::new(), Certificate::new());
    let behind_tls = terminator(&origin, &right).await;
    for (server, name, trusted, status) in [
        (behind_tls, "localhost", &right, 200),
        (behind_tls, "elsewhere", &right, 502),
        (behind_tls, "localhost", &other, 502),
        // It waits for a request and never answers the handshake.
        (origin.address, "localhost", &right, 504),
    ] {
        let mut settings = settings(server, Mode::Block);
        let ca = authorities(vec![trusted.der.clone()]).unwrap();
        let tls = UpstreamTls { server_name: name.into(), ca: Some(ca) };
        let upstream = Arc::get_mut(&mut settings.routes[0].upstream).unwrap();
        (upstream.tls, upstream.connect) = (Some(tls), Duration::from_secs(3));
        let proxy = Proxy::with(settings);
        assert_eq!(get(proxy.address, "/").await.status, status, "{name} {server}");
        let source = if status == 200 { Source::Origin } else { Source::Proxy };
        assert_eq!(proxy.record().await.source, source);
    }
    assert_eq!(origin.state().requests.len(), 1);
}
