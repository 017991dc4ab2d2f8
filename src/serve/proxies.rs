//! The ports of proxies, from their configuration.
//!
//! Must never leave out a proof that is configured.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::HeaderName;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::ExposeSecret as _;

use crate::config::{self, Config, ProxyTransport, proxy_fields};
use crate::secret::sha256;
use crate::tls::{Balancers, Proxies, ProxyClients, ProxyParts, ProxyTls, TlsParts};

/// A CA of proxies that will not do.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct ProxyCaFault {
    file: PathBuf,
    why: String,
}

/// The balancers that announce their clients.
#[must_use]
pub fn balancers(config: &Config) -> Balancers {
    let config::ProxyProtocol { peers, others } = config.proxy_protocol.clone();
    Balancers { peers, others }
}

/// The header fields that only proxies may bring.
#[must_use]
pub fn fields(config: &Config) -> Arc<[HeaderName]> {
    let names = config.proxy.as_ref().map_or_else(proxy_fields, config::Proxy::fields);
    names.into_iter().filter_map(|name| HeaderName::try_from(name).ok()).collect()
}

/// What the ports of proxies are made of, beside what those of browsers are made of.
///
/// # Errors
/// [`ProxyCaFault`], naming the file.
pub fn parts(proxy: &config::Proxy, browsers: &TlsParts) -> Result<ProxyParts, ProxyCaFault> {
    let tls = match &proxy.transport {
        ProxyTransport::Plaintext => None,
        ProxyTransport::Tls(clients) => Some(ProxyTls {
            identity: browsers.identity.clone(),
            clients: clients.as_ref().map(certificates).transpose()?,
        }),
    };
    // The configuration has looked at the names: one that is none would leave a proof out.
    let name = |name: &String| HeaderName::try_from(name.as_str()).ok();
    let secret = proxy.secret.as_ref().map(|secret| {
        let good = secret.good.iter().map(|good| sha256(good.expose_secret().as_bytes()));
        let header = name(&secret.header);
        (header.unwrap_or(HeaderName::from_static("x-proxy-secret")), good.collect())
    });
    Ok(ProxyParts {
        hosts: browsers.hosts.clone(),
        proxies: Proxies { peers: proxy.peers.clone(), secret },
        tls,
        certificate: proxy.certificate.clone(),
        client_address: proxy.client_address,
        server_name: proxy.server_name_header.as_ref().and_then(name),
        proxy_fields: browsers.proxy_fields.clone(),
        settings: browsers.settings.clone(),
        places: browsers.places.clone(),
        counters: browsers.counters.clone(),
    })
}

fn certificates(clients: &config::ProxyClients) -> Result<ProxyClients, ProxyCaFault> {
    Ok(ProxyClients {
        roots: Arc::new(roots(&clients.ca)?),
        names: clients.names.clone(),
        fingerprints: clients.fingerprints.clone(),
    })
}

fn roots(file: &Path) -> Result<RootCertStore, ProxyCaFault> {
    let fault = |why: String| ProxyCaFault { file: file.to_owned(), why };
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(file).map_err(|error| fault(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| fault(error.to_string()))?;
        roots.add(certificate).map_err(|error| fault(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(fault("no certificate in PEM".to_owned()));
    }
    Ok(roots)
}
