//! Relying parties that show a certificate (RFC 8705).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use rcgen::{CertificateParams, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};
use serde_json::{Value, json};
use siths_idp::dev::browser::{Inserted, client};
use siths_idp::dev::pki::card::Card;
use siths_idp::dev::pki::{Authority, IssuerName};
use siths_idp::oidc::client::{Client, ClientAuthentication};
use siths_idp::pki::{PresentedCertificate, PresentedChain};
use siths_idp::secret::sha256;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::proxy::exchange;
use super::{Answer, TestIdp, TokenRequest};

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
            let mut stream =
                TlsConnector::from(config.clone()).connect(server, stream).await.unwrap();
            let request =
                format!("GET /userinfo HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
            let answer = exchange(&mut stream, &request).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
            kinds.push(stream.get_ref().1.handshake_kind().unwrap());
        }
        kinds
    }
}

impl TestIdp {
    /// The client of a system, with a certificate in its TLS or without.
    pub fn system(&self, certificate: Option<Inserted>) -> reqwest::Client {
        client(self.pki().web_ca_pem(), certificate, rustls::ALL_VERSIONS).unwrap()
    }

    /// A function certificate, new and valid until bent.
    pub fn function(&self, host: &str, bend: impl FnOnce(Card) -> Card) -> Inserted {
        let authority = self.pki().authority(IssuerName::Function).unwrap();
        self.function_of(&authority, host, bend)
    }

    /// The same of another authority.
    pub fn function_of(
        &self,
        authority: &Authority,
        host: &str,
        bend: impl FnOnce(Card) -> Card,
    ) -> Inserted {
        let card = Card::function("SE2321000222-DEVF", host, self.clock.now());
        let files = bend(card).build(authority).unwrap();
        Inserted { chain: files.chain, key: files.key }
    }

    /// Registers a client by `tls_client_auth`, whose certificate has a host name.
    pub async fn register_system(&self, id: &str, host: &str) -> Client {
        self.register(|client| {
            client.id = id.to_owned();
            client.authentication = ClientAuthentication::TlsClientAuth;
            client.metadata.tls_client_auth_san_dns = Some(host.to_owned());
        })
        .await
    }

    /// The answer to a token request on the host that asks for certificates.
    pub async fn token_by_mtls(
        &self,
        request: &TokenRequest,
        certificate: Option<Inserted>,
    ) -> Answer {
        request.answer(&self.system(certificate), &self.at_mtls("/token")).await
    }

    /// The answer of UserInfo on that host.
    pub async fn user_info_by_mtls(
        &self,
        access_token: &str,
        certificate: Option<Inserted>,
    ) -> Answer {
        let request = self.system(certificate).get(self.at_mtls("/userinfo"));
        Answer::of(request.bearer_auth(access_token).send().await.unwrap()).await
    }
}

/// A certificate that nobody but itself vouches for.
pub fn self_signed(from: DateTime<Utc>, until: DateTime<Utc>) -> Inserted {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["system.example".to_owned()]).unwrap();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let at = |moment: DateTime<Utc>| {
        epoch + Duration::from_secs(u64::try_from(moment.timestamp()).unwrap())
    };
    (params.not_before, params.not_after) = (at(from), at(until));
    let certificate = params.self_signed(&key).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    Inserted { chain: vec![certificate.der().clone()], key }
}

/// Another of the same.
pub fn copy(certificate: &Inserted) -> Inserted {
    Inserted { chain: certificate.chain.clone(), key: certificate.key.clone_key() }
}

/// The JWK of a certificate's key.
pub fn jwk(certificate: &Inserted) -> Value {
    let chain = PresentedChain::new(certificate.chain.clone()).unwrap();
    PresentedCertificate::read(&chain).unwrap().jwk().unwrap()
}

/// The same with the certificate in it (RFC 7517 §4.7).
pub fn jwk_with_certificate(certificate: &Inserted) -> Value {
    let mut jwk = jwk(certificate);
    jwk["x5c"] = json!([STANDARD.encode(&certificate.chain[0])]);
    jwk
}

/// `x5t#S256` (RFC 8705 §3.1).
pub fn thumbprint(certificate: &Inserted) -> String {
    URL_SAFE_NO_PAD.encode(sha256(&certificate.chain[0]))
}
