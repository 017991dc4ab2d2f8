//! How long refresh tokens live, and what ends them: session, person, client, card.

use chrono::TimeDelta;
use serde_json::Value;
use siths_idp::config::RevocationOrder;
use siths_idp::store::housekeeping;

use crate::harness::revocation::order;
use crate::harness::tokens::{offline, opaque, refreshing, text};
use crate::harness::{Authorize, TestIdp, TokenRequest};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn refresh(tokens: &Value) -> TokenRequest {
    TokenRequest::refresh(text(tokens, "refresh_token"))
}

fn for_offline(idp: &TestIdp) -> Authorize {
    idp.authorize().set("scope", "openid profile offline_access")
}

#[tokio::test]
async fn a_refresh_token_ends_with_the_session() {
    let idp = TestIdp::start().await;
    idp.register(refreshing).await;
    let tokens = idp.login_tokens(&idp.authorize()).await;
    idp.advance(7 * HOUR);
    let tokens = idp.tokens(&refresh(&tokens)).await;
    idp.advance(HOUR);
    assert_eq!(idp.token_error(&refresh(&tokens)).await, "refresh_token_expired");
}

#[tokio::test]
async fn core_11_offline_access_outlives_the_session_where_it_is_registered_and_asked_for() {
    let idp = TestIdp::start().await;
    idp.register(offline).await;
    let asked = idp.login_tokens(&for_offline(&idp)).await;
    let not_asked = idp.login_tokens(&idp.authorize()).await;
    assert_eq!(asked["scope"], "openid profile offline_access");
    idp.register(refreshing).await;
    // Not registered for: ignored, as Core §11 says.
    let not_registered = idp.login_tokens(&for_offline(&idp)).await;
    assert_eq!(not_registered["scope"], "openid profile");
    idp.register(offline).await;
    idp.advance(8 * HOUR);
    let tokens = idp.tokens(&refresh(&asked)).await;
    assert_eq!(idp.shut(text(&tokens, "access_token")).await, None);
    for tokens in [not_asked, not_registered] {
        assert_eq!(idp.token_error(&refresh(&tokens)).await, "refresh_token_expired");
    }
}

#[tokio::test]
async fn a_refresh_token_that_rests_too_long_ends_and_so_does_the_family_in_the_end() {
    let idp = TestIdp::start().await;
    idp.register(offline).await;
    let mut tokens = idp.login_tokens(&for_offline(&idp)).await;
    // Thirty days from the card on, however often it is used.
    for _ in 0..30 {
        idp.advance(DAY - 1);
        tokens = idp.tokens(&refresh(&tokens)).await;
    }
    idp.advance(29);
    tokens = idp.tokens(&refresh(&tokens)).await;
    idp.advance(1);
    assert_eq!(idp.token_error(&refresh(&tokens)).await, "refresh_token_expired");

    let tokens = idp.login_tokens(&for_offline(&idp)).await;
    idp.advance(DAY);
    assert_eq!(idp.token_error(&refresh(&tokens)).await, "refresh_token_expired");
}

#[tokio::test]
async fn a_login_on_a_session_that_is_too_old_gives_no_refresh_token() {
    let idp =
        TestIdp::start_with(|config| config.lifetimes.refresh_token = TimeDelta::hours(1)).await;
    idp.register(refreshing).await;
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    idp.advance(HOUR - 1);
    for has_one in [true, false] {
        let code = idp.code(&mut browser, &idp.authorize().set("prompt", "none")).await;
        let tokens = idp.tokens(&idp.token_request(&code)).await;
        assert_eq!(tokens.get("refresh_token").is_some(), has_one);
        idp.advance(1);
    }
}

#[tokio::test]
async fn a_refresh_token_is_dead_as_soon_as_anything_it_stands_on_is() {
    for statement in [
        "update users set enabled = false",
        "update users set valid_until = valid_from + interval '1 second' where valid_until is null",
        "update role_grants set revoked_at = now()",
        "update sessions set ended_at = now()",
        "update grants set revoked_at = now()",
        "update sessions set certificate_not_after = auth_time - interval '1 second'",
    ] {
        let idp = TestIdp::start().await;
        idp.register(offline).await;
        let tokens = idp.login_tokens(&idp.authorize()).await;
        let tokens = idp.tokens(&refresh(&tokens)).await;
        idp.sql(statement).await;
        assert_eq!(idp.token_error(&refresh(&tokens)).await, "grant_revoked", "{statement}");
    }
}

