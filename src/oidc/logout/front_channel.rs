//! Logout by frames (OpenID Connect Front-Channel Logout 1.0 §2, §3).

use url::Url;
use uuid::Uuid;

use super::appended;
use crate::oidc::client::Client;
use crate::oidc::reply_to::issuer_identifier;

/// A page of a client that ends its session when it is shown in a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its address, with `iss` and `sid`.
    pub address: String,
    /// Its origin (RFC 6454 §6.2), for the Content-Security-Policy of the page around it.
    pub origin: String,
}

impl Frame {
    /// The frame of a client, where it has registered one.
    #[must_use]
    pub fn of(client: &Client, issuer: &Url, session_id: Uuid) -> Option<Self> {
        let uri = client.metadata.frontchannel_logout_uri.as_deref()?;
        let origin = Url::parse(uri).ok()?.origin().ascii_serialization();
        let sid = session_id.to_string();
        // §3: iss and sid come together. They tell nobody more than the client knows.
        let members = [("iss", issuer_identifier(issuer)), ("sid", &*sid)];
        Some(Self { address: appended(uri, &members), origin })
    }
}
