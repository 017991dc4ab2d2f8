//! Refresh tokens (RFC 6749 §6; OpenID Connect Core 1.0 §12): what they give, and to whom.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use siths_idp::secret::sha256;

use crate::harness::assertion::{Assertion, p256};
use crate::harness::tokens::{opaque, refreshing, text};
use crate::harness::{TestIdp, TokenRequest};
use crate::token::claims;

async fn logged_in(idp: &TestIdp) -> Value {
    idp.register(refreshing).await;
    idp.login_tokens(&idp.authorize()).await
}

#[tokio::test]
async fn rfc_6749_6_a_refresh_token_becomes_tokens_and_another_in_its_place() {
    let idp = TestIdp::start().await;
    let first = logged_in(&idp).await;
    idp.advance(100);
    let second = idp.tokens(&TokenRequest::refresh(text(&first, "refresh_token"))).await;
    assert_eq!(text(&first, "refresh_token").len(), 43);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_ne!(second["access_token"], first["access_token"]);
    for same in ["token_type", "expires_in", "scope"] {
        assert_eq!(second[same], first[same]);
    }
    assert_eq!(idp.shut(text(&second, "access_token")).await, None);
    idp.tokens(&TokenRequest::refresh(text(&second, "refresh_token"))).await;
    assert_eq!(idp.audited("token.refreshed").await, 2);
}

#[tokio::test]
async fn core_12_2_the_new_id_token_is_of_the_same_login() {
    let idp = TestIdp::start().await;
    let first = logged_in(&idp).await;
    idp.advance(100);
    let second = idp.tokens(&TokenRequest::refresh(text(&first, "refresh_token"))).await;
    let [before, after] = [&first, &second].map(|tokens| claims(text(tokens, "id_token")));
    for same in ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid", "systemRole"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    let [was, is] = [&before, &after].map(|claims| claims["iat"].as_i64().unwrap());
    assert_eq!(is, was + 100);
    assert!(before.get("nonce").is_some() && after.get("nonce").is_none(), "{after}");
    // Core §3.1.3.6.
    let hash = sha256(text(&second, "access_token").as_bytes());
    assert_eq!(after["at_hash"], URL_SAFE_NO_PAD.encode(&hash[..16]));
}

#[tokio::test]
async fn a_client_without_the_grant_type_gets_no_refresh_token() {
    let idp = TestIdp::start().await;
    let tokens = idp.login_tokens(&idp.authorize()).await;
    assert_eq!(tokens.get("refresh_token"), None);
    assert!(idp.tables().await["refresh_tokens"].is_empty());
    let request = TokenRequest::refresh("a-token");
    assert_eq!(idp.token_error(&request).await, "grant_type_unregistered");
}

#[tokio::test]
async fn a_request_that_is_not_as_it_should_be_is_refused_and_leaves_the_token_as_it_was() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        refreshing(client);
        client.id = "other".to_owned();
    })
    .await;
    let tokens = logged_in(&idp).await;
    let token = text(&tokens, "refresh_token");
    let good = || TokenRequest::refresh(token);
    let long = "a".repeat(8 * 1024);
    for (request, code) in [
        (good().without("refresh_token"), "refresh_token_missing"),
        (good().set("refresh_token", ""), "refresh_token_missing"),
        (good().add("refresh_token", "another"), "parameter_repeated"),
        (good().set("refresh_token", "unknown"), "refresh_token_unknown"),
        (good().set("refresh_token", &long), "request_too_long"),
        (good().set("refresh_token", text(&tokens, "access_token")), "refresh_token_unknown"),
        (good().add("scope", "openid").add("scope", "profile"), "parameter_repeated"),
        (good().by("other"), "refresh_token_unknown"),
        (good().basic(Some(("other", "wrong"))), "client_secret_wrong"),
        (good().set("grant_type", "authorization_code"), "code_missing"),
    ] {
        assert_eq!(idp.token_error(&request).await, code);
    }
    assert_eq!(idp.audited("refresh_token.replayed").await, 0);
    idp.tokens(&good()).await;
}

