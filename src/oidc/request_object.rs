//! Request objects (RFC 9101; OpenID Connect Core 1.0 §6.1): an authorization request as a JWT that the
//! client signed.
//!
//! What is signed is all that counts: once there is a request object, no parameter beside it is read
//! (RFC 9101 §6.3). Must never take one that is not signed by a key that the client registered.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use url::Url;

use super::client::Client;
use super::client_auth::UsedAssertion;
use super::client_metadata::Profile;
use super::metadata::paths;
use super::numeric_date::moment;
use super::params::{Params, ParamsFault};
use super::reply_to::issuer_identifier;
use crate::error::Code;
use crate::keys::ClientAlg;
use crate::keys::jwt::{self, PublicKey, VerifyFault};
use crate::secret::sha256;

/// How far clocks may differ.
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// The longest life of one, and so how long its `jti` is remembered at most.
const LONGEST: TimeDelta = TimeDelta::hours(24);
/// The same by FAPI 2.0 Message Signing §5.3.1, counted from `nbf`.
const LONGEST_FAPI: TimeDelta = TimeDelta::minutes(60);

/// Claims that speak of the JWT itself (RFC 7519 §4.1), and are no parameters.
const OF_THE_JWT: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// A request object whose signature and claims were judged.
pub struct OpenedRequest {
    /// The parameters in it, and no others.
    pub params: Params,
    /// What makes it single-use, still to be marked as used; none where it has no `jti` and `exp`.
    pub once: Option<UsedAssertion>,
}

/// Why a request object is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestObjectFault {
    /// From a client that registered no keys to check it by.
    #[error("the client has no keys that a request object could be signed by")]
    Unsupported,
    /// A JWE that does not open, or holds no JWT.
    #[error("encrypted to no key of ours, or around no JWT")]
    Encrypted,
    /// No JWT, or one of another kind, or a claim that is no parameter.
    #[error("no JWT of the shape of a request object")]
    Malformed,
    /// `none`, a symmetric one, or another than the client registered.
    #[error("an algorithm that the client did not register")]
    Algorithm,
    /// By no key of the client.
    #[error("not signed by a key of the client")]
    Signature,
    /// `iss` or `client_id` is not the client that asks.
    #[error("of another client")]
    Client,
    /// For somebody else, or for nobody.
    #[error("for another audience")]
    Audience,
    /// Past `exp`, before `nbf`, or valid for too long.
    #[error("outside its time")]
    Expired,
    /// A `request` or `request_uri` in it (RFC 9101 §4).
    #[error("a request object in a request object")]
    Nested,
    /// `response_type` beside it is another than the one in it (OpenID Connect Core 1.0 §6.1).
    #[error("response_type differs from the one beside it")]
    Contradicted,
    /// Its `jti` was used before.
    #[error("used before")]
    Replayed,
    /// The parameters in it.
    #[error(transparent)]
    Params(#[from] ParamsFault),
}

impl RequestObjectFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Unsupported => Code::RequestObjectUnsupported,
            Self::Encrypted => Code::RequestObjectEncryptedWrong,
            Self::Malformed => Code::RequestObjectMalformed,
            Self::Algorithm => Code::RequestObjectAlgorithmWrong,
            Self::Signature => Code::RequestObjectSignatureWrong,
            Self::Client => Code::RequestObjectClientWrong,
            Self::Audience => Code::RequestObjectAudienceWrong,
            Self::Expired => Code::RequestObjectExpired,
            Self::Nested => Code::RequestObjectNested,
            Self::Contradicted => Code::RequestObjectContradicted,
            Self::Replayed => Code::RequestObjectReplayed,
            Self::Params(fault) => fault.code(),
        }
    }
}

impl From<VerifyFault> for RequestObjectFault {
    fn from(fault: VerifyFault) -> Self {
        match fault {
            VerifyFault::Malformed => Self::Malformed,
            VerifyFault::Signature | VerifyFault::NotAKey => Self::Signature,
        }
    }
}

/// A request object as it came, decrypted, with the keys of the client that is to have signed it.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// The JWS.
    pub jwt: &'a str,
    /// The public keys of the client.
    pub keys: &'a [PublicKey],
}

