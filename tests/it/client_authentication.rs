//! How clients prove who they are: at the token endpoint, and wherever else they must.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;
use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::oidc::client::ClientAuthentication;
use siths_idp::secret::sha256;

use crate::harness::assertion::{Assertion, ClientKey, p256, rsa, stranger};
use crate::harness::{Answer, Authorize, CLIENT_SECRET, TestIdp, TokenRequest};

/// A client of each method, all with the same secret and the same redirect URI.
async fn one_of_each(idp: &TestIdp) {
    idp.register(|client| client.id = "basic".to_owned()).await;
    idp.register(|client| {
        client.id = "post".to_owned();
        let hash = sha256(CLIENT_SECRET.as_bytes());
        client.authentication = ClientAuthentication::SecretPost { hash };
    })
    .await;
    with_key(idp, "jwt", p256()).await;
}

async fn with_key(idp: &TestIdp, id: &str, key: &ClientKey) {
    idp.register(|client| {
        client.id = id.to_owned();
        key.register(client);
    })
    .await;
}

fn by_basic(request: TokenRequest, id: &str) -> TokenRequest {
    request.basic(Some((id, CLIENT_SECRET)))
}

fn by_post(request: TokenRequest, id: &str) -> TokenRequest {
    request.basic(None).set("client_id", id).set("client_secret", CLIENT_SECRET)
}

fn by_jwt(idp: &TestIdp, request: TokenRequest, id: &str) -> TokenRequest {
    request.assertion(&assertion(idp, id).sign(Algorithm::ES256, &p256().signing))
}

fn assertion(idp: &TestIdp, id: &str) -> Assertion {
    Assertion::new(id, idp.config.issuer_identifier(), idp.clock.now())
}

async fn code_for(idp: &TestIdp, id: &str) -> String {
    let request: Authorize = idp.authorize().set("client_id", id);
    idp.code(&mut idp.browser("clinician"), &request).await
}

