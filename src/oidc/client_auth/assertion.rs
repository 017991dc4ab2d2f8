//! Client assertions (RFC 7523 §2.2, §3): JWTs by which a client proves who it is.
//!
//! Must never take one of another type: a JWT that a client signed for something else is no assertion.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::{Circumstances, ClientAuthFault, UsedAssertion};
use crate::keys::ClientAlg;
use crate::keys::jwt::{self, PublicKey, UnverifiedHeader, VerifyFault};
use crate::oidc::client::{Client, ClientAuthentication};
use crate::oidc::client_metadata::AssertionAudience;
use crate::oidc::metadata::paths;
use crate::oidc::numeric_date::moment;
use crate::oidc::profile::Rules;
use crate::secret::sha256;

/// The type of a client assertion, where it has one of its own.
const TYP: &str = "client-authentication+jwt";

/// How far clocks may differ.
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// The longest life of an assertion that is taken: as long its `jti` is remembered.
const LONGEST: TimeDelta = TimeDelta::hours(1);

type Checked = Result<(), ClientAuthFault>;

/// Claims of a client assertion (RFC 7523 §3).
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: Value,
    nbf: Option<Value>,
    iat: Option<Value>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Checks an assertion of a client by its keys: header, signature, claims.
///
/// # Errors
/// [`ClientAuthFault`].
pub(super) fn by_assertion(
    client: &Client,
    keys: &[PublicKey],
    token: &str,
    at: Circumstances<'_>,
) -> Result<UsedAssertion, ClientAuthFault> {
    if client.authentication != ClientAuthentication::PrivateKeyJwt {
        return Err(ClientAuthFault::Method);
    }
    let header = jwt::unverified_header(token).map_err(|_| ClientAuthFault::AssertionMalformed)?;
    type_is_of_assertions(client, &header)?;
    alg_is_registered(client, &header)?;
    let claims: Claims = jwt::verify_with_any(keys, token).map_err(|fault| match fault {
        VerifyFault::Malformed => ClientAuthFault::AssertionMalformed,
        VerifyFault::Signature | VerifyFault::NotAKey => ClientAuthFault::AssertionSignature,
    })?;
    is_of_itself(client, &claims)?;
    is_for_us(client, &claims.aud, at)?;
    let expires_at = is_current(&claims, at.now)?;
    let jti =
        claims.jti.filter(|jti| !jti.is_empty()).ok_or(ClientAuthFault::AssertionMalformed)?;
    Ok(UsedAssertion { jti_hash: sha256(jti.as_bytes()), expires_at })
}

/// The client that an assertion speaks of, before its signature is checked with that client's keys.
pub(super) fn unverified_subject(token: &str) -> Result<String, ClientAuthFault> {
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }
    jwt::unverified_claims::<Subject>(token)
        .map(|claims| claims.sub)
        .map_err(|_| ClientAuthFault::AssertionMalformed)
}

// RFC 8725 §3.11, §3.12: explicit types keep kinds of JWTs apart. Most libraries still say `JWT` or
// nothing, which is taken unless the client is registered for better (Ena OAuth 2.0 profile).
fn type_is_of_assertions(client: &Client, header: &UnverifiedHeader) -> Checked {
    let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
    let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
    match typ {
        Some(TYP) => Ok(()),
        None | Some("jwt") if !client.metadata.require_client_assertion_typ => Ok(()),
        _ => Err(ClientAuthFault::AssertionType),
    }
}

// OpenID Connect Registration 1.0 §2: token_endpoint_auth_signing_alg; FAPI 2.0 §5.4.1.
fn alg_is_registered(client: &Client, header: &UnverifiedHeader) -> Checked {
    let registered = client.metadata.token_endpoint_auth_signing_alg;
    let Ok(alg) = header.alg.parse::<ClientAlg>() else {
        // A symmetric one: no key of the client has signed with it.
        return Err(ClientAuthFault::AssertionSignature);
    };
    if registered.is_none_or(|registered| registered == alg)
        && Rules::of(client).client_algs.contains(&alg)
    {
        Ok(())
    } else {
        Err(ClientAuthFault::AssertionAlg)
    }
}

// RFC 7523 §3, items 1 and 2.B; OpenID Connect Core 1.0 §9.
fn is_of_itself(client: &Client, claims: &Claims) -> Checked {
    if claims.iss == client.id && claims.sub == client.id {
        Ok(())
    } else {
        Err(ClientAuthFault::AssertionMalformed)
    }
}

// RFC 7523 §3, item 3. OpenID Connect Core 1.0 §9 says the token endpoint; RFC 9126 §2 the endpoint that
// is called; FAPI 2.0 §5.3.2.1 and the Ena profile the issuer alone, as text.
fn is_for_us(client: &Client, audience: &Audience, at: Circumstances<'_>) -> Checked {
    let is_strict = Rules::of(client).assertion_audience == AssertionAudience::Issuer;
    let fits = match audience {
        Audience::One(one) if is_strict => one == at.issuer_identifier(),
        Audience::Many(_) if is_strict => false,
        Audience::One(one) => is_one_of_ours(one, at),
        Audience::Many(many) => many.iter().any(|one| is_one_of_ours(one, at)),
    };
    if fits { Ok(()) } else { Err(ClientAuthFault::AssertionAudience) }
}

fn is_one_of_ours(audience: &str, at: Circumstances<'_>) -> bool {
    let bases = [Some(at.issuer_identifier().to_owned()), at.alias()];
    audience == at.issuer_identifier()
        || bases.into_iter().flatten().any(|base| {
            let path = audience.strip_prefix(&base);
            path.is_some_and(|path| path == paths::TOKEN || path == at.path)
        })
}

// RFC 7523 §3, items 4 to 6: until when its `jti` is to be remembered.
fn is_current(claims: &Claims, now: DateTime<Utc>) -> Result<DateTime<Utc>, ClientAuthFault> {
    let malformed = ClientAuthFault::AssertionMalformed;
    let expires_at = moment(&claims.exp).ok_or(malformed)?;
    for begins_at in [&claims.nbf, &claims.iat].into_iter().flatten() {
        if moment(begins_at).ok_or(malformed)? > now + SKEW {
            return Err(ClientAuthFault::AssertionExpired);
        }
    }
    if expires_at + SKEW <= now || expires_at > now + LONGEST + SKEW {
        return Err(ClientAuthFault::AssertionExpired);
    }
    Ok(expires_at + SKEW)
}
