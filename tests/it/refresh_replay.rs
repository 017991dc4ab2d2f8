//! A refresh token is used once (RFC 9700 §4.14.2), unless the client is registered otherwise.

use serde_json::Value;
use siths_idp::oidc::client_metadata::Profile;

use crate::harness::tokens::{refreshing, text};
use crate::harness::{TestIdp, TokenRequest};

async fn logged_in(idp: &TestIdp) -> Value {
    idp.register(refreshing).await;
    idp.login_tokens(&idp.authorize()).await
}

fn refresh(tokens: &Value) -> TokenRequest {
    TokenRequest::refresh(text(tokens, "refresh_token"))
}

#[tokio::test]
async fn rfc_9700_4_14_2_a_token_that_is_used_again_revokes_the_family() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    idp.register(refreshing).await;
    let code = idp.code(&mut browser, &idp.authorize()).await;
    let first = idp.tokens(&idp.token_request(&code)).await;
    let another = idp.code(&mut browser, &idp.authorize().set("prompt", "none")).await;
    let another = idp.tokens(&idp.token_request(&another)).await;
    let second = idp.tokens(&refresh(&first)).await;
    let third = idp.tokens(&refresh(&second)).await;
    assert_eq!(idp.token_error(&refresh(&first)).await, "refresh_token_replayed");
    // Whoever holds the newest loses it, too.
    assert_eq!(idp.token_error(&refresh(&third)).await, "grant_revoked");
    for tokens in [&first, &second, &third] {
        let shut = idp.shut(text(tokens, "access_token")).await;
        assert_eq!(shut.as_deref(), Some("token_revoked"));
    }
    assert_eq!(idp.token_error(&refresh(&second)).await, "refresh_token_replayed");
    assert_eq!(idp.audited("refresh_token.replayed").await, 2);
    // What another code of the same session gave is another family.
    idp.tokens(&refresh(&another)).await;
}

#[tokio::test]
async fn a_used_token_is_told_as_such_after_its_time_too() {
    let idp = TestIdp::start_with(|config| {
        config.lifetimes.refresh_token_idle = chrono::TimeDelta::minutes(10);
    })
    .await;
    let first = logged_in(&idp).await;
    let second = idp.tokens(&refresh(&first)).await;
    idp.advance(599);
    let third = idp.tokens(&refresh(&second)).await;
    idp.advance(1);
    assert_eq!(idp.token_error(&refresh(&first)).await, "refresh_token_replayed");
    assert_eq!(idp.token_error(&refresh(&third)).await, "grant_revoked");
}

#[tokio::test]
async fn a_replayed_code_ends_the_refresh_tokens_that_it_gave() {
    let idp = TestIdp::start().await;
    idp.register(refreshing).await;
    let code = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let tokens = idp.tokens(&idp.token_request(&code)).await;
    assert_eq!(idp.token_error(&idp.token_request(&code)).await, "code_replayed");
    assert_eq!(idp.token_error(&refresh(&tokens)).await, "grant_revoked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_at_once_one_uses_a_refresh_token() {
    let idp = TestIdp::start().await;
    let (node, elsewhere) = idp.another_node().await;
    let tokens = logged_in(&idp).await;
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..20 {
        let request = refresh(&tokens);
        let node = if at % 2 == 0 { idp.issuer() } else { &elsewhere };
        let (http, endpoint) = (idp.http(), node.join("/token").unwrap());
        tasks.spawn(async move { request.send(&http, &endpoint).await });
    }
    let answers = tasks.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(status, _)| *status == 200);
    assert_eq!((won.len(), lost.len()), (1, 19));
    // Whoever comes last may find the family revoked by another that lost.
    let codes = ["refresh_token_replayed", "grant_revoked"];
    assert!(lost.iter().all(|(_, told)| codes.contains(&text(told, "error_code"))), "{lost:?}");
    assert!(idp.audited("refresh_token.replayed").await > 0);
    assert_eq!(idp.token_error(&refresh(&won[0].1)).await, "grant_revoked");
    node.kill().await;
}

#[tokio::test]
async fn fapi_2_5_3_2_1_without_rotation_a_token_stays() {
    let idp = TestIdp::start_with(|config| {
        config.lifetimes.refresh_token_idle = chrono::TimeDelta::minutes(10);
    })
    .await;
    idp.register(|client| {
        refreshing(client);
        client.metadata.refresh_token_rotation = Some(false);
    })
    .await;
    let first = idp.login_tokens(&idp.authorize()).await;
    for _ in 0..3 {
        // Each use begins the idle time anew.
        idp.advance(599);
        let tokens = idp.tokens(&refresh(&first)).await;
        assert_eq!(tokens.get("refresh_token"), None);
        assert_eq!(idp.shut(text(&tokens, "access_token")).await, None);
    }
    idp.advance(600);
    assert_eq!(idp.token_error(&refresh(&first)).await, "refresh_token_expired");
    assert_eq!(idp.audited("refresh_token.replayed").await, 0);
}

#[tokio::test]
async fn the_profile_says_whether_tokens_rotate_where_the_client_does_not() {
    let rotates = |profile, registered| {
        let mut client = siths_idp::dev::seed::demo_client("https://rp.example.se/", "secret");
        client.metadata.profile = profile;
        client.metadata.refresh_token_rotation = registered;
        siths_idp::oidc::profile::Rules::of(&client).rotates_refresh_tokens
    };
    assert!(rotates(Profile::Oidc, None) && rotates(Profile::Sweden, None));
    assert!(!rotates(Profile::Fapi2, None));
    assert!(rotates(Profile::Fapi2, Some(true)) && !rotates(Profile::Oidc, Some(false)));
}