/// Whether it is encrypted: five parts (RFC 7516 §7.1), where what is signed has three.
#[must_use]
pub fn is_encrypted(jwt: &str) -> bool {
    jwt.split('.').count() == 5
}

/// Checks the signature and the claims of a request object, and reads the parameters in it.
///
/// # Errors
/// The first [`RequestObjectFault`] found.
pub fn open(
    client: &Client,
    signed: Signed<'_>,
    issuer: &Url,
    now: DateTime<Utc>,
) -> Result<OpenedRequest, RequestObjectFault> {
    let allowed = allowed(client);
    check_header(signed.jwt, &allowed)?;
    let claims: Map<String, Value> = jwt::verify_with_any_by(signed.keys, signed.jwt, &allowed)?;
    refuse_nested(&claims)?;
    check_client(&claims, client)?;
    check_audience(&claims, client, issuer)?;
    let once = check_time(&claims, client, now)?;
    Ok(OpenedRequest { params: parameters(claims)?, once })
}

/// What stands beside a request object may not contradict it where OpenID Connect Core 1.0 §6.1 wants it
/// there too: `client_id`, by which the client was found, and `response_type`.
///
/// # Errors
/// [`RequestObjectFault::Contradicted`].
pub fn check_beside(outside: &Params, inside: &Params) -> Result<(), RequestObjectFault> {
    let beside = outside.get("response_type")?;
    if beside.is_some() && beside != inside.get("response_type")? {
        return Err(RequestObjectFault::Contradicted);
    }
    Ok(())
}

/// The algorithms that may have signed it: the one registered, or those of the profile.
fn allowed(client: &Client) -> Vec<ClientAlg> {
    match (client.metadata.request_object_signing_alg, client.metadata.profile) {
        (Some(alg), _) => vec![alg],
        (None, Profile::Fapi2) => ClientAlg::FAPI.to_vec(),
        (None, Profile::Oidc | Profile::Sweden) => ClientAlg::ALL.to_vec(),
    }
}

fn check_header(jwt: &str, allowed: &[ClientAlg]) -> Result<(), RequestObjectFault> {
    // RFC 7519 §6.1: a JWT that nobody signed ends in an empty signature.
    if jwt.ends_with('.') {
        return Err(RequestObjectFault::Algorithm);
    }
    let header = jwt::unverified_header(jwt)?;
    if !is_request_type(header.typ.as_deref()) {
        return Err(RequestObjectFault::Malformed);
    }
    if !allowed.iter().any(|alg| alg.name() == header.alg) {
        return Err(RequestObjectFault::Algorithm);
    }
    Ok(())
}

// RFC 9101 §10.8.1 with RFC 7515 §4.1.9; left out or JWT by those who came before it.
fn is_request_type(typ: Option<&str>) -> bool {
    typ.is_none_or(|typ| {
        let typ = typ.to_ascii_lowercase();
        ["oauth-authz-req+jwt", "jwt"].contains(&typ.strip_prefix("application/").unwrap_or(&typ))
    })
}

fn refuse_nested(claims: &Map<String, Value>) -> Result<(), RequestObjectFault> {
    // RFC 9101 §4.
    if ["request", "request_uri"].iter().any(|name| claims.contains_key(*name)) {
        return Err(RequestObjectFault::Nested);
    }
    Ok(())
}

// RFC 9101 §6.3: client_id in it is the one beside it; §4 and OpenID Connect Core 1.0 §6.1: iss is the same.
fn check_client(claims: &Map<String, Value>, client: &Client) -> Result<(), RequestObjectFault> {
    let names = |claim: &str| claims.get(claim).is_some_and(|named| named == client.id.as_str());
    // RFC 9101 §10.8: with the client as its subject it could be taken for a client assertion.
    if names("iss") && names("client_id") && !names("sub") {
        Ok(())
    } else {
        Err(RequestObjectFault::Client)
    }
}

// RFC 9101 §4: the issuer; the Swedish OpenID Connect Profile lets it be the authorization endpoint too.
fn check_audience(
    claims: &Map<String, Value>,
    client: &Client,
    issuer: &Url,
) -> Result<(), RequestObjectFault> {
    let issuer = issuer_identifier(issuer);
    let endpoint = format!("{issuer}{}", paths::AUTHORIZE);
    let is_ours = |audience: &Value| {
        audience == issuer
            || (client.metadata.profile != Profile::Fapi2 && audience == endpoint.as_str())
    };
    let is_for_us = match claims.get("aud") {
        Some(Value::Array(many)) => many.iter().any(is_ours),
        Some(one) => is_ours(one),
        None => false,
    };
    if is_for_us { Ok(()) } else { Err(RequestObjectFault::Audience) }
}

