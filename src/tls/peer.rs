//! Who is at the other end of a connection, and which requests may come over it.
//!
//! A [`Peer`] is an extension of every request. Must never be made from anything that a request
//! says of itself.

use std::net::SocketAddr;

use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::hosts::Host;
use crate::card_hosts::normalised;
use crate::pki::PresentedChain;

/// The other end of a TLS connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub addr: SocketAddr,
    /// Which host it connected to, by the server name of its ClientHello.
    pub host: Host,
    /// The host name that its requests may name, normalised; none when it asked for a server name
    /// that is not served here.
    pub authority: Option<String>,
    /// What it presented, on hosts that ask for a certificate, and unjudged.
    pub chain: Option<PresentedChain>,
    /// What was negotiated.
    pub tls: TlsFacts,
}

/// What was negotiated, in the names of the IANA registries.
#[derive(Clone, Debug, Default)]
pub struct TlsFacts {
    /// `TLSv1_2` or `TLSv1_3`.
    pub version: String,
    /// The cipher suite.
    pub cipher: String,
    /// The ALPN protocol, where one was agreed.
    pub alpn: Option<String>,
    /// The scheme of the signature that proved the client's key, where it has a certificate.
    pub signature: Option<String>,
}

impl Peer {
    /// Whether a request names another host than the one the connection is for.
    ///
    /// Every name that it gives counts: the authority of its target and each Host field
    /// (RFC 9112 §3.2). Ports are not compared, since a forwarder may change them. A request that
    /// gives no name, or one that cannot be read, is misdirected as well; and so is HTTP/2 on a card
    /// host, which a client can speak without having agreed on it by ALPN.
    #[must_use]
    pub fn is_misdirected<B>(&self, request: &axum::http::Request<B>) -> bool {
        let on_card_host = matches!(self.host, Host::Card { .. });
        if on_card_host && request.version() == Version::HTTP_2 {
            return true;
        }
        let target = request.uri().authority().map(|authority| host_of(authority.as_str()));
        let fields = request.headers().get_all(HOST).iter();
        let fields = fields.map(|field| field.to_str().ok().and_then(host_of));
        let mut named = target.into_iter().chain(fields).peekable();
        named.peek().is_none() || named.any(|name| name.is_none() || name != self.authority)
    }
}

/// Middleware: answers 421 to a request that names another host than its connection is for
/// (RFC 9110 §15.5.20), so that a browser which reuses connections across the names of one
/// certificate opens a new one. Without a [`Peer`] nothing passes.
pub async fn misdirected(request: Request, next: Next) -> Response {
    match request.extensions().get::<Peer>() {
        Some(peer) if !peer.is_misdirected(&request) => next.run(request).await,
        _ => (
            StatusCode::MISDIRECTED_REQUEST,
            [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CONNECTION, "close")],
            "misdirected\n",
        )
            .into_response(),
    }
}

/// Middleware: answers on card hosts end their connection and are kept nowhere, because a warm
/// connection would let a card that was pulled log in.
pub async fn card_headers(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>();
    let on_card_host = peer.is_some_and(|peer| matches!(peer.host, Host::Card { .. }));
    let mut response = next.run(request).await;
    if on_card_host {
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// The host of an authority, normalised, without its port. `None` where there is user information
/// or no authority can be read.
pub(super) fn host_of(text: &str) -> Option<String> {
    if text.contains('@') {
        return None;
    }
    let authority: Authority = text.parse().ok()?;
    Some(normalised(authority.host()))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::card_hosts::Asks;

    fn peer(authority: Option<&str>) -> Peer {
        Peer {
            addr: ([127, 0, 0, 1], 1).into(),
            host: Host::Issuer,
            authority: authority.map(str::to_owned),
            chain: None,
            tls: TlsFacts::default(),
        }
    }

    fn misdirected(authority: &str, uri: &str, hosts: &[&str]) -> bool {
        let mut request = Request::builder().uri(uri);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        peer(Some(authority)).is_misdirected(&request.body(()).unwrap())
    }

    #[test]
    fn another_or_no_or_an_unreadable_name_is_misdirected() {
        for (uri, hosts) in [
            ("/", &[][..]),
            ("/", &[""]),
            ("/", &["card.idp.localhost"]),
            ("/", &["idp.localhost", "card.idp.localhost"]),
            ("/", &["user@idp.localhost"]),
            ("/", &["idp.localhost/card"]),
            ("/", &["[::1]:8443"]),
            ("https://card.idp.localhost/", &["idp.localhost"]),
            ("https://idp.localhost/", &["card.idp.localhost"]),
        ] {
            assert!(misdirected("idp.localhost", uri, hosts), "{uri} {hosts:?}");
        }
    }

    #[test]
    fn the_name_of_the_connection_passes_with_any_port_case_or_dot() {
        for (uri, hosts) in [
            ("/", &["idp.localhost"][..]),
            ("/", &["IDP.localhost.:8443"]),
            ("https://idp.localhost:8443/", &[]),
            ("https://idp.localhost/", &["idp.localhost"]),
        ] {
            assert!(!misdirected("idp.localhost", uri, hosts), "{uri} {hosts:?}");
        }
        assert!(!misdirected("[::1]", "/", &["[::1]:8443"]));
    }

    #[test]
    fn http_2_without_being_asked_is_misdirected_on_card_hosts() {
        let request = Request::builder()
            .version(Version::HTTP_2)
            .uri("https://card.idp.localhost/")
            .body(())
            .unwrap();
        let mut peer = peer(Some("card.idp.localhost"));
        assert!(!peer.is_misdirected(&request));
        peer.host = Host::Card { name: "card.idp.localhost".into(), asks: Asks::ForNothing };
        assert!(peer.is_misdirected(&request));
    }

    #[test]
    fn a_connection_for_a_foreign_name_serves_nothing() {
        let request = Request::builder().uri("/").header(HOST, "other.example").body(()).unwrap();
        assert!(peer(None).is_misdirected(&request));
    }
}
