//! HTTP/2 over TLS, by the `h2` crate.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use h2::client::SendRequest;
use http::{Method, Request};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Proxy;

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

pub async fn connect(proxy: &Proxy) -> SendRequest<bytes::Bytes> {
    let (client, connection) = h2::client::handshake(open(proxy, b"h2").await).await.unwrap();
    tokio::spawn(connection);
    client.ready().await.unwrap()
}

/// A TLS connection for this protocol.
pub async fn open(proxy: &Proxy, protocol: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(proxy.certificate.clone())).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(proxy.secure).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// The status of a GET, what came of its body, and whether it came to its end.
pub async fn get(proxy: &Proxy, path: &str) -> (Answer, bool) {
    let mut client = connect(proxy).await;
    let request = Request::builder().uri(format!("https://a{path}")).body(()).unwrap();
    let (response, _) = client.send_request(request, true).unwrap();
    let response = timeout(Duration::from_secs(20), response).await.unwrap().unwrap();
    let status = response.status().as_u16();
    let mut incoming = response.into_body();
    let mut body = Vec::new();
    while let Some(piece) = incoming.data().await {
        let Ok(piece) = piece else { return (Answer { status, body }, false) };
        let _ = incoming.flow_control().release_capacity(piece.len());
        body.extend_from_slice(&piece);
    }
    (Answer { status, body }, true)
}

/// A POST; its length is announced or not.
pub async fn post(proxy: &Proxy, path: &str, body: &[u8], announce: bool) -> Answer {
    let mut client = connect(proxy).await;
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("https://a{path}"))
        .header("content-type", "text/plain");
    if announce {
        request = request.header("content-length", body.len());
    }
    let (response, mut sender) = client.send_request(request.body(()).unwrap(), false).unwrap();
    let body = bytes::Bytes::copy_from_slice(body);
    let writing = tokio::spawn(async move {
        let mut left = body;
        while !left.is_empty() {
            sender.reserve_capacity(left.len().min(16 * 1024));
            let Some(Ok(room)) = poll_fn(|cx| sender.poll_capacity(cx)).await else { return };
            let piece = left.split_to(room.min(left.len()));
            if sender.send_data(piece, false).is_err() {
                return;
            }
        }
        let _ = sender.send_data(bytes::Bytes::new(), true);
    });
    let response = timeout(Duration::from_secs(20), response).await.unwrap().unwrap();
    let status = response.status().as_u16();
    let mut incoming = response.into_body();
    let mut body = Vec::new();
    while let Some(piece) = incoming.data().await {
        let piece = piece.unwrap();
        let _ = incoming.flow_control().release_capacity(piece.len());
        body.extend_from_slice(&piece);
    }
    writing.abort();
    Answer { status, body }
}
