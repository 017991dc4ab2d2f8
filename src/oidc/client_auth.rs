//! Client authentication (OpenID Connect Core 1.0 §9; RFC 6749 §2.3; RFC 7523 §2.2, §3).
//!
//! Must never take a client at its word: [`AuthenticatedClient`] exists only after a proof, or is a
//! public one, which has nothing to prove by and is trusted with nothing of its own.

mod assertion;

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::client::{AuthMethod, Client, ClientAuthentication};
use super::params::{Params, ParamsFault};
use super::reply_to::issuer_identifier;
use crate::error::Code;
use crate::keys::jwt::PublicKey;
use crate::secret::{equal, sha256};

/// The `client_assertion_type` of RFC 7523 §2.2.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client that has proved who it is, or is a public one (RFC 6749 §2.1).
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    /// The client.
    pub client: Arc<Client>,
    /// The assertion that it used, still to be marked as used, in the database, before any answer.
    pub assertion: Option<UsedAssertion>,
}

impl AuthenticatedClient {
    /// Whether it proved nothing, because it has nothing to prove by.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.client.authentication == ClientAuthentication::None
    }

    /// The client, where a proof is needed: anybody can say that he is a public one.
    ///
    /// # Errors
    /// [`ClientAuthFault::Public`].
    pub fn confidential(self) -> Result<Self, ClientAuthFault> {
        if self.is_public() { Err(ClientAuthFault::Public) } else { Ok(self) }
    }
}

/// An assertion that must be used once only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedAssertion {
    /// SHA-256 of its `jti`.
    pub jti_hash: [u8; 32],
    /// Until when it must be remembered.
    pub expires_at: DateTime<Utc>,
}

/// What a request brought to prove the client.
#[derive(Debug)]
pub enum Presented {
    /// In the Authorization header (RFC 6749 §2.3.1).
    Basic {
        /// `client_id`, decoded.
        client_id: String,
        /// The secret, decoded.
        secret: SecretString,
    },
    /// In the form.
    Post {
        /// `client_id`.
        client_id: String,
        /// The secret.
        secret: SecretString,
    },
    /// A signed assertion.
    Assertion {
        /// The JWT.
        jwt: SecretString,
        /// `client_id`, where it was sent beside it.
        client_id: Option<String>,
    },
    /// Its name alone: a public client, or one that its connection proves (RFC 8705 §2).
    Name {
        /// `client_id`.
        client_id: String,
    },
}

/// Why a client was not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientAuthFault {
    /// A parameter sent more than once.
    #[error(transparent)]
    Params(#[from] ParamsFault),
    /// None.
    #[error("no client authentication")]
    Missing,
    /// More than one way (RFC 6749 §2.3).
    #[error("more than one way of client authentication")]
    Repeated,
    /// Credentials that cannot be read.
    #[error("credentials that cannot be read")]
    Malformed,
    /// Not registered, or switched off.
    #[error("unknown client")]
    Unknown,
    /// Another way than it is registered with.
    #[error("another method than the client is registered with")]
    Method,
    /// Nothing was proved, and nothing can be by a public client.
    #[error("a public client where a proof is needed")]
    Public,
    /// A wrong secret.
    #[error("wrong client secret")]
    Secret,
    /// No JWT of the shape of RFC 7523 §3.
    #[error("malformed assertion")]
    AssertionMalformed,
    /// A JWT of another type.
    #[error("a JWT of another type than client assertions have")]
    AssertionType,
    /// Signed with another algorithm than the client is registered with.
    #[error("assertion signed with another algorithm than the client is registered with")]
    AssertionAlg,
    /// Not signed by a key of the client.
    #[error("assertion not signed by a key of the client")]
    AssertionSignature,
    /// Past `exp`, before `nbf`, or valid for too long.
    #[error("assertion outside its time")]
    AssertionExpired,
    /// For somebody else.
    #[error("assertion for another audience")]
    AssertionAudience,
    /// Used before.
    #[error("assertion used before")]
    AssertionReplayed,
    /// A certificate, and no `client_id` beside it (RFC 8705 §2).
    #[error("a client certificate without client_id")]
    NameMissing,
    /// No certificate on the connection.
    #[error("no client certificate")]
    CertificateMissing,
    /// None of a system under a trusted authority.
    #[error("untrusted client certificate")]
    CertificateUntrusted,
    /// Not the one that is registered.
    #[error("another certificate than the client is registered with")]
    CertificateMismatch,
    /// Outside its validity.
    #[error("client certificate outside its validity")]
    CertificateExpired,
    /// Revoked by its issuer.
    #[error("revoked client certificate")]
    CertificateRevoked,
    /// Nobody can say whether it is revoked.
    #[error("client certificate of unknown status")]
    CertificateStatusUnknown,
}

