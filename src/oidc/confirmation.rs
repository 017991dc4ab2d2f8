//! What a token is bound to: who uses it must prove to hold a key (RFC 7800 §3.1).

use serde::{Deserialize, Serialize};

use crate::named::named;

named! {
    /// The scheme by which an access token is used: its `token_type`, too.
    pub enum TokenScheme {
        /// RFC 6750 §2.1.
        Bearer = "Bearer",
        /// RFC 9449 §7.1.
        Dpop = "DPoP",
    }
}

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
    /// The scheme by which a token is used that is bound so.
    #[must_use]
    pub const fn scheme(&self) -> TokenScheme {
        if self.jkt.is_some() { TokenScheme::Dpop } else { TokenScheme::Bearer }
    }

    /// Whether it binds to nothing: a bearer token.
    #[must_use]
    pub const fn is_bearer(&self) -> bool {
        self.jkt.is_none() && self.certificate.is_none()
    }

    /// Whether a call that proves `proved` may use what is bound to this: every key that is named here
    /// must have been proved, and perhaps others.
    #[must_use]
    pub fn is_held_by(&self, proved: &Self) -> bool {
        (self.jkt.is_none() || self.jkt == proved.jkt)
            && (self.certificate.is_none() || self.certificate == proved.certificate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(jkt: Option<&str>, certificate: Option<&str>) -> Confirmation {
        let text = |name: Option<&str>| name.map(str::to_owned);
        Confirmation { jkt: text(jkt), certificate: text(certificate) }
    }

    #[test]
    fn every_key_that_is_named_must_have_been_proved() {
        let both = bound(Some("a"), Some("c"));
        assert!(Confirmation::default().is_held_by(&Confirmation::default()));
        assert!(Confirmation::default().is_held_by(&both));
        assert!(bound(Some("a"), None).is_held_by(&both));
        assert!(both.is_held_by(&both));
        for other in [bound(None, None), bound(Some("a"), None), bound(Some("b"), Some("c"))] {
            assert!(!both.is_held_by(&other));
        }
    }
}
