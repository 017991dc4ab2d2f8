//! A browser without a window: cookies by host, redirects one at a time, and a card in the reader.
//!
//! It offers its certificate only where a server asks for one, as browsers do.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use url::Url;

/// More redirects than any login has.
const MOST_REDIRECTS: usize = 20;

/// What is in the card reader: a certificate with its key.
pub struct Inserted {
    /// Leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key of the leaf.
    pub key: PrivateKeyDer<'static>,
}

impl Inserted {
    /// Reads a card from its PEM files.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn load(certificates: &Path, key: &Path) -> anyhow::Result<Self> {
        let chain = CertificateDer::pem_file_iter(certificates)?.collect::<Result<_, _>>()?;
        Ok(Self { chain, key: PrivateKeyDer::from_pem_file(key)? })
    }
}

/// A browser.
pub struct Browser {
    client: reqwest::Client,
    cookies: BTreeMap<(String, String), String>,
}

/// What a server answered.
#[derive(Debug)]
pub struct Response {
    /// Where it came from.
    pub url: Url,
    /// The status.
    pub status: u16,
    /// The header.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Response {
    /// Where it redirects to.
    #[must_use]
    pub fn location(&self) -> Option<Url> {
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        self.url.join(location).ok()
    }
}

impl Browser {
    /// A new browser that trusts one web CA, with a card in its reader or none.
    ///
    /// # Errors
    /// When the CA or the card cannot be used.
    pub fn new(web_ca: &Path, card: Option<Inserted>) -> anyhow::Result<Self> {
        Ok(Self { client: client(web_ca, card, rustls::ALL_VERSIONS)?, cookies: BTreeMap::new() })
    }

    /// The same browser with another card in its reader: cookies stay.
    ///
    /// # Errors
    /// When the CA or the card cannot be used.
    pub fn insert(&mut self, web_ca: &Path, card: Option<Inserted>) -> anyhow::Result<()> {
        self.client = client(web_ca, card, rustls::ALL_VERSIONS)?;
        Ok(())
    }

    /// Fetches one address, following nothing.
    ///
    /// # Errors
    /// When the server cannot be reached or breaks off.
    pub async fn get(&mut self, url: &Url) -> anyhow::Result<Response> {
        self.send(self.client.get(url.clone()), url).await
    }

    /// Sends a form, following nothing.
    ///
    /// # Errors
    /// When the server cannot be reached or breaks off.
    pub async fn post(&mut self, url: &Url, form: &[(&str, &str)]) -> anyhow::Result<Response> {
        self.send(self.client.post(url.clone()).form(form), url).await
    }

    async fn send(
        &mut self,
        request: reqwest::RequestBuilder,
        url: &Url,
    ) -> anyhow::Result<Response> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let sent: Vec<String> = self
            .cookies
            .iter()
            .filter(|((of, _), _)| *of == host)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        let request =
            if sent.is_empty() { request } else { request.header(COOKIE, sent.join("; ")) };
        let response = request.send().await.with_context(|| format!("fetching {host}"))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for field in headers.get_all(SET_COOKIE) {
            let pair = field.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert((host.clone(), name.to_owned()), value.to_owned());
            }
        }
        let body = response.text().await?;
        Ok(Response { url: url.clone(), status, headers, body })
    }

    /// Follows redirects until an answer is none, or leads to an address that `stop` names; returns
    /// every answer on the way, the last one last.
    ///
    /// # Errors
    /// When a server cannot be reached, or redirects never end.
    pub async fn follow(
        &mut self,
        url: &Url,
        stop: impl Fn(&Url) -> bool,
    ) -> anyhow::Result<Vec<Response>> {
        let mut answers = Vec::new();
        let mut next = url.clone();
        while answers.len() < MOST_REDIRECTS {
            let answer = self.get(&next).await?;
            let location = answer.location();
            answers.push(answer);
            match location {
                Some(location) if !stop(&location) => next = location,
                _ => return Ok(answers),
            }
        }
        bail!("redirected {MOST_REDIRECTS} times")
    }

    /// Takes the cookies of another: two tabs of one browser.
    pub fn take_cookies(&mut self, other: Self) {
        self.cookies.extend(other.cookies);
    }

    /// Forgets a cookie.
    pub fn forget(&mut self, name: &str) {
        self.cookies.retain(|(_, found), _| found != name);
    }

    /// The value of a cookie of a host.
    #[must_use]
    pub fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        self.cookies.get(&(host.to_owned(), name.to_owned())).map(String::as_str)
    }
}

/// An HTTP client that trusts one web CA and finds every name under `localhost` on loopback.
///
/// # Errors
/// When the CA or the card cannot be used.
pub fn client(
    web_ca: &Path,
    card: Option<Inserted>,
    versions: &[&'static SupportedProtocolVersion],
) -> anyhow::Result<reqwest::Client> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(web_ca)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_root_certificates(roots);
    let tls = match card {
        Some(card) => {
            let odd = super::odd_key::resolver(&card.chain, &card.key);
            match (tls.clone().with_client_auth_cert(card.chain, card.key), odd) {
                (Err(_), Some(odd)) => tls.with_client_cert_resolver(odd),
                (result, _) => result?,
            }
        }
        None => tls.with_no_client_auth(),
    };
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Loopback)
        .redirect(Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .build()?)
}

/// `localhost` and all below it is this machine (RFC 6761 §6.3), without asking anybody.
#[derive(Clone)]
struct Loopback;

impl Resolve for Loopback {
    fn resolve(&self, name: Name) -> Resolving {
        let is_ours = name.as_str() == "localhost" || name.as_str().ends_with(".localhost");
        Box::pin(async move {
            if !is_ours {
                return Err("only names under localhost are resolved".into());
            }
            let here = SocketAddr::from(([127, 0, 0, 1], 0));
            Ok(Box::new(std::iter::once(here)) as Addrs)
        })
    }
}
