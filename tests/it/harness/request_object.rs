//! Request objects (RFC 9101); valid until bent.

use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use siths_idp::random::Random;

use super::assertion::ClientKey;
use super::{Authorize, TestIdp};

/// The claims of a request object, and its header.
#[derive(Clone)]
pub struct RequestObject {
    pub claims: Value,
    header: Header,
}

impl RequestObject {
    /// The same request as by parameters; a new `jti` in each.
    pub fn of(idp: &TestIdp, request: &Authorize) -> Self {
        let mut claims = json!({});
        for (name, value) in request.form() {
            claims[name] = value.into();
        }
        let now = idp.clock.now().timestamp();
        claims["iss"] = claims["client_id"].clone();
        claims["aud"] = idp.config.issuer_identifier().into();
        claims["iat"] = now.into();
        claims["nbf"] = now.into();
        claims["exp"] = (now + 60).into();
        claims["jti"] = Random::system().token().into();
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("oauth-authz-req+jwt".to_owned());
        Self { claims, header }
    }

    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims[name] = value.into();
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    pub fn typ(mut self, typ: Option<&str>) -> Self {
        self.header.typ = typ.map(str::to_owned);
        self
    }

    pub fn alg(mut self, alg: Algorithm) -> Self {
        self.header.alg = alg;
        self
    }

    pub fn kid(mut self, kid: &str) -> Self {
        self.header.kid = Some(kid.to_owned());
        self
    }

    pub fn sign(&self, key: &ClientKey) -> String {
        jsonwebtoken::encode(&self.header, &self.claims, &key.signing).unwrap()
    }
}