impl ClientAuthFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Params(fault) => fault.code(),
            Self::Missing => Code::ClientAuthenticationMissing,
            Self::Repeated => Code::ClientAuthenticationRepeated,
            Self::Malformed => Code::ClientAuthenticationMalformed,
            Self::Unknown => Code::ClientNotRegistered,
            Self::Method => Code::ClientMethodUnregistered,
            Self::Public => Code::ClientPublic,
            Self::Secret => Code::ClientSecretWrong,
            Self::AssertionMalformed => Code::AssertionMalformed,
            Self::AssertionType => Code::AssertionTypeWrong,
            Self::AssertionAlg => Code::AssertionAlgWrong,
            Self::AssertionSignature => Code::AssertionSignatureWrong,
            Self::AssertionExpired => Code::AssertionExpired,
            Self::AssertionAudience => Code::AssertionAudienceWrong,
            Self::AssertionReplayed => Code::AssertionReplayed,
            Self::NameMissing => Code::ClientIdMissing,
            Self::CertificateMissing => Code::ClientCertificateMissing,
            Self::CertificateUntrusted => Code::ClientCertificateUntrusted,
            Self::CertificateMismatch => Code::ClientCertificateMismatch,
            Self::CertificateExpired => Code::ClientCertificateExpired,
            Self::CertificateRevoked => Code::ClientCertificateRevoked,
            Self::CertificateStatusUnknown => Code::ClientCertificateStatusUnknown,
        }
    }
}

impl Presented {
    /// Reads what proves the client from the Authorization header and the parameters.
    ///
    /// # Errors
    /// [`ClientAuthFault`]: missing, in more than one way, malformed.
    pub fn parse(
        authorization: Option<&str>,
        params: Option<&Params>,
    ) -> Result<Self, ClientAuthFault> {
        let param = |name: &str| match params {
            Some(params) => params.get(name).map(|value| value.map(str::to_owned)),
            None => Ok(None),
        };
        let basic = authorization.map(basic_credentials).transpose()?.flatten();
        let client_id = param("client_id")?;
        let secret = param("client_secret")?;
        let assertion = param("client_assertion")?;
        let assertion_type = param("client_assertion_type")?;
        match (basic, secret, assertion) {
            (Some((id, secret)), None, None) => {
                if client_id.is_some_and(|sent| sent != id) {
                    return Err(ClientAuthFault::Malformed);
                }
                Ok(Self::Basic { client_id: id, secret })
            }
            (None, Some(secret), None) => Ok(Self::Post {
                client_id: client_id.ok_or(ClientAuthFault::Malformed)?,
                secret: secret.into(),
            }),
            (None, None, Some(assertion)) => {
                if assertion_type.as_deref() != Some(ASSERTION_TYPE) {
                    return Err(ClientAuthFault::AssertionMalformed);
                }
                Ok(Self::Assertion { jwt: assertion.into(), client_id })
            }
            (None, None, None) if assertion_type.is_some() => {
                Err(ClientAuthFault::AssertionMalformed)
            }
            (None, None, None) => {
                client_id.map(|client_id| Self::Name { client_id }).ok_or(ClientAuthFault::Missing)
            }
            _ => Err(ClientAuthFault::Repeated),
        }
    }
}

impl Presented {
    /// Whether it is the name of the client and no more.
    #[must_use]
    pub const fn is_name(&self) -> bool {
        matches!(self, Self::Name { .. })
    }

    /// The client that it speaks of, before anything is proved.
    ///
    /// # Errors
    /// [`ClientAuthFault::AssertionMalformed`] where an assertion names nobody.
    pub fn client_id(&self) -> Result<Cow<'_, str>, ClientAuthFault> {
        match self {
            Self::Basic { client_id, .. }
            | Self::Post { client_id, .. }
            | Self::Name { client_id }
            | Self::Assertion { client_id: Some(client_id), .. } => Ok(client_id.into()),
            Self::Assertion { jwt, client_id: None } => {
                assertion::unverified_subject(jwt.expose_secret()).map(Cow::Owned)
            }
        }
    }
}

