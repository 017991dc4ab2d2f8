//! Introspection (RFC 7662): what is told of a token, and to whom.
//!
//! Must never tell anything of a token but `active: false` to whom it does not concern.

use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::access_token::AccessTokenClaims;
use super::audience::Audience;
use super::client::{AuthMethod, Client};
use super::code::LiveGrant;
use super::confirmation::Confirmation;
use super::refresh::RefreshToken;
use super::reply_to::issuer_identifier;

/// `typ` of a signed answer (RFC 9701 §5).
pub const SIGNED_TYPE: &str = "token-introspection+jwt";

/// What is told of every token that is doubtful, unknown or none of the caller's business
/// (RFC 7662 §2.2).
#[must_use]
pub fn inactive() -> Value {
    json!({ "active": false })
}

/// Whom a token concerns: the client that it was issued to, and a protected resource that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concern {
    /// Its own.
    Own,
    /// It is for the caller, under these of its identifiers.
    For(Audience),
}

/// What a caller has to do with an access token; `None` where nothing. A public client, which proves
/// nothing, is told nothing (RFC 7662 §2.1).
#[must_use]
pub fn concern(caller: &Client, claims: &AccessTokenClaims) -> Option<Concern> {
    if is_owner(caller, &claims.client_id) {
        return Some(Concern::Own);
    }
    let own_names = &caller.metadata.resources;
    claims.aud.within(own_names).filter(|_| caller.metadata.introspects).map(Concern::For)
}

/// Whether a caller is the client that a token was issued to, and can prove it.
#[must_use]
pub fn is_owner(caller: &Client, client_id: &str) -> bool {
    caller.id == client_id && caller.authentication.method() != AuthMethod::None
}

/// What is told of an access token (RFC 7662 §2.2; RFC 8705 §3.2; RFC 9449 §6.2; RFC 9470 §6.2). A
/// protected resource is told of no other audience than itself.
#[must_use]
pub fn of_access_token(claims: &AccessTokenClaims, concern: Concern) -> Value {
    let told = AccessTokenClaims {
        aud: match concern {
            Concern::Own => claims.aud.clone(),
            Concern::For(audience) => audience,
        },
        // How it is found here, and nobody else's business.
        grant: None,
        ..claims.clone()
    };
    let mut answer = serde_json::to_value(told).unwrap_or_else(|_| json!({}));
    answer["active"] = json!(true);
    answer["token_type"] = json!(claims.token_type());
    answer
}

/// What a client is told of its own refresh token.
#[must_use]
pub fn of_refresh_token(
    token: &RefreshToken,
    caller: &Client,
    grant: &LiveGrant,
    (issuer, sub): (&Url, &str),
) -> Value {
    let scopes: Vec<&str> = grant.scopes.iter().map(|scope| scope.name()).collect();
    let mut answer = json!({
        "active": true,
        "iss": issuer_identifier(issuer),
        "client_id": caller.id,
        "sub": sub,
        "scope": scopes.join(" "),
        "exp": token.expires_at.timestamp(),
    });
    if token.confirmation != Confirmation::default() {
        answer["cnf"] = json!(token.confirmation);
    }
    answer
}

/// The claims of a signed answer (RFC 9701 §5): `sub` and `exp` are left out, so that it is never taken
/// for an access token.
#[derive(Serialize)]
pub struct SignedAnswer<'a> {
    /// The issuer identifier.
    pub iss: &'a str,
    /// The caller.
    pub aud: &'a str,
    /// When it was answered.
    pub iat: i64,
    /// The answer.
    pub token_introspection: &'a Value,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::client::ClientAuthentication;
    use crate::oidc::client::testing::client;
    use uuid::Uuid;

    fn claims(client_id: &str, audience: &[&str]) -> AccessTokenClaims {
        AccessTokenClaims {
            iss: "https://idp.example.se".to_owned(),
            sub: "somebody".to_owned(),
            aud: Audience::of(audience.iter().map(ToString::to_string).collect()),
            exp: 2,
            iat: 1,
            jti: Uuid::nil(),
            client_id: client_id.to_owned(),
            scope: String::new(),
            auth_time: None,
            acr: None,
            amr: Vec::new(),
            grant: Some(Uuid::nil()),
            cnf: Confirmation::default(),
        }
    }

    #[test]
    fn rfc_7662_2_1_a_public_client_is_told_nothing() {
        let mut caller = client("client");
        assert_eq!(concern(&caller, &claims("client", &["x"])), Some(Concern::Own));
        caller.authentication = ClientAuthentication::None;
        assert_eq!(concern(&caller, &claims("client", &["x"])), None);
    }

    #[test]
    fn a_resource_is_concerned_by_what_names_it_and_only_if_it_may_ask() {
        let mut caller = client("client");
        caller.metadata.resources = ["urn:a".to_owned(), "urn:b".to_owned()].into();
        let of_another = claims("other", &["urn:b", "urn:c"]);
        assert_eq!(concern(&caller, &of_another), None);
        caller.metadata.introspects = true;
        let expected = Concern::For(Audience::one("urn:b"));
        assert_eq!(concern(&caller, &of_another), Some(expected.clone()));
        assert_eq!(of_access_token(&of_another, expected)["aud"], "urn:b");
        assert_eq!(concern(&caller, &claims("other", &["urn:c"])), None);
    }
}
