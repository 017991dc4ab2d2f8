//! Fetching over HTTP from configured addresses: bounded in time and size, and never inward.
//!
//! Callers give addresses from the configuration or the registration of a client. Must never be given
//! one out of a certificate or a request, never follow a redirect, never use a proxy of the
//! environment, and never connect to an address of an inner network that the configuration does not
//! list (SSRF).

mod inward;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, RequestBuilder, Response, StatusCode};
use url::{Host, Url};

/// The longest validator that is kept and sent back.
const MAX_VALIDATOR: usize = 512;

/// How much is set aside for a body before it has come, whatever its header says.
const MAX_RESERVED: usize = 1024 * 1024;

/// Fetches from addresses that the configuration names.
#[derive(Clone)]
pub struct Fetcher {
    client: Client,
    guard: Guard,
}

/// How much is waited for and taken.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the request to the last byte of the answer.
    pub time: Duration,
    /// Bytes of the body.
    pub bytes: usize,
}

/// What makes a request conditional (RFC 9110 §8.8), as an answer gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// What an address answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Fetched {
    /// What the validators stand for is still what is there.
    Unchanged,
    /// Something.
    Body {
        /// Its bytes.
        bytes: Vec<u8>,
        /// What to ask by the next time.
        validators: Validators,
        /// For how long its server says it may be kept (RFC 9111 §5.2.2).
        max_age: Option<Duration>,
    },
}

/// Why nothing was fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFault {
    /// The address leads to an inner network that is not listed.
    #[error("{0} is an address of an inner network, and is not in private_networks")]
    Inward(IpAddr),
    /// The address is neither http nor https, or names no host.
    #[error("the address is not http or https with a host")]
    Address,
    /// A redirect, which is never followed.
    #[error("answered with a redirect ({0}), which is not followed")]
    Redirected(u16),
    /// Another status than success.
    #[error("answered with status {0}")]
    Status(u16),
    /// More bytes than are taken.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// It took too long.
    #[error("no whole answer in time")]
    TimedOut,
    /// Nobody is there, or the connection broke.
    #[error("{0}")]
    Failed(String),
}

impl Fetcher {
    /// A fetcher that goes to `inner` networks besides public addresses.
    ///
    /// # Errors
    /// When the machine has no certificate authorities to check `https` servers by, and one of the
    /// `addresses` is such.
    pub fn new(inner: &[IpNet], connect: Duration, addresses: &[&Url]) -> Result<Self, FetchFault> {
        let guard = Guard(inner.into());
        let mut builder = builder(&guard, connect);
        // Revocation is fetched over http by most, which needs no authorities at all.
        if addresses.iter().all(|address| address.scheme() == "http") {
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| FetchFault::Failed(told(&error)))?;
        Ok(Self { client, guard })
    }

    /// A fetcher that goes by `https`, and takes servers that the machine believes, or, where
    /// `authorities` (PEM) are given, those that these vouch for and no others.
    ///
    /// # Errors
    /// When the authorities cannot be used, or when the machine has none and none are given.
    pub fn by_https(
        inner: &[IpNet],
        connect: Duration,
        authorities: &[Vec<u8>],
    ) -> Result<Self, FetchFault> {
        let failed = |error: reqwest::Error| FetchFault::Failed(told(&error));
        let guard = Guard(inner.into());
        let mut builder = builder(&guard, connect).https_only(true);
        if !authorities.is_empty() {
            let read = authorities.iter().map(|pem| Certificate::from_pem_bundle(pem));
            let read = read.collect::<Result<Vec<_>, _>>().map_err(failed)?;
            if read.iter().any(Vec::is_empty) {
                return Err(FetchFault::Failed(
                    "a file of authorities holds no certificate".into(),
                ));
            }
            builder = builder.tls_certs_only(read.into_iter().flatten());
        }
        let client = builder.build().map_err(failed)?;
        Ok(Self { client, guard })
    }

    /// The status that is answered to something that is posted; the answer itself is not read.
    ///
    /// # Errors
    /// [`FetchFault`], but for any status.
    pub async fn notify(
        &self,
        url: &Url,
        content_type: &'static str,
        content: Vec<u8>,
        time: Duration,
    ) -> Result<u16, FetchFault> {
        let content_type = HeaderValue::from_static(content_type);
        let request = self.client.post(url.clone()).header(CONTENT_TYPE, content_type);
        let response = self.send(url, request.body(content), Bounds { time, bytes: 0 }).await?;
        Ok(response.status().as_u16())
    }

    /// What is at an address, if it is not what the validators stand for.
    ///
    /// # Errors
    /// [`FetchFault`].
    pub async fn get(
        &self,
        url: &Url,
        known: &Validators,
        bounds: Bounds,
    ) -> Result<Fetched, FetchFault> {
        let mut request = self.client.get(url.clone());
        let fields = [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)];
        let mut conditional = false;
        for (name, value) in fields {
            let value = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok());
            if let Some(value) = value {
                request = request.header(name, value);
                conditional = true;
            }
        }
        let response = self.send(url, request, bounds).await?;
        if conditional && response.status() == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::Unchanged);
        }
        let (validators, max_age) = (validators(response.headers()), max_age(response.headers()));
        Ok(Fetched::Body { bytes: body(response, bounds.bytes).await?, validators, max_age })
    }

    /// The answer to something that is posted.
    ///
    /// # Errors
    /// [`FetchFault`].
    pub async fn post(
        &self,
        url: &Url,
        content_type: &'static str,
        content: Vec<u8>,
        bounds: Bounds,
    ) -> Result<Vec<u8>, FetchFault> {
        let content_type = HeaderValue::from_static(content_type);
        let request = self.client.post(url.clone()).header(CONTENT_TYPE, content_type);
        let response = self.send(url, request.body(content), bounds).await?;
        body(response, bounds.bytes).await
    }

    async fn send(
        &self,
        url: &Url,
        request: RequestBuilder,
        bounds: Bounds,
    ) -> Result<Response, FetchFault> {
        // An address in figures is connected to without asking the resolver.
        may_be_fetched(url, &self.guard.0)?;
        request.timeout(bounds.time).send().await.map_err(|error| fault(&error))
    }
}