#[tokio::test]
async fn rfc_6749_6_a_scope_is_narrowed_for_one_access_token_and_never_widened() {
    let idp = TestIdp::start().await;
    idp.register(refreshing).await;
    let request = idp.authorize().set("scope", "openid profile employeeHsaId");
    let tokens = idp.login_tokens(&request).await;
    let mut token = text(&tokens, "refresh_token").to_owned();
    for wider in ["openid systemRole", "openid unknown", "openid offline_access", " "] {
        let refused = TokenRequest::refresh(&token).add("scope", wider);
        assert_eq!(idp.token_error(&refused).await, "scope_exceeds_grant", "{wider}");
    }
    for (scope, hsa_id, name) in [
        (Some("openid"), false, false),
        (Some("employeeHsaId openid"), true, false),
        (None, true, true),
    ] {
        let request = TokenRequest::refresh(&token);
        let request = scope.map_or(request.clone(), |scope| request.add("scope", scope));
        let tokens = idp.tokens(&request).await;
        token = text(&tokens, "refresh_token").to_owned();
        let access_token = text(&tokens, "access_token");
        assert_eq!(claims(access_token)["scope"], tokens["scope"]);
        let told = idp.user_info(access_token).await.json();
        for claims in [told, claims(text(&tokens, "id_token"))] {
            let has = |name: &str| claims.get(name).is_some();
            assert_eq!((has("employeeHsaId"), has("name")), (hsa_id, name), "{claims}");
        }
    }
}

#[tokio::test]
async fn an_access_token_that_was_narrowed_to_no_login_opens_no_user_info() {
    let idp = TestIdp::start().await;
    let tokens = logged_in(&idp).await;
    let request = TokenRequest::refresh(text(&tokens, "refresh_token")).add("scope", "profile");
    let tokens = idp.tokens(&request).await;
    assert_eq!((tokens.get("id_token"), &tokens["scope"]), (None, &json!("profile")));
    let answer = idp.user_info(text(&tokens, "access_token")).await;
    assert_eq!(answer.problem(idp.issuer()), "token_scope_insufficient");
    // RFC 6750 §3.1.
    assert!(answer.header("www-authenticate").contains(r#"error="insufficient_scope""#));
}

#[tokio::test]
async fn an_assertion_is_used_once_here_too() {
    let idp = TestIdp::start().await;
    let client = idp
        .register(|client| {
            refreshing(client);
            p256().register(client);
        })
        .await;
    let assertion = || {
        let issuer = idp.config.issuer_identifier();
        Assertion::new(&client.id, issuer, idp.clock.now()).sign(Algorithm::ES256, &p256().signing)
    };
    let code = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let first = assertion();
    let tokens = idp.tokens(&idp.token_request(&code).assertion(&first)).await;
    let request = TokenRequest::refresh(text(&tokens, "refresh_token"));
    assert_eq!(idp.token_error(&request.clone().assertion(&first)).await, "assertion_replayed");
    // Nothing happened to the token.
    let second = assertion();
    idp.tokens(&request.clone().assertion(&second)).await;
    // Nor is a family revoked by whoever replays an assertion.
    assert_eq!(idp.token_error(&request.clone().assertion(&second)).await, "assertion_replayed");
    assert_eq!(idp.audited("refresh_token.replayed").await, 0);
    assert_eq!(idp.token_error(&request.assertion(&assertion())).await, "refresh_token_replayed");
}

#[tokio::test]
async fn rfc_9700_4_14_2_a_token_that_is_bound_to_a_key_wants_the_key() {
    let idp = TestIdp::start().await;
    let tokens = logged_in(&idp).await;
    let request = TokenRequest::refresh(text(&tokens, "refresh_token"));
    for bound in [
        r#"update refresh_tokens set confirmation = '{"jkt": "a-thumbprint"}'"#,
        r#"update refresh_tokens set confirmation = '{"x5t#S256": "a-certificate"}'"#,
    ] {
        idp.sql(bound).await;
        assert_eq!(idp.token_error(&request).await, "refresh_token_key_mismatch");
    }
    idp.sql("update refresh_tokens set confirmation = '{}'").await;
    idp.tokens(&request).await;
}

#[tokio::test]
async fn no_token_lies_in_the_database() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        refreshing(client);
        opaque(client);
    })
    .await;
    let first = idp.login_tokens(&idp.authorize()).await;
    let second = idp.tokens(&TokenRequest::refresh(text(&first, "refresh_token"))).await;
    let mut kept = Vec::new();
    for (table, rows) in idp.tables().await {
        for name in ["access_token", "refresh_token"] {
            for token in [text(&first, name), text(&second, name)] {
                assert!(!rows.iter().any(|row| row.contains(token)), "{table} holds the {name}");
            }
        }
        kept.push((table, rows));
    }
    let of_tokens = kept.iter().filter(|(table, _)| table.ends_with("_tokens"));
    let of_tokens: Vec<&String> = of_tokens.flat_map(|(_, rows)| rows).collect();
    assert_eq!(of_tokens.len(), 4);
    // Nor anything of the person but the id.
    for row in of_tokens {
        assert!(!row.contains("Anna") && !row.contains("SE2321000222"), "{row}");
    }
}
