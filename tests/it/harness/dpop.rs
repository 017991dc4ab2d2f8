//! DPoP proofs (RFC 9449 §4.2), with the keys of client assertions; valid until bent.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use siths_idp::random::Random;
use siths_idp::secret::sha256;
use url::Url;

use super::assertion::{ClientKey, p256};
use super::{Answer, TestIdp};

/// A proof; a new `jti` in each.
#[derive(Clone)]
pub struct Proof {
    pub header: Value,
    pub claims: Value,
}

impl Proof {
    /// A proof of [`p256`] for a request.
    pub fn new(method: &str, address: &Url, now: DateTime<Utc>) -> Self {
        Self {
            header: json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": p256().jwk }),
            claims: json!({
                "jti": Random::system().token(),
                "htm": method,
                "htu": address,
                "iat": now.timestamp(),
            }),
        }
    }

    /// With a claim set, in place of the one it had.
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    /// With a member of the header set.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header[name] = value.into();
        self
    }

    /// For a token that is sent beside it (RFC 9449 §4.2: `ath`).
    pub fn token(self, access_token: &str) -> Self {
        self.set("ath", URL_SAFE_NO_PAD.encode(sha256(access_token.as_bytes())))
    }

    /// Signed by [`p256`].
    pub fn sign(&self) -> String {
        self.signed_by(Algorithm::ES256, &p256().signing)
    }

    /// Of another key, signed by it.
    pub fn of(self, key: &ClientKey, algorithm: Algorithm) -> String {
        let named = self.header("jwk", key.jwk.clone()).header("alg", format!("{algorithm:?}"));
        named.signed_by(algorithm, &key.signing)
    }

    /// Signed by whatever key, whatever the header says.
    pub fn signed_by(&self, algorithm: Algorithm, key: &EncodingKey) -> String {
        let text = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", text(&self.header), text(&self.claims));
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), key, algorithm).unwrap();
        format!("{signed}.{signature}")
    }

    /// With this for a signature.
    pub fn under(&self, signature: &str) -> String {
        let text = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}.{signature}", text(&self.header), text(&self.claims))
    }
}

/// The RFC 7638 thumbprint of a P-256 key.
pub fn thumbprint(key: &ClientKey) -> String {
    let member = |name: &str| key.jwk[name].as_str().unwrap();
    let input =
        format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, member("x"), member("y"));
    URL_SAFE_NO_PAD.encode(sha256(input.as_bytes()))
}

impl TestIdp {
    /// A proof for the token endpoint, now.
    pub fn token_proof(&self) -> Proof {
        Proof::new("POST", &self.at("/token"), self.clock.now())
    }

    /// A proof for UserInfo by GET, beside a token, now.
    pub fn user_info_proof(&self, access_token: &str) -> Proof {
        Proof::new("GET", &self.at("/userinfo"), self.clock.now()).token(access_token)
    }

    /// An access token of a whole login, bound to the key of [`p256`].
    pub async fn bound_token(&self) -> String {
        let code = self.code(&mut self.browser("clinician"), &self.authorize()).await;
        let request = self.token_request(&code).dpop(&self.token_proof().sign());
        self.tokens(&request).await["access_token"].as_str().unwrap().to_owned()
    }

    /// The answer of UserInfo by the DPoP scheme.
    pub async fn user_info_by_dpop(&self, access_token: &str, proofs: &[&str]) -> Answer {
        let request = self.http().get(self.at("/userinfo"));
        let request = request.header("authorization", format!("DPoP {access_token}"));
        let request = proofs.iter().fold(request, |request, proof| request.header("dpop", *proof));
        Answer::of(request.send().await.unwrap()).await
    }
}
