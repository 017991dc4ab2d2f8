//! A relying party on the Rust crate `openidconnect`: refresh tokens, and logging out.

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreIdToken, CoreTokenResponse,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IssuerUrl, LogoutRequest, Nonce, NonceVerifier,
    OAuth2TokenResponse as _, PkceCodeChallenge, PostLogoutRedirectUrl, ProviderMetadataWithLogout,
    RedirectUrl, RefreshToken, RequestTokenError, Scope, TokenResponse as _,
};
use serde_json::Value;
use siths_idp::dev::browser::Browser;
use siths_idp::dev::relying_party::send;
use siths_idp::dev::seed::CLIENT_ID;

use super::SCOPE;
use crate::harness::logout::{LEFT_URI, forgets_the_session};
use crate::harness::tokens::refreshing;
use crate::harness::{CLIENT_SECRET, REDIRECT_URI, TestIdp};

type DiscoveredClient = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A relying party that has fetched discovery.
struct Crate {
    metadata: ProviderMetadataWithLogout,
    client: DiscoveredClient,
    http: reqwest::Client,
}

impl Crate {
    async fn discover(idp: &TestIdp) -> Self {
        let http = idp.http();
        let issuer = IssuerUrl::new(idp.config.issuer_identifier().to_owned()).unwrap();
        let metadata = ProviderMetadataWithLogout::discover_async(issuer, &|request| {
            send(http.clone(), request)
        })
        .await
        .unwrap();
        let secret = Some(ClientSecret::new(CLIENT_SECRET.to_owned()));
        let id = ClientId::new(CLIENT_ID.to_owned());
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, secret)
            .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap());
        Self { metadata, client, http }
    }

    /// The tokens of a login, and the claims of its ID token.
    async fn log_in(&self, idp: &TestIdp, browser: &mut Browser) -> (CoreTokenResponse, Value) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let request = self.client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
        let scopes = SCOPE.split(' ').filter(|scope| *scope != "openid");
        let request = request.add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())));
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        let told = idp.walk(browser, &url).await.parameters();
        assert_eq!(&told["state"], state.secret());
        let code = self.client.exchange_code(AuthorizationCode::new(told["code"].clone()));
        let code = code.unwrap().set_pkce_verifier(verifier);
        let tokens = code.request_async(&|request| send(self.http.clone(), request)).await.unwrap();
        let claims = self.verified(&tokens, &nonce);
        (tokens, claims)
    }

    /// The tokens that a refresh token is given for, or the error of RFC 6749 §5.2.
    async fn refresh(
        &self,
        token: &RefreshToken,
    ) -> Result<CoreTokenResponse, CoreErrorResponseType> {
        let request = self.client.exchange_refresh_token(token).unwrap();
        let answer = request.request_async(&|request| send(self.http.clone(), request)).await;
        answer.map_err(|failed| match failed {
            RequestTokenError::ServerResponse(told) => told.error().clone(),
            other => panic!("{other}"),
        })
    }

    /// The claims of an ID token that the crate verifies, with the hash of the access token beside it.
    fn verified(&self, tokens: &CoreTokenResponse, nonce: impl NonceVerifier) -> Value {
        let verifier = self.client.id_token_verifier();
        let id_token = id_token(tokens);
        let claims = id_token.claims(&verifier, nonce).unwrap();
        let algorithm = id_token.signing_alg().unwrap();
        let key = id_token.signing_key(&verifier).unwrap();
        let hash = AccessTokenHash::from_token(tokens.access_token(), algorithm, key).unwrap();
        assert_eq!(claims.access_token_hash(), Some(&hash));
        serde_json::to_value(claims).unwrap()
    }
}

fn id_token(tokens: &CoreTokenResponse) -> &CoreIdToken {
    tokens.id_token().unwrap()
}

/// OpenID Connect Core 1.0 §12.2: the ID token of a refresh has no nonce.
fn without_nonce(nonce: Option<&Nonce>) -> Result<(), String> {
    nonce.map_or(Ok(()), |_| Err("a nonce".to_owned()))
}

/// By `exchange_refresh_token`, twice; a token that was used is refused, and ends the one that came of it.
#[tokio::test]
async fn openidconnect_refreshes() {
    let idp = TestIdp::start().await;
    idp.register(refreshing).await;
    let party = Crate::discover(&idp).await;
    let (mut before, claims) = party.log_in(&idp, &mut idp.browser("clinician")).await;
    let first = before.refresh_token().unwrap().clone();
    for _ in 0..2 {
        let after = party.refresh(before.refresh_token().unwrap()).await.unwrap();
        let renewed = party.verified(&after, without_nonce);
        for same in ["iss", "sub", "aud", "auth_time", "acr"] {
            assert!(renewed[same] == claims[same] && !claims[same].is_null(), "{same}: {renewed}");
        }
        assert_ne!(after.access_token().secret(), before.access_token().secret());
        let pair = [&after, &before].map(|tokens| tokens.refresh_token().unwrap().secret());
        assert_ne!(pair[0], pair[1]);
        assert_eq!(idp.shut(after.access_token().secret()).await, None);
        before = after;
    }
    for token in [&first, before.refresh_token().unwrap()] {
        let failed = party.refresh(token).await.unwrap_err();
        assert_eq!(failed, CoreErrorResponseType::InvalidGrant);
    }
    assert_eq!(idp.audited("refresh_token.replayed").await, 1);
}

/// By `LogoutRequest`, with the ID token of a refresh for a hint: the browser is led back, and the refresh
/// token is worth nothing.
#[tokio::test]
async fn openidconnect_logs_out() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        refreshing(client);
        client.metadata.post_logout_redirect_uris = [LEFT_URI.to_owned()].into();
    })
    .await;
    let party = Crate::discover(&idp).await;
    let mut browser = idp.browser("clinician");
    let (tokens, _) = party.log_in(&idp, &mut browser).await;
    let tokens = party.refresh(tokens.refresh_token().unwrap()).await.unwrap();
    let endpoint = party.metadata.additional_metadata().end_session_endpoint.clone().unwrap();
    let state = CsrfToken::new_random();
    let url = LogoutRequest::from(endpoint)
        .set_id_token_hint(id_token(&tokens))
        .set_client_id(ClientId::new(CLIENT_ID.to_owned()))
        .set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(LEFT_URI.to_owned()).unwrap())
        .set_state(state.clone())
        .http_get_url();
    let answer = browser.get(&url).await.unwrap();
    let location = answer.location().unwrap_or_else(|| panic!("{}", answer.body));
    assert_eq!(location.as_str(), format!("{LEFT_URI}&state={}", state.secret()));
    assert!(forgets_the_session(&answer));
    let failed = party.refresh(tokens.refresh_token().unwrap()).await.unwrap_err();
    assert_eq!(failed, CoreErrorResponseType::InvalidGrant);
}
