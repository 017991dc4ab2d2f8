//! What a token is bound to: who uses it must prove to hold a key (RFC 7800 §3.1).

use serde::{Deserialize, Serialize};

/// The `cnf` claim of an access token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// The RFC 7638 thumbprint of a DPoP key (RFC 9449 §6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// The SHA-256 of a client certificate (RFC 8705 §3.1), in base64url.
    #[serde(rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

impl Confirmation {
    /// Whether it binds to nothing: a bearer token.
    #[must_use]
    pub const fn is_bearer(&self) -> bool {
        self.jkt.is_none() && self.certificate.is_none()
    }
}
