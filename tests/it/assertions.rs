//! Client assertions (RFC 7523): type, algorithm and audience, as each client is registered.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use siths_idp::oidc::client::Client;
use siths_idp::oidc::client_metadata::{AssertionAudience, Profile};

use crate::harness::assertion::{Assertion, p256, rsa};
use crate::harness::{CLIENT_SECRET, TestIdp, TokenRequest};

/// An address, as the Ena profile has it.
const CLIENT: &str = "https://rp.example/client";

async fn registered(idp: &TestIdp, edit: impl FnOnce(&mut Client)) {
    idp.register(|client| {
        client.id = CLIENT.to_owned();
        p256().register(client);
        edit(client);
    })
    .await;
}

fn good(idp: &TestIdp) -> Assertion {
    Assertion::new(CLIENT, idp.config.issuer_identifier(), idp.clock.now())
}

fn signed(assertion: &Assertion) -> String {
    assertion.sign(Algorithm::ES256, &p256().signing)
}

/// What a token request by this assertion is told: `code_unknown` where it was taken.
async fn told(idp: &TestIdp, jwt: &str) -> String {
    idp.token_error(&idp.token_request("a-code").assertion(jwt)).await
}

/// Ena OAuth 2.0 profile: a `client_id` that is an address works wherever one is used.
#[tokio::test]
async fn a_client_id_may_be_an_address() {
    let idp = TestIdp::start().await;
    let code = async || {
        let request = idp.authorize().set("client_id", CLIENT);
        idp.code(&mut idp.browser("clinician"), &request).await
    };
    registered(&idp, |_| {}).await;
    let tokens =
        idp.tokens(&idp.token_request(&code().await).assertion(&signed(&good(&idp)))).await;
    let id_token = crate::token::claims(tokens["id_token"].as_str().unwrap());
    assert!(id_token["aud"] == CLIENT || id_token["aud"] == json!([CLIENT]));
    idp.register(|client| client.id = CLIENT.to_owned()).await;
    let encoded: String = url::form_urlencoded::byte_serialize(CLIENT.as_bytes()).collect();
    // As RFC 6749 §2.3.1 says, and as many do.
    for id in [encoded.as_str(), CLIENT] {
        let request = idp.token_request(&code().await).basic(Some((id, CLIENT_SECRET)));
        idp.tokens(&request).await;
    }
}

/// RFC 8725 §3.11.
#[tokio::test]
async fn a_jwt_of_another_type_is_no_assertion() {
    let idp = TestIdp::start().await;
    registered(&idp, |_| {}).await;
    let typed = |typ| good(&idp).typed(typ, Algorithm::ES256, &p256().signing);
    for (typ, code) in [
        (None, "code_unknown"),
        (Some("JWT"), "code_unknown"),
        (Some("client-authentication+jwt"), "code_unknown"),
        (Some("application/client-authentication+jwt"), "code_unknown"),
        (Some("dpop+jwt"), "assertion_type_wrong"),
        (Some("oauth-authz-req+jwt"), "assertion_type_wrong"),
        (Some("at+jwt"), "assertion_type_wrong"),
        (Some(""), "assertion_type_wrong"),
    ] {
        assert_eq!(told(&idp, &typed(typ)).await, code, "{typ:?}");
    }
    // Ena OAuth 2.0 profile.
    registered(&idp, |client| client.metadata.require_client_assertion_typ = true).await;
    for (typ, code) in [
        (None, "assertion_type_wrong"),
        (Some("JWT"), "assertion_type_wrong"),
        (Some("client-authentication+jwt"), "code_unknown"),
    ] {
        assert_eq!(told(&idp, &typed(typ)).await, code, "{typ:?}");
    }
}

/// OpenID Connect Registration 1.0 §2: `token_endpoint_auth_signing_alg`; FAPI 2.0 §5.4.1.
#[tokio::test]
async fn an_assertion_is_signed_as_is_registered() {
    let idp = TestIdp::start().await;
    let by = |algorithm| good(&idp).sign(algorithm, &rsa().signing);
    registered(&idp, |client| {
        rsa().register(client);
        client.metadata.token_endpoint_auth_signing_alg = Some("PS256".parse().unwrap());
    })
    .await;
    assert_eq!(told(&idp, &by(Algorithm::RS256)).await, "assertion_alg_wrong");
    assert_eq!(told(&idp, &by(Algorithm::PS256)).await, "code_unknown");
    registered(&idp, |client| {
        rsa().register(client);
        client.metadata.profile = Profile::Fapi2;
    })
    .await;
    assert_eq!(told(&idp, &by(Algorithm::RS256)).await, "assertion_alg_wrong");
    assert_eq!(told(&idp, &by(Algorithm::PS256)).await, "code_unknown");
}

fn for_audience(idp: &TestIdp, audience: Value) -> String {
    signed(&good(idp).set("aud", audience))
}