/// The code that a token request with this Authorization field, and no other proof, is told.
async fn with_field(idp: &TestIdp, field: &str, form: &str) -> Answer {
    let request = idp
        .http()
        .post(idp.at("/token"))
        .header("authorization", field)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned());
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_client_without_proof_is_told_how_to_prove() {
    let idp = TestIdp::start().await;
    for request in [
        idp.token_request("a-code").basic(None),
        idp.token_request("a-code").basic(None).set("client_id", CLIENT_ID),
        idp.token_request("a-code")
            .basic(None)
            .set("client_id", CLIENT_ID)
            .set("client_secret", ""),
    ] {
        let answer = idp.token_answer(&request).await;
        assert_eq!(answer.problem(idp.issuer()), "client_authentication_missing");
        assert!(answer.header("www-authenticate").starts_with("Basic realm="));
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_read_are_refused() {
    let idp = TestIdp::start().await;
    let form = idp.token_request("a-code").form();
    let encoded = |text: &[u8]| format!("Basic {}", STANDARD.encode(text));
    for field in [
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!".to_owned(),
        encoded(b"no colon"),
        encoded(b":only-a-secret"),
        encoded(b"\xff\xfe:secret"),
    ] {
        let answer = with_field(&idp, &field, &form).await;
        let told = answer.problem(idp.issuer());
        assert_eq!(told, "client_authentication_malformed", "{field}");
    }
    let of_another = idp.token_request("a-code").set("client_id", "another");
    assert_eq!(idp.token_error(&of_another).await, "client_authentication_malformed");
    let nobodys = idp.token_request("a-code").basic(None).set("client_secret", CLIENT_SECRET);
    assert_eq!(idp.token_error(&nobodys).await, "client_authentication_malformed");
    let twice = idp.http().post(idp.at("/token")).form(&[("grant_type", "authorization_code")]);
    let twice = twice.basic_auth(CLIENT_ID, Some(CLIENT_SECRET)).basic_auth("x", Some("y"));
    let answer = Answer::of(twice.send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "client_authentication_malformed");
}

#[tokio::test]
async fn a_secret_that_is_wrong_proves_nothing() {
    let idp = TestIdp::start().await;
    one_of_each(&idp).await;
    idp.register(|client| {
        client.id = "switched-off".to_owned();
        client.enabled = false;
    })
    .await;
    let good = || idp.token_request("a-code");
    let wrong = format!("{CLIENT_SECRET}x");
    for (request, code) in [
        (good().basic(Some((CLIENT_ID, &wrong))), "client_secret_wrong"),
        (good().basic(Some((CLIENT_ID, &CLIENT_SECRET[1..]))), "client_secret_wrong"),
        (good().basic(Some((CLIENT_ID, ""))), "client_secret_wrong"),
        (by_post(good(), "post").set("client_secret", &wrong), "client_secret_wrong"),
        (by_basic(good(), "nobody"), "client_not_registered"),
        (by_basic(good(), "DEMO-SYMFONI"), "client_not_registered"),
        (by_basic(good(), "switched-off"), "client_not_registered"),
        (by_post(good(), "nobody"), "client_not_registered"),
        (by_jwt(&idp, good(), "nobody"), "client_not_registered"),
    ] {
        assert_eq!(idp.token_error(&request).await, code);
    }
    // Proof comes first: who has none is told nothing of the code.
    let nothing = good().only_authentication().basic(Some((CLIENT_ID, "wrong")));
    assert_eq!(idp.token_error(&nothing).await, "client_secret_wrong");
}

#[tokio::test]
async fn each_client_uses_its_own_method_and_no_other() {
    let idp = TestIdp::start().await;
    one_of_each(&idp).await;
    for id in ["basic", "post", "jwt"] {
        let code = code_for(&idp, id).await;
        let good = || idp.token_request(&code);
        let methods = [
            ("basic", by_basic(good(), id)),
            ("post", by_post(good(), id)),
            ("jwt", by_jwt(&idp, good(), id)),
        ];
        for (method, request) in &methods {
            if *method != id {
                let told = idp.token_error(request).await;
                assert_eq!(told, "client_method_unregistered", "{id} by {method}");
            }
        }
        let (_, own) = methods.into_iter().find(|(method, _)| *method == id).unwrap();
        idp.tokens(&own).await;
    }
}

#[tokio::test]
async fn two_methods_at_once_are_one_too_many() {
    let idp = TestIdp::start().await;
    one_of_each(&idp).await;
    let good = || idp.token_request("a-code");
    let jwt = assertion(&idp, "jwt").sign(Algorithm::ES256, &p256().signing);
    for request in [
        by_basic(by_post(good(), "basic"), "basic"),
        by_basic(by_jwt(&idp, good(), "basic"), "basic"),
        by_jwt(&idp, good(), "jwt").set("client_id", "jwt").set("client_secret", CLIENT_SECRET),
    ] {
        let told = idp.token_error(&request).await;
        assert_eq!(told, "client_authentication_repeated");
    }
    for repeated in ["client_id", "client_secret", "client_assertion", "client_assertion_type"] {
        let request = good().basic(None).set(repeated, &jwt).add(repeated, &jwt);
        assert_eq!(idp.token_error(&request).await, "parameter_repeated", "{repeated}");
    }
}

#[tokio::test]
async fn credentials_in_the_header_are_form_encoded() {
    let idp = TestIdp::start().await;
    let (id, secret) = ("a:client+with%signs", "a secret: 100% + åäö");
    idp.register(|client| {
        client.id = id.to_owned();
        let hash = sha256(secret.as_bytes());
        client.authentication = ClientAuthentication::SecretBasic { hash };
    })
    .await;
    let encoded =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let code = code_for(&idp, id).await;
    let request = idp.token_request(&code).basic(Some((&encoded(id), &encoded(secret))));
    idp.tokens(&request).await;
    // The scheme is of any case (RFC 9110 §11.1).
    let field = format!("bASIC {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
    let answer = with_field(&idp, &field, &idp.token_request("a-code").form()).await;
    assert_eq!(answer.problem(idp.issuer()), "code_unknown");
}

#[tokio::test]
async fn an_assertion_is_refused_for_the_least_fault() {
    let idp = TestIdp::start().await;
    with_key(&idp, "jwt", p256()).await;
    let now = idp.clock.now().timestamp();
    let good = || assertion(&idp, "jwt");
    let signed = |assertion: Assertion| assertion.sign(Algorithm::ES256, &p256().signing);
    let issuer = idp.config.issuer_identifier().to_owned();
    let x = URL_SAFE_NO_PAD.decode(p256().jwk["x"].as_str().unwrap()).unwrap();
    let jwk_text = p256().jwk.to_string();
    let hmac = |secret: &[u8]| good().sign(Algorithm::HS256, &EncodingKey::from_secret(secret));
    let mut tampered = signed(good());
    let at = tampered.len() - 20;
    let other = if tampered.as_bytes()[at] == b'A' { "B" } else { "A" };
    tampered.replace_range(at..=at, other);
    for (what, jwt, code) in [
        ("no JWT", "nonsense".to_owned(), "assertion_malformed"),
        ("alg none", good().under(&json!({ "alg": "none" }), ""), "assertion_malformed"),
        ("alg NONE", good().under(&json!({ "alg": "NONE" }), "e30"), "assertion_malformed"),
        ("HS256 with x", hmac(&x), "assertion_signature_wrong"),
        ("HS256 with the JWK", hmac(jwk_text.as_bytes()), "assertion_signature_wrong"),
        ("HS256 with the secret", hmac(CLIENT_SECRET.as_bytes()), "assertion_signature_wrong"),
        (
            "another key",
            good().sign(Algorithm::ES256, &stranger().signing),
            "assertion_signature_wrong",
        ),
        (
            "another key of its own header",
            good().under(&json!({ "alg": "ES256", "jwk": stranger().jwk }), "e30"),
            "assertion_signature_wrong",
        ),
        (
            "another algorithm",
            good().sign(Algorithm::RS256, &rsa().signing),
            "assertion_signature_wrong",
        ),
        ("tampered", tampered, "assertion_signature_wrong"),
        ("iss of another", signed(good().set("iss", CLIENT_ID)), "assertion_malformed"),
        ("no iss", signed(good().without("iss")), "assertion_malformed"),
        ("no sub", signed(good().without("sub")), "assertion_malformed"),
        ("no aud", signed(good().without("aud")), "assertion_malformed"),
        ("no exp", signed(good().without("exp")), "assertion_malformed"),
        ("no jti", signed(good().without("jti")), "assertion_malformed"),
        ("empty jti", signed(good().set("jti", "")), "assertion_malformed"),
        (
            "aud of another",
            signed(good().set("aud", "https://other.example")),
            "assertion_audience_wrong",
        ),
        (
            "aud with a slash",
            signed(good().set("aud", format!("{issuer}/"))),
            "assertion_audience_wrong",
        ),
        (
            "aud UserInfo",
            signed(good().set("aud", format!("{issuer}/userinfo"))),
            "assertion_audience_wrong",
        ),
        (
            "no aud of many",
            signed(good().set("aud", json!(["a", "b"]))),
            "assertion_audience_wrong",
        ),
        ("aud empty", signed(good().set("aud", json!([]))), "assertion_audience_wrong"),
        ("expired", signed(good().set("exp", now - 60)), "assertion_expired"),
        ("lives too long", signed(good().set("exp", now + 3661)), "assertion_expired"),
        ("nbf in the future", signed(good().set("nbf", now + 120)), "assertion_expired"),
        ("iat in the future", signed(good().set("iat", now + 120)), "assertion_expired"),
        ("exp of the stars", signed(good().set("exp", 1e300)), "assertion_malformed"),
    ] {
        let request = idp.token_request("a-code").set("client_id", "jwt").assertion(&jwt);
        assert_eq!(idp.token_error(&request).await, code, "{what}");
    }
    for wrong in ["urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "jwt-bearer", ""] {
        let request = by_jwt(&idp, idp.token_request("a-code"), "jwt");
        let request = request.set("client_assertion_type", wrong);
        assert_eq!(idp.token_error(&request).await, "assertion_malformed", "{wrong}");
    }
    let untyped = by_jwt(&idp, idp.token_request("a-code"), "jwt").without("client_assertion_type");
    assert_eq!(idp.token_error(&untyped).await, "assertion_malformed");
    // None of them was used up.
    assert!(idp.tables().await["client_assertions"].is_empty());
}

#[tokio::test]
async fn an_assertion_of_one_client_does_not_speak_for_another() {
    let idp = TestIdp::start().await;
    with_key(&idp, "jwt", p256()).await;
    with_key(&idp, "another", stranger()).await;
    let by_another = |assertion: Assertion| {
        let jwt = assertion.sign(Algorithm::ES256, &stranger().signing);
        idp.token_request("a-code").assertion(&jwt)
    };
    let told = idp.token_error(&by_another(assertion(&idp, "jwt"))).await;
    assert_eq!(told, "assertion_signature_wrong");
    let named = by_another(assertion(&idp, "jwt")).set("client_id", "another");
    assert_eq!(idp.token_error(&named).await, "assertion_malformed");
    let signed_for = by_another(assertion(&idp, "another").set("sub", "jwt"));
    assert_eq!(idp.token_error(&signed_for).await, "assertion_signature_wrong");
    let of_sub = by_another(assertion(&idp, "jwt").set("sub", "another"));
    assert_eq!(idp.token_error(&of_sub).await, "assertion_malformed");
}

#[tokio::test]
async fn an_assertion_is_taken_once_on_any_node() {
    let idp = TestIdp::start().await;
    with_key(&idp, "jwt", p256()).await;
    let (node, elsewhere) = idp.another_node().await;
    let code = code_for(&idp, "jwt").await;
    let jwt = assertion(&idp, "jwt").sign(Algorithm::ES256, &p256().signing);
    // Also with a code that does not exist: a proof is used by being shown.
    let unknown = idp.token_request("a-code").assertion(&jwt);
    assert_eq!(idp.token_error(&unknown).await, "code_unknown");
    let request = idp.token_request(&code).assertion(&jwt);
    assert_eq!(idp.token_error(&request).await, "assertion_replayed");
    let answer = request.answer(&idp.http(), &elsewhere.join("/token").unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "assertion_replayed");
    idp.advance(119);
    siths_idp::store::housekeeping::run(idp.pool(), idp.clock.now()).await.unwrap();
    let late = idp.token_request("a-code").assertion(&jwt);
    assert_eq!(idp.token_error(&late).await, "assertion_replayed");
    idp.advance(1);
    assert_eq!(idp.token_error(&late).await, "assertion_expired");
    // The code was left alone by the replays, but its minute is over.
    let fresh = by_jwt(&idp, idp.token_request(&code), "jwt");
    assert_eq!(idp.token_error(&fresh).await, "code_expired");
    node.kill().await;
}

#[tokio::test]
async fn of_many_replays_at_once_one_is_the_first() {
    let idp = TestIdp::start().await;
    with_key(&idp, "jwt", p256()).await;
    let jwt = assertion(&idp, "jwt").sign(Algorithm::ES256, &p256().signing);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (http, endpoint) = (idp.http(), idp.at("/token"));
        let request = idp.token_request("a-code").assertion(&jwt);
        tasks
            .spawn(async move { request.send(&http, &endpoint).await.1["error_code"].to_string() });
    }
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for code in tasks.join_all().await {
        *told.entry(code).or_default() += 1;
    }
    assert_eq!(told["\"code_unknown\""], 1);
    assert_eq!(told["\"assertion_replayed\""], 9);
}

#[tokio::test]
async fn every_audience_and_every_algorithm_that_is_advertised_is_taken() {
    let idp = TestIdp::start().await;
    let issuer = idp.config.issuer_identifier().to_owned();
    let token = format!("{issuer}/token");
    for (key, algorithm, audience) in [
        (p256(), Algorithm::ES256, json!(issuer)),
        (p256(), Algorithm::ES256, json!(token)),
        (p256(), Algorithm::ES256, json!(["https://other.example", issuer])),
        (p256(), Algorithm::ES256, json!([token])),
        (rsa(), Algorithm::RS256, json!(issuer)),
        (rsa(), Algorithm::PS256, json!(token)),
    ] {
        with_key(&idp, "jwt", key).await;
        let code = code_for(&idp, "jwt").await;
        let jwt = assertion(&idp, "jwt").set("aud", audience).sign(algorithm, &key.signing);
        let tokens = idp.tokens(&idp.token_request(&code).assertion(&jwt)).await;
        let claims = crate::token::claims(tokens["id_token"].as_str().unwrap());
        assert!(claims["aud"] == "jwt" || claims["aud"] == json!(["jwt"]), "{claims}");
    }
}

#[test]
fn keys_can_be_registered_whose_algorithms_are_advertised() {
    for key in [p256(), rsa()] {
        let set = json!({ "keys": [key.jwk] });
        assert_eq!(siths_idp::keys::public_jwk::check_set(&set), Ok(()), "{set}");
    }
}

#[tokio::test]
async fn of_several_keys_the_one_that_signed_is_found() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.id = "jwt".to_owned();
        let jwks = json!({ "keys": [rsa().jwk, stranger().jwk, p256().jwk] });
        client.authentication = ClientAuthentication::PrivateKeyJwt;
        client.jwks = Some(jwks);
    })
    .await;
    let code = code_for(&idp, "jwt").await;
    idp.tokens(&by_jwt(&idp, idp.token_request(&code), "jwt")).await;
}
