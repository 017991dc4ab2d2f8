//! What tokens are worth (RFC 7662), told to whom they concern, signed where that is wanted (RFC 9701).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::keys::SigningAlg;
use siths_idp::oidc::client_metadata::SubjectType;

use crate::harness::assertion::{Assertion, p256};
use crate::harness::tokens::{API, OTHER_API, offline, opaque, refreshing, resource, system, text};
use crate::harness::{Answer, CLIENT_SECRET, TestIdp, TokenRequest};
use crate::token::claims;

fn inactive() -> Value {
    json!({ "active": false })
}

/// A system with a token for [`API`], and `api`, whose token it is for.
async fn token_for_api(idp: &TestIdp, is_opaque: bool) -> String {
    idp.register(|client| {
        system(client);
        client.metadata.resources = [API.to_owned(), OTHER_API.to_owned()].into();
        if is_opaque {
            opaque(client);
        }
    })
    .await;
    idp.register(resource).await;
    let request = TokenRequest::of("client_credentials").by("system");
    let tokens = idp.tokens(&request.add("resource", API).add("resource", OTHER_API)).await;
    text(&tokens, "access_token").to_owned()
}

#[tokio::test]
async fn rfc_7662_2_2_a_resource_is_told_of_the_tokens_that_are_for_it() {
    for is_opaque in [false, true] {
        let idp = TestIdp::start().await;
        let token = token_for_api(&idp, is_opaque).await;
        let now = idp.clock.now().timestamp();
        let mut told = idp.introspected(&TokenRequest::about(&token).by("api")).await;
        told.as_object_mut().unwrap().remove("jti").unwrap();
        // The other audience is none of its business.
        let expected = json!({
            "active": true, "iss": idp.config.issuer_identifier(), "sub": "system",
            "client_id": "system", "aud": API, "scope": "read write", "token_type": "Bearer",
            "iat": now, "exp": now + 300,
        });
        assert_eq!(told, expected);
        let own = idp.introspected(&TokenRequest::about(&token).by("system")).await;
        assert_eq!(own["aud"], json!([API, OTHER_API]));
    }
}

#[tokio::test]
async fn rfc_7662_4_whom_a_token_does_not_concern_learns_nothing() {
    let idp = TestIdp::start().await;
    let token = token_for_api(&idp, false).await;
    let of_another = TokenRequest::about(&token).by("other");
    for (introspects, names) in
        [(false, &[API][..]), (true, &["urn:example:third"]), (true, &["https://api.example.se/"])]
    {
        idp.register(|client| {
            resource(client);
            client.id = "other".to_owned();
            client.metadata.introspects = introspects;
            client.metadata.resources = names.iter().map(ToString::to_string).collect();
        })
        .await;
        assert_eq!(idp.introspected(&of_another).await, inactive(), "{names:?}");
    }
}

#[tokio::test]
async fn a_login_is_told_with_its_assurance_and_without_the_person() {
    let idp = TestIdp::start().await;
    idp.register(refreshing).await;
    let tokens = idp.login_tokens(&idp.authorize()).await;
    let token = text(&tokens, "access_token");
    let told = idp.introspected(&TokenRequest::about(token)).await;
    let mut names: Vec<&String> = told.as_object().unwrap().keys().collect();
    names.sort();
    let expected = [
        "acr",
        "active",
        "amr",
        "aud",
        "auth_time",
        "client_id",
        "exp",
        "iat",
        "iss",
        "jti",
        "scope",
        "sub",
        "token_type",
    ];
    assert_eq!(names, expected);
    let claims = claims(token);
    for name in
        ["acr", "amr", "aud", "auth_time", "client_id", "exp", "iat", "iss", "jti", "scope", "sub"]
    {
        assert_eq!(told[name], claims[name]);
    }
}