fn check_time(
    claims: &Map<String, Value>,
    client: &Client,
    now: DateTime<Utc>,
) -> Result<Option<UsedAssertion>, RequestObjectFault> {
    let at = |claim: &str| {
        let read = |value| moment(value).ok_or(RequestObjectFault::Malformed);
        claims.get(claim).map(read).transpose()
    };
    let (exp, nbf, iat) = (at("exp")?, at("nbf")?, at("iat")?);
    let has_begun = [nbf, iat].into_iter().flatten().all(|begins| begins <= now + SKEW);
    let has_ended = exp.is_some_and(|ends| ends + SKEW <= now);
    let is_too_long = match (client.metadata.profile, nbf, exp) {
        (Profile::Fapi2, Some(nbf), Some(exp)) => {
            nbf + LONGEST_FAPI + SKEW < now || exp > nbf + LONGEST_FAPI
        }
        (Profile::Fapi2, ..) => true,
        (Profile::Oidc | Profile::Sweden, _, exp) => exp.is_some_and(|ends| ends > now + LONGEST),
    };
    if !has_begun || has_ended || is_too_long {
        return Err(RequestObjectFault::Expired);
    }
    let jti = match claims.get("jti") {
        None => None,
        Some(Value::String(jti)) if !jti.is_empty() => Some(jti),
        Some(_) => return Err(RequestObjectFault::Malformed),
    };
    // Without an end there is none to remembering it. Apart from the jti of assertions, whose table it shares.
    Ok(jti.zip(exp).map(|(jti, exp)| UsedAssertion {
        jti_hash: sha256(format!("request object {jti}").as_bytes()),
        expires_at: exp + SKEW,
    }))
}

/// The claims as parameters: texts as they are, numbers and truth values in figures and words, objects
/// and arrays as JSON (RFC 9101 §4), but for `resource`, which is repeated (RFC 8707 §2).
fn parameters(claims: Map<String, Value>) -> Result<Params, ParamsFault> {
    let mut pairs = Vec::new();
    for (name, value) in claims {
        if OF_THE_JWT.contains(&name.as_str()) {
            continue;
        }
        match value {
            Value::Null => {}
            Value::Array(many) if name == "resource" => {
                pairs.extend(many.into_iter().map(|one| (name.clone(), text(one))));
            }
            value => pairs.push((name, text(value))),
        }
    }
    Params::of(pairs)
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_become_parameters_as_a_query_would_hold_them() {
        let Value::Object(claims) = json!({
            "iss": "rp", "aud": "x", "exp": 1, "jti": "x",
            "scope": "openid profile",
            "max_age": 3600,
            "nonce": null,
            "claims": { "id_token": { "acr": { "essential": true } } },
            "resource": ["https://a.example", "https://b.example"],
        }) else {
            panic!()
        };
        let params = parameters(claims).unwrap();
        assert_eq!(params.get("scope"), Ok(Some("openid profile")));
        assert_eq!(params.get("max_age"), Ok(Some("3600")));
        assert_eq!(params.get("claims"), Ok(Some(r#"{"id_token":{"acr":{"essential":true}}}"#)));
        for absent in ["iss", "aud", "exp", "jti", "nonce"] {
            assert_eq!(params.get(absent), Ok(None), "{absent}");
        }
        assert!(params.encode().ends_with(
            "resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example&scope=openid+profile"
        ));
    }

    #[test]
    fn a_type_that_is_named_is_that_of_request_objects() {
        for good in [
            None,
            Some("JWT"),
            Some("oauth-authz-req+jwt"),
            Some("application/oauth-authz-req+jwt"),
        ] {
            assert!(is_request_type(good), "{good:?}");
        }
        for other in ["at+jwt", "client-authentication+jwt", "dpop+jwt", ""] {
            assert!(!is_request_type(Some(other)), "{other}");
        }
    }
}
