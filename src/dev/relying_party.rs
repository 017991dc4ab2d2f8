//! A relying party on somebody else's library: the `openidconnect` crate, as an integrator uses it.
//!
//! What it learns of a failed login it fetches with its own credentials from `/login-errors`.

use anyhow::{Context as _, anyhow};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AdditionalClaims, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, Scope, StandardErrorResponse, StandardTokenResponse,
    TokenResponse as _, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

/// Claims beyond those of OpenID Connect, by the names of Inera's IdP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CareClaims {
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(rename = "employeeHsaId", skip_serializing_if = "Option::is_none")]
    employee_hsa_id: Option<String>,
    #[serde(rename = "systemRole", skip_serializing_if = "Option::is_none")]
    system_role: Option<Vec<String>>,
}

impl AdditionalClaims for CareClaims {}

type Tokens = StandardTokenResponse<
    IdTokenFields<
        CareClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type OidcClient = openidconnect::Client<
    CareClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// How it is registered.
#[derive(Clone)]
pub struct Registered {
    /// The issuer identifier.
    pub issuer: String,
    /// `client_id`.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Its redirect URI.
    pub redirect_uri: String,
}

/// A relying party.
pub struct RelyingParty {
    registered: Registered,
    http: reqwest::Client,
    client: OidcClient,
}

/// What it remembers of a login under way.
#[derive(Debug)]
pub struct Pending {
    /// `state`.
    pub state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// A person who is logged in, as the provider says.
#[derive(Debug)]
pub struct LoggedIn {
    /// The claims of the verified ID token.
    pub claims: Value,
    /// UserInfo.
    pub user_info: Value,
    /// The ID token.
    pub id_token: String,
    /// The access token.
    pub access_token: String,
}

/// What a redirect brought back.
#[derive(Debug)]
pub enum Callback {
    /// A code.
    Code(AuthorizationCode),
    /// A structured error.
    Error {
        /// Every parameter of the redirect.
        parameters: Vec<(String, String)>,
    },
}

impl RelyingParty {
    /// Reads the provider's discovery document and keys.
    ///
    /// # Errors
    /// When the provider cannot be reached or its document does not fit.
    pub async fn discover(registered: Registered, http: reqwest::Client) -> anyhow::Result<Self> {
        let issuer = IssuerUrl::new(registered.issuer.clone())?;
        let metadata =
            CoreProviderMetadata::discover_async(issuer, &|request| send(http.clone(), request))
                .await
                .context("discovery")?;
        let client = OidcClient::from_provider_metadata(
            metadata,
            ClientId::new(registered.client_id.clone()),
            Some(ClientSecret::new(registered.client_secret.clone())),
        )
        .set_redirect_uri(RedirectUrl::new(registered.redirect_uri.clone())?);
        Ok(Self { registered, http, client })
    }

    /// The address that begins a login, and what must be remembered for its end.
    #[must_use]
    pub fn begin(&self) -> (Url, Pending) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = self
            .client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scope(Scope::new("profile".to_owned()))
            .add_scope(Scope::new("employeeHsaId".to_owned()))
            .add_scope(Scope::new("systemRole".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        (url, Pending { state, nonce, verifier })
    }

    /// Reads the redirect, refusing another `state` and another issuer (RFC 9207 §2.4).
    ///
    /// # Errors
    /// When it is not the answer to `pending`.
    pub fn callback(&self, url: &Url, pending: &Pending) -> anyhow::Result<Callback> {
        let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let get = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        if get("state") != Some(pending.state.secret().as_str()) {
            return Err(anyhow!("the redirect carries another state"));
        }
        if get("iss") != Some(self.registered.issuer.as_str()) {
            return Err(anyhow!("the redirect carries another issuer"));
        }
        match get("code") {
            Some(code) => Ok(Callback::Code(AuthorizationCode::new(code.to_owned()))),
            None => Ok(Callback::Error { parameters }),
        }
    }

    /// Redeems a code and verifies the ID token.
    ///
    /// # Errors
    /// When the provider refuses, or the ID token does not verify.
    pub async fn redeem(
        &self,
        code: AuthorizationCode,
        pending: Pending,
    ) -> anyhow::Result<(Value, String, String)> {
        let tokens: Tokens = self
            .client
            .exchange_code(code)?
            .set_pkce_verifier(pending.verifier)
            .request_async(&|request| send(self.http.clone(), request))
            .await
            .context("the token endpoint")?;
        let id_token = tokens.id_token().context("no ID token")?;
        let verifier = self.client.id_token_verifier().set_allowed_algs([
            CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        ]);
        let claims =
            id_token.claims(&verifier, &pending.nonce).context("verifying the ID token")?;
        Ok((
            serde_json::to_value(claims)?,
            id_token.to_string(),
            tokens.access_token().secret().clone(),
        ))
    }

    /// Fetches UserInfo.
    ///
    /// # Errors
    /// When the provider refuses.
    pub async fn user_info(&self, access_token: &str) -> anyhow::Result<Value> {
        let claims: UserInfoClaims<CareClaims, CoreGenderClaim> = self
            .client
            .user_info(AccessToken::new(access_token.to_owned()), None)?
            .request_async(&|request| send(self.http.clone(), request))
            .await
            .context("UserInfo")?;
        Ok(serde_json::to_value(claims)?)
    }

    /// What the public catalogue says of a code: all there is where a request was refused before
    /// anybody showed a card.
    ///
    /// # Errors
    /// When the provider cannot be reached, or does not know the code.
    pub async fn catalogued(&self, code: &str) -> anyhow::Result<Value> {
        let url = format!("{}/errors", self.registered.issuer);
        let catalogue: Value = self.http.get(url).send().await?.json().await?;
        let rows = catalogue["errors"].as_array().context("no catalogue")?;
        rows.iter().find(|row| row["code"] == code).cloned().context("no such code")
    }

    /// Fetches the story of a failed login, with the client's own credentials.
    ///
    /// # Errors
    /// When the provider refuses.
    pub async fn login_error(&self, reference: &str) -> anyhow::Result<Value> {
        let mut url = Url::parse(&self.registered.issuer)?;
        url.path_segments_mut()
            .map_err(|()| anyhow!("the issuer has no path"))?
            .pop_if_empty()
            .extend(["login-errors", reference]);
        let answer = self
            .http
            .get(url)
            .basic_auth(&self.registered.client_id, Some(&self.registered.client_secret))
            .send()
            .await?;
        Ok(answer.json().await?)
    }
}

/// Sends what the crate asks, by a client of one's own.
///
/// # Errors
/// When there is no answer.
pub async fn send(
    client: reqwest::Client,
    request: HttpRequest,
) -> Result<HttpResponse, reqwest::Error> {
    let mut answer = client.execute(request.try_into()?).await?;
    let mut response = HttpResponse::new(Vec::new());
    *response.status_mut() = answer.status();
    std::mem::swap(response.headers_mut(), answer.headers_mut());
    *response.body_mut() = answer.bytes().await?.to_vec();
    Ok(response)
}