#[tokio::test]
async fn a_client_is_told_of_its_own_refresh_tokens_and_nobody_else() {
    let idp = TestIdp::start().await;
    idp.register(resource).await;
    idp.register(|client| {
        offline(client);
        client.metadata.subject_type = SubjectType::Pairwise;
    })
    .await;
    let tokens = idp.login_tokens(&idp.authorize()).await;
    let token = text(&tokens, "refresh_token");
    let now = idp.clock.now().timestamp();
    for hint in ["refresh_token", "access_token", "unknown"] {
        let asked = TokenRequest::about(token).add("token_type_hint", hint);
        let told = idp.introspected(&asked).await;
        let expected = json!({
            "active": true, "iss": idp.config.issuer_identifier(), "client_id": CLIENT_ID,
            "sub": claims(text(&tokens, "id_token"))["sub"], "scope": tokens["scope"],
            // Not asked for offline access: until the session ends.
            "exp": now + 8 * 3600,
        });
        assert_eq!(told, expected);
        assert_eq!(idp.introspected(&asked.by("api")).await, inactive());
    }
    idp.sql(r#"update refresh_tokens set confirmation = '{"jkt": "a-thumbprint"}'"#).await;
    let told = idp.introspected(&TokenRequest::about(token)).await;
    assert_eq!(told["cnf"], json!({ "jkt": "a-thumbprint" }));
    idp.sql("update refresh_tokens set confirmation = '{}'").await;
    idp.tokens(&TokenRequest::refresh(token)).await;
    // A used one is worth nothing, and to ask is not to use it.
    assert_eq!(idp.introspected(&TokenRequest::about(token)).await, inactive());
    assert_eq!(idp.audited("refresh_token.replayed").await, 0);
}

#[tokio::test]
async fn rfc_8705_3_2_a_token_is_told_with_the_key_that_it_is_bound_to() {
    let idp = TestIdp::start().await;
    let token = token_for_api(&idp, true).await;
    for (key, token_type) in [("jkt", "DPoP"), ("x5t#S256", "Bearer")] {
        sqlx::query("update access_tokens set claims = jsonb_set(claims, '{cnf}', $1)")
            .bind(json!({ key: "a-hash" }))
            .execute(idp.pool())
            .await
            .unwrap();
        let told = idp.introspected(&TokenRequest::about(&token).by("api")).await;
        assert_eq!(told["cnf"], json!({ key: "a-hash" }));
        assert_eq!(told["token_type"], token_type);
    }
}

#[tokio::test]
async fn everything_doubtful_is_inactive_and_at_once() {
    for statement in [
        "update users set enabled = false",
        "update role_grants set revoked_at = now()",
        "update sessions set ended_at = now()",
        "update grants set revoked_at = now()",
    ] {
        let idp = TestIdp::start().await;
        idp.register(refreshing).await;
        let tokens = idp.login_tokens(&idp.authorize()).await;
        let asked =
            ["access_token", "refresh_token"].map(|n| TokenRequest::about(text(&tokens, n)));
        for asked in &asked {
            assert_eq!(idp.introspected(asked).await["active"], true);
        }
        idp.sql(statement).await;
        for asked in &asked {
            assert_eq!(idp.introspected(asked).await, inactive(), "{statement}");
        }
    }
    let idp = TestIdp::start().await;
    idp.register(refreshing).await;
    let tokens = idp.login_tokens(&idp.authorize()).await;
    for token in ["unknown", "a.b.c", "' or 1=1 --", text(&tokens, "id_token")] {
        assert_eq!(idp.introspected(&TokenRequest::about(token)).await, inactive());
    }
    idp.advance(300);
    let asked = TokenRequest::about(text(&tokens, "access_token"));
    assert_eq!(idp.introspected(&asked).await, inactive());
    let asked = TokenRequest::about(text(&tokens, "refresh_token"));
    assert_eq!(idp.introspected(&asked).await["active"], true);
    idp.advance(8 * 3600 - 300);
    assert_eq!(idp.introspected(&asked).await, inactive());
}

#[tokio::test]
async fn a_token_of_a_client_that_is_switched_off_is_inactive() {
    for is_opaque in [false, true] {
        let idp = TestIdp::start().await;
        let token = token_for_api(&idp, is_opaque).await;
        let asked = TokenRequest::about(&token).by("api");
        assert_eq!(idp.introspected(&asked).await["active"], true);
        idp.register(|client| {
            system(client);
            client.enabled = false;
        })
        .await;
        assert_eq!(idp.introspected(&asked).await, inactive());
    }
}

#[tokio::test]
async fn a_request_that_is_not_as_it_should_be_is_told_nothing() {
    let idp = TestIdp::start().await;
    let token = token_for_api(&idp, false).await;
    let good = || TokenRequest::about(&token).by("api");
    for (request, code) in [
        (good().without("token"), "token_parameter_missing"),
        (good().set("token", ""), "token_parameter_missing"),
        (good().add("token", "another"), "parameter_repeated"),
        (good().add("token_type_hint", "a").add("token_type_hint", "b"), "parameter_repeated"),
        (good().basic(None), "client_authentication_missing"),
        (good().basic(Some(("api", "wrong"))), "client_secret_wrong"),
        (good().by("nobody"), "client_not_registered"),
    ] {
        assert_eq!(idp.introspection(&request).await.problem(idp.issuer()), code);
    }
    let (http, at) = (idp.http(), idp.at("/introspect"));
    let answer = Answer::of(http.get(at.clone()).send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "method_not_allowed");
    // An access token is no proof of who asks.
    let by_token = http.post(at).bearer_auth(&token).form(&[("token", &token)]);
    let answer = Answer::of(by_token.send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "client_authentication_missing");
    idp.pool().close().await;
    assert_eq!(idp.introspection(&good()).await.problem(idp.issuer()), "unavailable");
}

#[tokio::test]
async fn an_assertion_asks_once() {
    let idp = TestIdp::start().await;
    let token = token_for_api(&idp, false).await;
    idp.register(|client| {
        resource(client);
        p256().register(client);
    })
    .await;
    let assertion = Assertion::new("api", idp.config.issuer_identifier(), idp.clock.now());
    let jwt = assertion.sign(jsonwebtoken::Algorithm::ES256, &p256().signing);
    let asked = TokenRequest::about(&token).assertion(&jwt);
    assert_eq!(idp.introspected(&asked).await["active"], true);
    assert_eq!(idp.introspection(&asked).await.problem(idp.issuer()), "assertion_replayed");
}

/// What `api` is answered that accepts this.
async fn accepting(idp: &TestIdp, token: &str, accept: &str) -> Answer {
    let request = idp.http().post(idp.at("/introspect")).basic_auth("api", Some(CLIENT_SECRET));
    let request = request.header("accept", accept).form(&[("token", token)]);
    Answer::of(request.send().await.unwrap()).await
}

const SIGNED: &str = "application/token-introspection+jwt";

/// The claims of a signed answer, whose header and signature are checked as RFC 9701 §5 says.
fn signed(idp: &TestIdp, answer: &Answer) -> (jsonwebtoken::Algorithm, String, Value) {
    assert_eq!((answer.status, answer.header("content-type")), (200, SIGNED));
    assert_eq!(answer.header("cache-control"), "no-store");
    let [header, _, _] = answer.body.split('.').collect::<Vec<_>>().try_into().unwrap();
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode::<&str>(header).unwrap()).unwrap();
    assert_eq!(header["typ"], "token-introspection+jwt");
    let claims = claims(&answer.body);
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    // No sub and no exp, so that it is never taken for an access token.
    assert_eq!(names, ["aud", "iat", "iss", "token_introspection"]);
    assert_eq!(claims["iss"], idp.config.issuer_identifier());
    assert_eq!(claims["aud"], "api");
    assert_eq!(claims["iat"], idp.clock.now().timestamp());
    let alg = text(&header, "alg").parse().unwrap();
    (alg, answer.body.clone(), claims["token_introspection"].clone())
}

