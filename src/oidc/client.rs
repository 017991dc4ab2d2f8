//! A relying party, as it is registered.
//!
//! Must never hold a client secret: only its SHA-256.

use std::collections::BTreeSet;
use std::fmt;

use super::client_metadata::ClientMetadata;
use super::scope::Scope;
use super::system_scope::SystemScope;
use crate::identity::assurance::Loa;
use crate::keys::alg::SigningAlg;
use crate::named::named;

/// A relying party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// What people read on pages.
    pub name: String,
    /// The system whose roles are asked for and told; without it any active user may log in.
    pub system: Option<String>,
    /// Whether it is switched on.
    pub enabled: bool,
    /// How it authenticates at the token endpoint, and by what.
    pub authentication: ClientAuthentication,
    /// Where answers may go: compared to the letter (RFC 9700 §2.1).
    pub redirect_uris: Vec<String>,
    /// The scopes of people that it may ask for.
    pub scopes: BTreeSet<Scope>,
    /// The scopes that it may ask for on its own behalf (RFC 6749 §4.4).
    pub system_scopes: BTreeSet<SystemScope>,
    /// What its tokens are signed with.
    pub signing_alg: SigningAlg,
    /// Whether it must send a code challenge.
    pub pkce: Pkce,
    /// Whether a session may stand in for the card.
    pub sign_on: SignOn,
    /// The lowest level of assurance it takes.
    pub required_loa: Option<Loa>,
    /// Who is told first of a failed login.
    pub told_first: ToldFirst,
    /// Its public keys by value (RFC 7517 §5).
    pub jwks: Option<serde_json::Value>,
    /// What it registered beyond that.
    pub metadata: ClientMetadata,
}

/// How a client authenticates (OpenID Connect Core 1.0 §9), and by what.
#[derive(Clone, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// By its secret in the Authorization header.
    SecretBasic {
        /// SHA-256 of the secret.
        hash: [u8; 32],
    },
    /// By its secret in the form.
    SecretPost {
        /// SHA-256 of the secret.
        hash: [u8; 32],
    },
    /// By an assertion that it signs (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// By a certificate of a trusted authority (RFC 8705 §2.1).
    TlsClientAuth,
    /// By a certificate that is registered itself (RFC 8705 §2.2).
    SelfSignedTlsClientAuth,
    /// Not at all: a public client (RFC 6749 §2.1).
    None,
}

impl ClientAuthentication {
    /// The method alone.
    #[must_use]
    pub const fn method(&self) -> AuthMethod {
        match self {
            Self::SecretBasic { .. } => AuthMethod::ClientSecretBasic,
            Self::SecretPost { .. } => AuthMethod::ClientSecretPost,
            Self::PrivateKeyJwt => AuthMethod::PrivateKeyJwt,
            Self::TlsClientAuth => AuthMethod::TlsClientAuth,
            Self::SelfSignedTlsClientAuth => AuthMethod::SelfSignedTlsClientAuth,
            Self::None => AuthMethod::None,
        }
    }
}

impl ClientAuthentication {
    /// Whether the certificate of its connection is the proof (RFC 8705 §2).
    #[must_use]
    pub const fn is_by_certificate(&self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }

    /// SHA-256 of its secret, where it has one.
    #[must_use]
    pub const fn secret_hash(&self) -> Option<&[u8; 32]> {
        match self {
            Self::SecretBasic { hash } | Self::SecretPost { hash } => Some(hash),
            Self::PrivateKeyJwt
            | Self::TlsClientAuth
            | Self::SelfSignedTlsClientAuth
            | Self::None => None,
        }
    }
}

impl fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientAuthentication").field(&self.method()).finish()
    }
}

named! {
    /// `token_endpoint_auth_method` (OpenID Connect Core 1.0 §9).
    pub enum AuthMethod {
        /// The secret in the Authorization header.
        ClientSecretBasic = "client_secret_basic",
        /// The secret in the form.
        ClientSecretPost = "client_secret_post",
        /// A signed assertion.
        PrivateKeyJwt = "private_key_jwt",
        /// A certificate of a trusted authority (RFC 8705 §2.1.1).
        TlsClientAuth = "tls_client_auth",
        /// A certificate that is registered itself (RFC 8705 §2.2.1).
        SelfSignedTlsClientAuth = "self_signed_tls_client_auth",
        /// None: a public client (RFC 7591 §2).
        None = "none",
    }
}

named! {
    /// Whether a code challenge (RFC 7636) must be sent. `plain` is never taken.
    pub enum Pkce {
        /// Every authorization request must have one.
        Required = "required",
        /// Certification plans and older libraries send none.
        Optional = "optional",
    }
}

named! {
    /// What it takes to be logged in.
    pub enum SignOn {
        /// Every login asks for the card, because workstations are shared.
        Card = "card",
        /// A session serves later logins, within its limits.
        Session = "session",
    }
}

named! {
    /// Who is told first of a failed login.
    pub enum ToldFirst {
        /// As the catalogue says for each code.
        Catalogue = "catalogue",
        /// The person, on a page, before the relying party is told.
        Person = "person",
    }
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_holds_no_hash_and_no_key() {
        let secret = ClientAuthentication::SecretBasic { hash: [7; 32] };
        assert_eq!(format!("{secret:?}"), "ClientAuthentication(ClientSecretBasic)");
    }
}
