//! Relying parties that show a certificate (RFC 8705).

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};
use siths_idp::dev::browser::Inserted;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::TestIdp;
use super::proxy::exchange;

/// The host that asks relying parties for a certificate.
pub const MTLS: &str = "mtls.idp.localhost";

impl TestIdp {
    /// An address on the host that asks relying parties for a certificate.
    pub fn at_mtls(&self, path: &str) -> Url {
        let mut url = self.at(path);
        url.set_host(Some(MTLS)).unwrap();
        url
    }

    /// The kinds of handshakes with these hosts, one after another, by a client that resumes what it
    /// can.
    pub async fn handshakes(
        &self,
        names: &[&'static str],
        version: &'static SupportedProtocolVersion,
        card: Inserted,
    ) -> Vec<HandshakeKind> {
        let mut config = ClientConfig::builder_with_provider(default_provider().into())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(self.web_roots())
            .with_client_auth_cert(card.chain, card.key)
            .unwrap();
        config.resumption = Resumption::in_memory_sessions(8);
        let config = Arc::new(config);
        let mut kinds = Vec::new();
        for name in names {
            let stream = TcpStream::connect(self.node.addresses[0]).await.unwrap();
            let server = ServerName::try_from(*name).unwrap();
            let mut stream = TlsConnector::from(config.clone()).connect(server, stream).await.unwrap();
            let request =
                format!("GET /userinfo HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
            let answer = exchange(&mut stream, &request).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
            kinds.push(stream.get_ref().1.handshake_kind().unwrap());
        }
        kinds
    }
}