#[tokio::test]
async fn who_was_switched_off_does_not_come_back_by_a_refresh_token() {
    for (off, on) in [
        (["users", "disable", "SE2321000222-DEV1"], ["users", "enable", "SE2321000222-DEV1"]),
        (["clients", "disable", "demo-symfoni"], ["clients", "enable", "demo-symfoni"]),
    ] {
        let idp = TestIdp::start().await;
        idp.register(offline).await;
        let tokens = idp.login_tokens(&for_offline(&idp)).await;
        let is_on = |app: &siths_idp::state::App| app.client("demo-symfoni").unwrap().enabled;
        idp.command(&off).await.json();
        if off[0] == "clients" {
            idp.until(|app| !is_on(app)).await;
            assert_eq!(idp.token_error(&refresh(&tokens)).await, "client_not_registered");
        } else {
            assert_eq!(idp.token_error(&refresh(&tokens)).await, "grant_revoked");
        }
        idp.command(&on).await.json();
        idp.until(is_on).await;
        assert_eq!(idp.token_error(&refresh(&tokens)).await, "grant_revoked", "{on:?}");
        let shut = idp.shut(text(&tokens, "access_token")).await;
        assert_eq!(shut.as_deref(), Some("token_revoked"));
    }
}

#[tokio::test]
async fn a_refresh_token_ends_when_its_card_is_revoked() {
    let idp = TestIdp::start_with(|config| order(config, RevocationOrder::Crl)).await;
    idp.register(offline).await;
    let tokens = idp.login_tokens(&for_offline(&idp)).await;
    idp.revoke("no-role");
    idp.fetch_again().await;
    let tokens = idp.tokens(&refresh(&tokens)).await;
    idp.revoke("clinician");
    idp.fetch_again().await;
    assert_eq!(idp.token_error(&refresh(&tokens)).await, "grant_revoked");
}

#[tokio::test]
async fn roles_and_names_are_those_of_the_moment() {
    let idp = TestIdp::start().await;
    idp.register(refreshing).await;
    let tokens = idp.login_tokens(&idp.authorize()).await;
    idp.sql("update users set family_name = 'Nygift' where given_name = 'Anna'").await;
    idp.sql("update role_grants set revoked_at = now() where role = 'Handläggare'").await;
    let tokens = idp.tokens(&refresh(&tokens)).await;
    let claims = crate::token::claims(text(&tokens, "id_token"));
    assert_eq!(claims["family_name"], "Nygift");
    assert_eq!(claims["systemRole"], serde_json::json!(["SYMFONI;Bedömningstandläkare"]));
}

#[tokio::test]
async fn tokens_are_forgotten_in_time_and_a_session_not_before_its_refresh_tokens() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        offline(client);
        opaque(client);
    })
    .await;
    let tokens = idp.login_tokens(&for_offline(&idp)).await;
    idp.register(offline).await;
    let signed = idp.tokens(&refresh(&tokens)).await;
    idp.given_back(&TokenRequest::about(text(&signed, "access_token"))).await;
    let kept = async |seconds: i64| {
        let now = idp.clock.now() + TimeDelta::seconds(seconds);
        housekeeping::run(idp.pool(), now).await.unwrap();
        let tables = idp.tables().await;
        ["access_tokens", "revoked_tokens", "refresh_tokens", "sessions"]
            .map(|table| tables[table].len())
    };
    assert_eq!(kept(299).await, [1, 1, 2, 1]);
    assert_eq!(kept(301).await, [0, 0, 2, 1]);
    // The session would have been forgotten after 32 hours.
    assert_eq!(kept(2 * DAY - 1).await, [0, 0, 2, 1]);
    assert_eq!(kept(2 * DAY + 1).await, [0, 0, 0, 0]);
}
