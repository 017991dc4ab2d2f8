//! Tokens that their client gives back (RFC 7009).

use serde_json::Value;

use crate::harness::assertion::{Assertion, p256};
use crate::harness::tokens::{opaque, refreshing, system, text};
use crate::harness::{Answer, TestIdp, TokenRequest};

async fn logged_in(idp: &TestIdp) -> Value {
    idp.register(refreshing).await;
    idp.login_tokens(&idp.authorize()).await
}

fn refresh(tokens: &Value) -> TokenRequest {
    TokenRequest::refresh(text(tokens, "refresh_token"))
}

fn access_token(tokens: &Value) -> &str {
    text(tokens, "access_token")
}

#[tokio::test]
async fn rfc_7009_2_1_a_refresh_token_takes_all_that_the_login_gave_with_it() {
    let idp = TestIdp::start().await;
    let first = logged_in(&idp).await;
    let second = idp.tokens(&refresh(&first)).await;
    idp.given_back(&TokenRequest::about(text(&second, "refresh_token"))).await;
    assert_eq!(idp.token_error(&refresh(&second)).await, "grant_revoked");
    for tokens in [&first, &second] {
        assert_eq!(idp.shut(access_token(tokens)).await.as_deref(), Some("token_revoked"));
    }
    assert_eq!(idp.audited("token.revoked").await, 1);
    // Again is as good as once (§2.2).
    idp.given_back(&TokenRequest::about(text(&second, "refresh_token"))).await;
    assert_eq!(idp.audited("token.revoked").await, 1);
}

#[tokio::test]
async fn a_used_refresh_token_is_still_one_of_the_family() {
    let idp = TestIdp::start().await;
    let first = logged_in(&idp).await;
    let second = idp.tokens(&refresh(&first)).await;
    idp.given_back(&TokenRequest::about(text(&first, "refresh_token"))).await;
    assert_eq!(idp.token_error(&refresh(&second)).await, "grant_revoked");
    assert_eq!(idp.audited("refresh_token.replayed").await, 0);
}

#[tokio::test]
async fn an_access_token_goes_alone_whatever_it_looks_like() {
    for is_opaque in [false, true] {
        let idp = TestIdp::start().await;
        idp.register(|client| {
            refreshing(client);
            if is_opaque {
                opaque(client);
            }
        })
        .await;
        let first = idp.login_tokens(&idp.authorize()).await;
        let second = idp.tokens(&refresh(&first)).await;
        idp.given_back(&TokenRequest::about(access_token(&first))).await;
        let code = if is_opaque { "token_malformed" } else { "token_revoked" };
        assert_eq!(idp.shut(access_token(&first)).await.as_deref(), Some(code));
        assert_eq!(idp.shut(access_token(&second)).await, None);
        idp.tokens(&refresh(&second)).await;
        idp.given_back(&TokenRequest::about(access_token(&first))).await;
        assert_eq!(idp.audited("token.revoked").await, 1);
    }
}

#[tokio::test]
async fn the_hint_helps_and_never_hinders() {
    let idp = TestIdp::start().await;
    for hint in ["access_token", "refresh_token", "unknown", ""] {
        let tokens = logged_in(&idp).await;
        let about = |name| TokenRequest::about(text(&tokens, name)).add("token_type_hint", hint);
        idp.given_back(&about("access_token")).await;
        assert_eq!(idp.shut(access_token(&tokens)).await.as_deref(), Some("token_revoked"));
        idp.given_back(&about("refresh_token")).await;
        assert_eq!(idp.token_error(&refresh(&tokens)).await, "grant_revoked");
    }
}

#[tokio::test]
async fn rfc_7009_2_2_a_token_that_is_none_is_no_fault() {
    let idp = TestIdp::start().await;
    let tokens = logged_in(&idp).await;
    for token in ["unknown", "a.b.c", "' or 1=1 --", text(&tokens, "id_token")] {
        idp.given_back(&TokenRequest::about(token)).await;
    }
    idp.advance(300);
    idp.given_back(&TokenRequest::about(access_token(&tokens))).await;
    assert_eq!(idp.audited("token.revoked").await, 0);
    assert!(idp.tables().await["revoked_tokens"].is_empty());
    idp.tokens(&refresh(&tokens)).await;
}

#[tokio::test]
async fn rfc_7009_2_1_another_clients_token_is_not_revoked_and_it_is_told() {
    for is_opaque in [false, true] {
        let idp = TestIdp::start().await;
        idp.register(|client| client.id = "other".to_owned()).await;
        idp.register(|client| {
            refreshing(client);
            if is_opaque {
                opaque(client);
            }
        })
        .await;
        let tokens = idp.login_tokens(&idp.authorize()).await;
        for name in ["access_token", "refresh_token"] {
            let answer =
                idp.revocation(&TokenRequest::about(text(&tokens, name)).by("other")).await;
            assert_eq!(answer.problem(idp.issuer()), "token_of_another_client", "{name}");
        }
        assert_eq!(idp.audited("token.revoked").await, 0);
        assert_eq!(idp.shut(access_token(&tokens)).await, None);
        idp.tokens(&refresh(&tokens)).await;
    }
}

#[tokio::test]
async fn a_request_that_is_not_as_it_should_be_revokes_nothing() {
    let idp = TestIdp::start().await;
    let tokens = logged_in(&idp).await;
    let good = || TokenRequest::about(text(&tokens, "refresh_token"));
    for (request, code) in [
        (good().without("token"), "token_parameter_missing"),
        (good().set("token", ""), "token_parameter_missing"),
        (good().add("token", "another"), "parameter_repeated"),
        (good().add("token_type_hint", "a").add("token_type_hint", "b"), "parameter_repeated"),
        (good().basic(None), "client_authentication_missing"),
        (good().basic(Some(("demo-symfoni", "wrong"))), "client_secret_wrong"),
        (good().by("nobody"), "client_not_registered"),
        (good().add("x", &"x".repeat(8 * 1024)), "request_too_long"),
    ] {
        assert_eq!(idp.revocation(&request).await.problem(idp.issuer()), code);
    }
    let (http, at) = (idp.http(), idp.at("/revoke"));
    let json = http.post(at.clone()).json(&serde_json::json!({ "token": "x" }));
    let answer = Answer::of(json.send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "content_type_unsupported");
    let answer = Answer::of(http.get(at).send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "method_not_allowed");
    idp.tokens(&refresh(&tokens)).await;
}

#[tokio::test]
async fn an_assertion_revokes_once() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        system(client);
        p256().register(client);
    })
    .await;
    let signed = || {
        let assertion = Assertion::new("system", idp.config.issuer_identifier(), idp.clock.now());
        assertion.sign(jsonwebtoken::Algorithm::ES256, &p256().signing)
    };
    let of_its_own = TokenRequest::of("client_credentials").assertion(&signed());
    let tokens = idp.tokens(&of_its_own).await;
    let used = signed();
    idp.given_back(&TokenRequest::about("unknown").assertion(&used)).await;
    let again = TokenRequest::about(access_token(&tokens)).assertion(&used);
    assert_eq!(idp.revocation(&again).await.problem(idp.issuer()), "assertion_replayed");
    assert_eq!(idp.audited("token.revoked").await, 0);
    idp.given_back(&TokenRequest::about(access_token(&tokens)).assertion(&signed())).await;
    assert_eq!(idp.audited("token.revoked").await, 1);
    // A token of a system is dead like any other.
    let asked = TokenRequest::about(access_token(&tokens)).assertion(&signed());
    assert_eq!(idp.introspected(&asked).await, serde_json::json!({ "active": false }));
}
