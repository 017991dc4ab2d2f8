//! Client assertions (RFC 7523), with keys made for the tests; valid until bent.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::KeyPair;
use serde_json::{Value, json};
use siths_idp::keys::SigningAlg;
use siths_idp::keys::signer::PrivateKey;
use siths_idp::oidc::client::{Client, ClientAuthentication};
use siths_idp::random::Random;

pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A key pair of a client.
pub struct ClientKey {
    pub signing: EncodingKey,
    /// Its private half in PKCS#8, as libraries read it.
    pub pem: String,
    /// Its public half.
    pub jwk: Value,
}

impl ClientKey {
    /// Registers a client with this key.
    pub fn register(&self, client: &mut Client) {
        client.authentication = ClientAuthentication::PrivateKeyJwt;
        client.jwks = Some(json!({ "keys": [self.jwk] }));
    }
}

/// A P-256 key.
pub fn p256() -> &'static ClientKey {
    static KEY: OnceLock<ClientKey> = OnceLock::new();
    KEY.get_or_init(ec)
}

/// Another P-256 key.
pub fn stranger() -> &'static ClientKey {
    static KEY: OnceLock<ClientKey> = OnceLock::new();
    KEY.get_or_init(ec)
}

/// An RSA key of 2048 bits.
pub fn rsa() -> &'static ClientKey {
    static KEY: OnceLock<ClientKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let pkcs8 = PrivateKey::generate(SigningAlg::Rs256).unwrap();
        let key = PrivateKey::from_pkcs8(SigningAlg::Rs256, &pkcs8).unwrap();
        let jwk = key.public_jwk();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(pkcs8.as_slice())
        );
        ClientKey {
            signing: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
            pem,
            jwk: json!({ "kty": "RSA", "n": jwk["n"], "e": jwk["e"] }),
        }
    })
}

fn ec() -> ClientKey {
    let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    // SEC 1 §2.3.3: 04, x, y.
    let [x, y] = [1..33, 33..65].map(|at| URL_SAFE_NO_PAD.encode(&pair.public_key_raw()[at]));
    ClientKey {
        signing: EncodingKey::from_ec_der(&pair.serialize_der()),
        pem: pair.serialize_pem(),
        jwk: json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }),
    }
}

/// An assertion of a client; a new `jti` in each.
#[derive(Clone)]
pub struct Assertion(pub Value);

impl Assertion {
    pub fn new(client_id: &str, audience: &str, now: DateTime<Utc>) -> Self {
        Self(json!({
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "iat": now.timestamp(),
            "exp": now.timestamp() + 60,
            "jti": Random::system().token(),
        }))
    }

    /// With a claim set, in place of the one it had.
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0[name] = value.into();
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.as_object_mut().unwrap().remove(name);
        self
    }

    pub fn sign(&self, algorithm: Algorithm, key: &EncodingKey) -> String {
        jsonwebtoken::encode(&Header::new(algorithm), &self.0, key).unwrap()
    }

    /// With another `typ`.
    pub fn typed(&self, typ: Option<&str>, algorithm: Algorithm, key: &EncodingKey) -> String {
        let mut header = Header::new(algorithm);
        header.typ = typ.map(str::to_owned);
        jsonwebtoken::encode(&header, &self.0, key).unwrap()
    }

    /// The same claims under a header of one's own, with this for a signature.
    pub fn under(&self, header: &Value, signature: &str) -> String {
        let [header, claims] =
            [header, &self.0].map(|json| URL_SAFE_NO_PAD.encode(json.to_string()));
        format!("{header}.{claims}.{signature}")
    }
}
