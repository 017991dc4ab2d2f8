//! Tokens as clients and protected resources use them: registered for, got, asked about, given back.

use serde_json::Value;
use siths_idp::oidc::client::Client;
use siths_idp::oidc::client_metadata::{AccessTokenFormat, GrantType, RefreshTokens};
use siths_idp::oidc::scope::Scope;

use super::{Answer, TestIdp, TokenRequest};

/// A resource that tests name.
pub const API: &str = "https://api.example.se";
/// Another.
pub const OTHER_API: &str = "urn:example:other-api";

/// A client that gets refresh tokens.
pub fn refreshing(client: &mut Client) {
    let grant_types = [GrantType::AuthorizationCode, GrantType::RefreshToken];
    client.metadata.grant_types = grant_types.into();
}

/// A client that may ask for refresh tokens that outlive the session.
pub fn offline(client: &mut Client) {
    refreshing(client);
    client.metadata.refresh_tokens = RefreshTokens::Offline;
    client.scopes.insert(Scope::OfflineAccess);
}

/// A client that gets opaque access tokens.
pub fn opaque(client: &mut Client) {
    client.metadata.access_token_format = AccessTokenFormat::Opaque;
}

/// A client `system` that gets tokens of its own, and logs nobody in.
pub fn system(client: &mut Client) {
    "system".clone_into(&mut client.id);
    client.system = None;
    client.redirect_uris.clear();
    client.scopes.clear();
    client.system_scopes = ["read", "write"].map(|scope| scope.parse().unwrap()).into();
    client.metadata.grant_types = [GrantType::ClientCredentials].into();
}

/// A protected resource `api`, known as [`API`].
pub fn resource(client: &mut Client) {
    "api".clone_into(&mut client.id);
    client.metadata.introspects = true;
    client.metadata.resources = [API.to_owned()].into();
}

/// A member of an answer that is text.
pub fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("no {name}: {json}"))
}

impl TestIdp {
    /// What a client is told of a token; its form is checked.
    pub async fn introspected(&self, request: &TokenRequest) -> Value {
        let answer = self.introspection(request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.json()
    }

    /// The whole answer of introspection.
    pub async fn introspection(&self, request: &TokenRequest) -> Answer {
        request.answer(&self.http(), &self.at("/introspect")).await
    }

    /// The whole answer of revocation.
    pub async fn revocation(&self, request: &TokenRequest) -> Answer {
        request.answer(&self.http(), &self.at("/revoke")).await
    }

    /// Gives a token back, which is answered as RFC 7009 §2.2 says.
    pub async fn given_back(&self, request: &TokenRequest) {
        let answer = self.revocation(request).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert_eq!(answer.header("cache-control"), "no-store");
    }

    /// The code that UserInfo refuses an access token with; nothing where it opens.
    pub async fn shut(&self, access_token: &str) -> Option<String> {
        let answer = self.user_info(access_token).await;
        (answer.status != 200).then(|| answer.problem(self.issuer()))
    }
}

/// Checks that one of the published keys has signed a JWT.
pub async fn verify(idp: &TestIdp, jwt: &str) {
    use jsonwebtoken::jwk::JwkSet;
    let jwks: JwkSet = idp.http().get(idp.at("/jwks")).send().await.unwrap().json().await.unwrap();
    let header = jsonwebtoken::decode_header(jwt).unwrap();
    let key = jwks.find(header.kid.as_deref().unwrap()).expect("a published key");
    let mut validation = jsonwebtoken::Validation::new(header.alg);
    validation.validate_aud = false;
    validation.validate_exp = false;
    validation.set_required_spec_claims::<&str>(&[]);
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    jsonwebtoken::decode::<Value>(jwt, &key, &validation).unwrap();
}