/// Where and when a client authenticates.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The issuer.
    pub issuer: &'a Url,
    /// The path of the endpoint that is called.
    pub path: &'a str,
    /// The host that is called, where it is not the issuer's (RFC 8705 §5).
    pub alias_host: Option<&'a str>,
    /// The present moment.
    pub now: DateTime<Utc>,
}

impl Circumstances<'_> {
    fn issuer_identifier(&self) -> &str {
        issuer_identifier(self.issuer)
    }

    /// What the addresses of the host that is called begin with, where it is not the issuer's.
    fn alias(&self) -> Option<String> {
        let mut alias = self.issuer.clone();
        alias.set_host(Some(self.alias_host?)).ok()?;
        Some(issuer_identifier(&alias).to_owned())
    }
}

/// Authenticates a client by what it presented. `keys` are the public keys of the client, where it
/// presented an assertion, which must then be marked as used.
///
/// # Errors
/// [`ClientAuthFault`].
pub fn authenticate(
    presented: &Presented,
    client: Arc<Client>,
    keys: &[PublicKey],
    at: Circumstances<'_>,
) -> Result<AuthenticatedClient, ClientAuthFault> {
    match presented {
        Presented::Basic { secret, .. } => {
            by_secret(&client, AuthMethod::ClientSecretBasic, secret)?;
            Ok(AuthenticatedClient { client, assertion: None })
        }
        Presented::Post { secret, .. } => {
            by_secret(&client, AuthMethod::ClientSecretPost, secret)?;
            Ok(AuthenticatedClient { client, assertion: None })
        }
        Presented::Assertion { jwt, .. } => {
            let used = assertion::by_assertion(&client, keys, jwt.expose_secret(), at)?;
            Ok(AuthenticatedClient { client, assertion: Some(used) })
        }
        // Whoever has something to prove by must.
        Presented::Name { .. } if client.authentication != ClientAuthentication::None => {
            Err(ClientAuthFault::Missing)
        }
        Presented::Name { .. } => Ok(AuthenticatedClient { client, assertion: None }),
    }
}

// RFC 7617 §2; RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
fn basic_credentials(header: &str) -> Result<Option<(String, SecretString)>, ClientAuthFault> {
    let Some((scheme, encoded)) = header.split_once(' ') else {
        return Err(ClientAuthFault::Malformed);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let malformed = ClientAuthFault::Malformed;
    let bytes = STANDARD.decode(encoded.trim()).map_err(|_| malformed)?;
    let text = String::from_utf8(bytes).map_err(|_| malformed)?;
    // At the last colon: a client_id that is an address has one, and our secrets have none.
    let (id, secret) = text.rsplit_once(':').ok_or(malformed)?;
    let decode = |part: &str| {
        let joined = format!("v={part}");
        url::form_urlencoded::parse(joined.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    // A raw "&" would end the value; a client that does not encode cannot have one in our secrets.
    if id.is_empty() || id.contains('&') || secret.contains('&') {
        return Err(malformed);
    }
    let (id, secret) = decode(id).zip(decode(secret)).ok_or(malformed)?;
    // The parser puts U+FFFD where the bytes are no UTF-8.
    if [&id, &secret].into_iter().any(|text| text.contains(char::REPLACEMENT_CHARACTER)) {
        return Err(malformed);
    }
    Ok(Some((id, secret.into())))
}

fn by_secret(
    client: &Client,
    method: AuthMethod,
    secret: &SecretString,
) -> Result<(), ClientAuthFault> {
    if client.authentication.method() != method {
        return Err(ClientAuthFault::Method);
    }
    let (ClientAuthentication::SecretBasic { hash } | ClientAuthentication::SecretPost { hash }) =
        &client.authentication
    else {
        return Err(ClientAuthFault::Method);
    };
    if equal(hash, &sha256(secret.expose_secret().as_bytes())) {
        Ok(())
    } else {
        Err(ClientAuthFault::Secret)
    }
}