/// FAPI 2.0 §5.3.2.1, Ena OAuth 2.0 profile: the issuer, as text and alone.
#[tokio::test]
async fn where_the_issuer_alone_is_the_audience_nothing_else_is() {
    let idp = TestIdp::start().await;
    let issuer = idp.config.issuer_identifier().to_owned();
    let edits: [fn(&mut Client); 2] = [
        |client| client.metadata.assertion_audience = AssertionAudience::Issuer,
        |client| client.metadata.profile = Profile::Fapi2,
    ];
    for edit in edits {
        registered(&idp, edit).await;
        for (audience, code) in [
            (json!(issuer), "code_unknown"),
            (json!([issuer]), "assertion_audience_wrong"),
            (json!([issuer, "https://other.example"]), "assertion_audience_wrong"),
            (json!(format!("{issuer}/")), "assertion_audience_wrong"),
            (json!(format!("{issuer}/token")), "assertion_audience_wrong"),
        ] {
            let jwt = for_audience(&idp, audience.clone());
            assert_eq!(told(&idp, &jwt).await, code, "{audience}");
        }
    }
}

/// RFC 7523 §3, item 3: else the endpoint that is called, and the token endpoint.
#[tokio::test]
async fn the_endpoint_that_is_called_is_an_audience_and_no_other_is() {
    let idp = TestIdp::start().await;
    registered(&idp, |_| {}).await;
    let issuer = idp.config.issuer_identifier().to_owned();
    for (path, code) in [
        ("/token", "code_unknown"),
        ("/token/", "assertion_audience_wrong"),
        ("/login-errors", "assertion_audience_wrong"),
        ("/authorize", "assertion_audience_wrong"),
        (".evil.example/token", "assertion_audience_wrong"),
    ] {
        let jwt = for_audience(&idp, json!(format!("{issuer}{path}")));
        assert_eq!(told(&idp, &jwt).await, code, "{path}");
    }
    let read = async |audience: String| {
        let request = TokenRequest::new("").assertion(&for_audience(&idp, json!(audience)));
        let request = request.only_authentication();
        let answer = request.answer(&idp.http(), &idp.at("/login-errors/ABCD-EFGH")).await;
        answer.problem(idp.issuer())
    };
    assert_eq!(read(format!("{issuer}/login-errors")).await, "login_error_unknown");
    assert_eq!(read(format!("{issuer}/token")).await, "login_error_unknown");
    assert_eq!(read(format!("{issuer}/userinfo")).await, "assertion_audience_wrong");
}

/// RFC 8705 §5: the aliases are addresses of the same endpoints, for calls that come there.
#[test]
fn on_the_host_of_the_aliases_their_addresses_are_audiences() {
    use siths_idp::keys::jwt::PublicKey;
    use siths_idp::oidc::client_auth::{Circumstances, ClientAuthFault, Presented, authenticate};
    let now = chrono::Utc::now();
    let issuer = url::Url::parse("https://idp.example:8443").unwrap();
    let mut client = siths_idp::dev::seed::demo_client("https://rp.example/", "");
    p256().register(&mut client);
    let keys = PublicKey::from_jwks(client.jwks.as_ref().unwrap()).unwrap();
    let client = std::sync::Arc::new(client);
    let told = |audience: &str, alias_host| {
        let jwt = signed(&Assertion::new(&client.id, audience, now));
        let presented = Presented::Assertion { jwt: jwt.into(), client_id: None };
        let at = Circumstances { issuer: &issuer, path: "/par", alias_host, now };
        authenticate(&presented, client.clone(), &keys, at).map(|_| ())
    };
    let here = Some("mtls.idp.example");
    for audience in ["https://mtls.idp.example:8443/par", "https://mtls.idp.example:8443/token"] {
        assert_eq!(told(audience, here), Ok(()));
        assert_eq!(told(audience, None), Err(ClientAuthFault::AssertionAudience));
    }
    assert_eq!(told("https://idp.example:8443/token", here), Ok(()));
    assert_eq!(
        told("https://mtls.idp.example:8443", here),
        Err(ClientAuthFault::AssertionAudience)
    );
    assert_eq!(
        told("https://mtls.idp.example/token", here),
        Err(ClientAuthFault::AssertionAudience)
    );
}

/// RFC 7523 §3, items 4 to 6.
#[tokio::test]
async fn an_assertion_is_for_an_hour_at_most_and_clocks_differ_by_one() {
    let idp = TestIdp::start().await;
    registered(&idp, |_| {}).await;
    let now = idp.clock.now().timestamp();
    for (claim, value, code) in [
        ("exp", now - 61, "assertion_expired"),
        ("exp", now - 58, "code_unknown"),
        ("exp", now + 3600, "code_unknown"),
        ("exp", now + 3662, "assertion_expired"),
        ("nbf", now + 59, "code_unknown"),
        ("nbf", now + 62, "assertion_expired"),
        ("iat", now + 59, "code_unknown"),
        ("iat", now + 62, "assertion_expired"),
    ] {
        let jwt = signed(&good(&idp).set(claim, value));
        assert_eq!(told(&idp, &jwt).await, code, "{claim} {}", value - now);
    }
    for (claim, value) in
        [("exp", json!("soon")), ("nbf", json!([])), ("jti", json!(1)), ("iss", json!(null))]
    {
        let jwt = signed(&good(&idp).set(claim, value));
        assert_eq!(told(&idp, &jwt).await, "assertion_malformed", "{claim}");
    }
}
