//! TLS towards clients, by rustls: certificates can be read again without a restart.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use pingora::listeners::tls::Acceptor;
use pingora::protocols::Stream;
use pingora::protocols::l4::stream::Stream as TcpStreamOfPingora;
use pingora::tls::{
    RootCertStore, ServerConfig, WebPkiClientVerifier, install_default_crypto_provider,
    load_ca_file_into_store, load_certs_and_key_files, version,
};

use crate::settings::ListenerTls;

/// The TLS of one listener.
pub struct Tls {
    settings: ListenerTls,
    acceptor: ArcSwap<Acceptor>,
}

impl Tls {
    /// Reads the files.
    pub fn load(settings: &ListenerTls) -> io::Result<Self> {
        let acceptor = acceptor(settings)?;
        Ok(Self { settings: settings.clone(), acceptor: ArcSwap::from_pointee(acceptor) })
    }

    /// Reads the files again; when they are bad, the old ones stay.
    pub fn reload(&self) -> io::Result<()> {
        self.acceptor.store(Arc::new(acceptor(&self.settings)?));
        Ok(())
    }

    /// The handshake of a new connection.
    pub async fn handshake(&self, stream: TcpStreamOfPingora) -> pingora::prelude::Result<Stream> {
        let acceptor = self.acceptor.load_full();
        let stream = acceptor.tls_handshake(stream).await?;
        Ok(Box::new(stream))
    }
}

fn acceptor(settings: &ListenerTls) -> io::Result<Acceptor> {
    install_default_crypto_provider();
    let versions: &[_] =
        if settings.only_tls13 { &[&version::TLS13] } else { &[&version::TLS12, &version::TLS13] };
    let builder = ServerConfig::builder_with_protocol_versions(versions);
    let builder = match &settings.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let verifier = WebPkiClientVerifier::builder(Arc::new(authorities(file)?)).build();
            builder.with_client_cert_verifier(verifier.map_err(io::Error::other)?)
        }
    };
    let files = load_certs_and_key_files(&text(&settings.cert)?, &text(&settings.key)?);
    let (certificates, key) = files
        .map_err(io::Error::other)?
        .ok_or_else(|| io::Error::other("no certificate or no key in the files"))?;
    let config = builder.with_single_cert(certificates, key).map_err(io::Error::other)?;
    Ok(Acceptor::from_server_config(Arc::new(with_protocols(config, settings.h2))))
}

fn with_protocols(mut config: ServerConfig, h2: bool) -> ServerConfig {
    let names: &[&[u8]] = if h2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    config.alpn_protocols = names.iter().map(|name| name.to_vec()).collect();
    config
}

fn authorities(file: &Path) -> io::Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    load_ca_file_into_store(text(file)?, &mut store).map_err(io::Error::other)?;
    Ok(store)
}

fn text(file: &Path) -> io::Result<String> {
    let text = file.to_str().ok_or_else(|| io::Error::other("a path that is not UTF-8"))?;
    Ok(text.to_owned())
}