fn builder(guard: &Guard, connect: Duration) -> ClientBuilder {
    Client::builder()
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .dns_resolver(guard.clone())
        .connect_timeout(connect)
        .user_agent("siths-idp")
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher").field("inner", &self.guard.0).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unchanged => f.write_str("Unchanged"),
            Self::Body { bytes, validators, .. } => {
                write!(f, "Body({} bytes, {validators:?})", bytes.len())
            }
        }
    }
}

/// Whether an address can be fetched from at all, as far as it can be told without a network.
///
/// # Errors
/// [`FetchFault::Address`] and [`FetchFault::Inward`].
pub fn may_be_fetched(url: &Url, inner: &[IpNet]) -> Result<(), FetchFault> {
    let address = match (url.scheme(), url.host()) {
        ("http" | "https", Some(Host::Ipv4(address))) => IpAddr::V4(address),
        ("http" | "https", Some(Host::Ipv6(address))) => IpAddr::V6(address),
        ("http" | "https", Some(Host::Domain(_))) => return Ok(()),
        _ => return Err(FetchFault::Address),
    };
    if admits(inner, address) { Ok(()) } else { Err(FetchFault::Inward(address)) }
}

fn admits(inner: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    !inward::is_inward(address) || inner.iter().any(|network| network.contains(&address))
}

async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, FetchFault> {
    let status = response.status();
    if status.is_redirection() {
        return Err(FetchFault::Redirected(status.as_u16()));
    }
    if status != StatusCode::OK {
        return Err(FetchFault::Status(status.as_u16()));
    }
    let announced =
        response.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced > most {
        return Err(FetchFault::TooLong(most));
    }
    // The header is a promise; what comes is counted.
    let mut bytes = Vec::with_capacity(announced.min(MAX_RESERVED));
    while let Some(chunk) = response.chunk().await.map_err(|error| fault(&error))? {
        if chunk.len() > most - bytes.len() {
            return Err(FetchFault::TooLong(most));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn validators(headers: &HeaderMap) -> Validators {
    let text = |name: HeaderName| {
        let value = headers.get(name)?.to_str().ok()?;
        (value.len() <= MAX_VALIDATOR).then(|| value.to_owned())
    };
    Validators { etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
}

// RFC 9111 §5.2.2.1, §5.2.2.4, §5.2.2.5: not at all where it says no-cache or no-store.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let fields = headers.get_all(CACHE_CONTROL).iter().filter_map(|field| field.to_str().ok());
    let directives: Vec<String> = fields
        .flat_map(|field| field.split(','))
        .map(|directive| directive.trim().to_ascii_lowercase())
        .collect();
    if directives.iter().any(|directive| directive == "no-cache" || directive == "no-store") {
        return Some(Duration::ZERO);
    }
    let seconds = directives.iter().find_map(|directive| directive.strip_prefix("max-age="))?;
    seconds.trim_matches('"').parse().ok().map(Duration::from_secs)
}

fn fault(error: &reqwest::Error) -> FetchFault {
    if error.is_timeout() {
        return FetchFault::TimedOut;
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(inward) = cause.downcast_ref::<FetchFault>() {
            return inward.clone();
        }
        source = cause.source();
    }
    FetchFault::Failed(told(error))
}

/// The innermost cause, which says the most; without the address, which the caller knows.
fn told(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Lets through public addresses and listed inner networks. It is the resolver of the client, so
/// that what was checked is what is connected to, however often a name is asked for.
#[derive(Clone)]
struct Guard(Arc<[IpNet]>);

impl Guard {
    fn admits(&self, address: IpAddr) -> bool {
        admits(&self.0, address)
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = lookup(name.as_str()).await?;
            let refused = found.iter().map(SocketAddr::ip).find(|ip| !guard.admits(*ip));
            let admitted: Vec<SocketAddr> =
                found.into_iter().filter(|address| guard.admits(address.ip())).collect();
            match refused {
                Some(address) if admitted.is_empty() => Err(FetchFault::Inward(address).into()),
                _ => Ok(Box::new(admitted.into_iter()) as Addrs),
            }
        })
    }
}

/// The addresses of a name. `localhost` and all below it is this machine (RFC 6761 §6.3), without
/// asking anybody.
async fn lookup(name: &str) -> std::io::Result<Vec<SocketAddr>> {
    if name == "localhost" || name.ends_with(".localhost") {
        return Ok(vec![SocketAddr::from(([127, 0, 0, 1], 0))]);
    }
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

#[cfg(test)]
mod tests;