#[tokio::test]
async fn rfc_9701_4_a_signed_answer_comes_as_it_is_asked_for() {
    let idp = TestIdp::start().await;
    let token = token_for_api(&idp, false).await;
    let plain = idp.introspected(&TokenRequest::about(&token).by("api")).await;
    for accept in [SIGNED, "application/json;q=0.5, Application/Token-Introspection+JWT;q=0.9"] {
        let (alg, jwt, told) = signed(&idp, &accepting(&idp, &token, accept).await);
        // §6: RS256 where nothing is registered.
        assert_eq!(alg, jsonwebtoken::Algorithm::RS256);
        assert_eq!(told, plain);
        crate::harness::tokens::verify(&idp, &jwt).await;
    }
    for accept in ["*/*", "application/json", "application/token-introspection+jwt;q=0"] {
        let answer = accepting(&idp, &token, accept).await;
        assert_eq!(answer.json(), plain, "{accept}");
    }
    let (_, _, told) = signed(&idp, &accepting(&idp, "unknown", SIGNED).await);
    assert_eq!(told, inactive());
}

#[tokio::test]
async fn rfc_9701_6_a_signed_answer_comes_as_it_is_registered() {
    let idp = TestIdp::start().await;
    let token = token_for_api(&idp, false).await;
    for alg in [SigningAlg::Es256, SigningAlg::Rs256] {
        idp.register(|client| {
            resource(client);
            client.metadata.introspection_signed_response_alg = Some(alg);
        })
        .await;
        for accept in [SIGNED, "*/*"] {
            let (signed_by, jwt, told) = signed(&idp, &accepting(&idp, &token, accept).await);
            assert_eq!(format!("{signed_by:?}"), alg.name());
            assert_eq!(told["active"], true);
            crate::harness::tokens::verify(&idp, &jwt).await;
        }
    }
    // It opens nothing.
    let answer = accepting(&idp, &token, SIGNED).await.body;
    assert_eq!(idp.shut(&answer).await.as_deref(), Some("token_malformed"));
    assert_eq!(idp.introspected(&TokenRequest::about(&answer).by("system")).await, inactive());
}
