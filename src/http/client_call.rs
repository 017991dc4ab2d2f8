//! What a client brings to an endpoint, read from the connection and the fields of its request.

use axum::http::{HeaderMap, Method};

use super::token::authorization;
use crate::flow::client_call::Call;
use crate::oidc::params::Params;
use crate::tls::{Host, Peer};

/// What was read; [`Received::call`] lends it to a story.
pub struct Received {
    method: Method,
    path: &'static str,
    authorization: Option<String>,
    dpop: Vec<String>,
    peer: Peer,
    address: String,
}

impl Received {
    /// Reads a request to one of [`crate::oidc::metadata::paths`].
    #[must_use]
    pub fn of(peer: &Peer, method: &Method, path: &'static str, headers: &HeaderMap) -> Self {
        // A field that is no text is kept as one that can be no proof.
        let dpop =
            headers.get_all("dpop").iter().map(|field| field.to_str().unwrap_or("").to_owned());
        Self {
            method: method.clone(),
            path,
            authorization: authorization(headers),
            dpop: dpop.collect(),
            peer: peer.clone(),
            address: peer.addr.ip().to_string(),
        }
    }

    /// Whether a DPoP field came with it.
    #[must_use]
    pub const fn has_proof(&self) -> bool {
        !self.dpop.is_empty()
    }

    /// The call, with the form that came with it.
    #[must_use]
    pub fn call<'a>(&'a self, params: Option<&'a Params>) -> Call<'a> {
        Call {
            method: self.method.as_str(),
            path: self.path,
            alias_host: match &self.peer.host {
                Host::Mtls { name } => Some(name),
                Host::Issuer | Host::Card { .. } => None,
            },
            authorization: self.authorization.as_deref(),
            dpop: &self.dpop,
            chain: self.peer.chain.as_ref(),
            params,
            address: &self.address,
        }
    }
}
