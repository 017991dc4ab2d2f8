//! Requests of a relying party as they go over the wire, to be bent by a test.

use serde_json::Value;
use siths_idp::dev::seed::CLIENT_ID;
use url::Url;

use super::assertion::ASSERTION_TYPE;
use super::{Answer, CLIENT_SECRET, REDIRECT_URI};

/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An authorization request; valid until bent.
#[derive(Clone)]
pub struct Authorize {
    endpoint: Url,
    parameters: Vec<(String, String)>,
}

impl Authorize {
    pub fn new(issuer: &Url) -> Self {
        let parameters = [
            ("client_id", CLIENT_ID),
            ("redirect_uri", REDIRECT_URI),
            ("response_type", "code"),
            ("scope", "openid profile employeeHsaId systemRole"),
            ("state", "a-state"),
            ("nonce", "a-nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        Self {
            endpoint: issuer.join("/authorize").unwrap(),
            parameters: parameters.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
        }
    }

    /// With a parameter set, in place of the one it had.
    pub fn set(self, name: &str, value: &str) -> Self {
        self.without(name).add(name, value)
    }

    /// With one more parameter, even if there is one already.
    pub fn add(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(found, _)| found != name);
        self
    }

    /// With these parameters alone.
    pub fn only(mut self, names: &[&str]) -> Self {
        self.parameters.retain(|(found, _)| names.contains(&found.as_str()));
        self
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn url(&self) -> Url {
        let mut url = self.endpoint.clone();
        url.query_pairs_mut().extend_pairs(&self.parameters);
        url
    }

    pub fn form(&self) -> Vec<(&str, &str)> {
        self.parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect()
    }
}

/// A token request by `client_secret_basic`; valid until bent.
#[derive(Clone)]
pub struct TokenRequest {
    pub basic: Option<(String, String)>,
    /// The DPoP fields.
    pub dpop: Vec<String>,
    parameters: Vec<(String, String)>,
}

impl TokenRequest {
    pub fn new(code: &str) -> Self {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        Self {
            basic: Some((CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned())),
            dpop: Vec::new(),
            parameters: parameters.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
        }
    }

    /// Of another grant type, with nothing else yet.
    pub fn of(grant_type: &str) -> Self {
        let mut request = Self::new("");
        request.parameters = vec![("grant_type".to_owned(), grant_type.to_owned())];
        request
    }

    /// For a refresh token.
    pub fn refresh(token: &str) -> Self {
        Self::of("refresh_token").add("refresh_token", token)
    }

    /// About a token: to revoke it, or to ask what it is worth.
    pub fn about(token: &str) -> Self {
        Self::of("").without("grant_type").add("token", token)
    }

    pub fn set(self, name: &str, value: &str) -> Self {
        self.without(name).add(name, value)
    }

    pub fn add(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(found, _)| found != name);
        self
    }

    /// As another client with the same secret.
    pub fn by(self, client_id: &str) -> Self {
        self.basic(Some((client_id, CLIENT_SECRET)))
    }

    pub fn basic(mut self, credentials: Option<(&str, &str)>) -> Self {
        self.basic = credentials.map(|(id, secret)| (id.to_owned(), secret.to_owned()));
        self
    }

    /// With one more DPoP field.
    pub fn dpop(mut self, proof: &str) -> Self {
        self.dpop.push(proof.to_owned());
        self
    }

    /// By nothing but its name: a public client.
    pub fn public(self, client_id: &str) -> Self {
        self.basic(None).set("client_id", client_id)
    }

    /// By an assertion instead of a secret.
    pub fn assertion(self, jwt: &str) -> Self {
        self.basic(None).set("client_assertion_type", ASSERTION_TYPE).set("client_assertion", jwt)
    }

    /// The same client authentication with other parameters.
    pub fn only_authentication(mut self) -> Self {
        self.parameters.retain(|(name, _)| name.starts_with("client_"));
        self
    }

    pub fn form(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.parameters).finish()
    }

    pub async fn answer(&self, http: &reqwest::Client, endpoint: &Url) -> Answer {
        let mut request = http.post(endpoint.clone()).form(&self.parameters);
        if let Some((id, secret)) = &self.basic {
            request = request.basic_auth(id, Some(secret));
        }
        for proof in &self.dpop {
            request = request.header("dpop", proof);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    pub async fn send(&self, http: &reqwest::Client, endpoint: &Url) -> (u16, Value) {
        let answer = self.answer(http, endpoint).await;
        (answer.status, answer.json())
    }
}
