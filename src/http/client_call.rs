//! What a client brings to an endpoint, read from the connection and the fields of its request.

use axum::http::{HeaderMap, Method};

use super::token::authorization;
use crate::flow::client_call::Call;
use crate::oidc::params::Params;
use crate::pki::PresentedChain;
use crate::tls::Peer;

/// What was read; [`Received::call`] lends it to a story.
pub struct Received {
    method: Method,
    path: &'static str,
    alias_host: Option<String>,
    authorization: Option<String>,
    dpop: Vec<String>,
    chain: Option<PresentedChain>,
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
            alias_host: None,
            authorization: authorization(headers),
            dpop: dpop.collect(),
            chain: peer.chain.clone(),
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
            alias_host: self.alias_host.as_deref(),
            authorization: self.authorization.as_deref(),
            dpop: &self.dpop,
            chain: self.chain.as_ref(),
            params,
            address: &self.address,
        }
    }
}
