//! Access tokens that tell nothing by themselves: registered for, they open what others open.

use crate::harness::TestIdp;
use crate::harness::tokens::{opaque, text};

#[tokio::test]
async fn an_opaque_token_opens_user_info_as_a_signed_one_does() {
    let idp = TestIdp::start().await;
    let signed = idp.login_tokens(&idp.authorize()).await;
    idp.register(opaque).await;
    let tokens = idp.login_tokens(&idp.authorize()).await;
    let token = text(&tokens, "access_token");
    assert!(token.len() == 43 && !token.contains('.'), "{token}");
    let [by_signed, by_opaque] = [text(&signed, "access_token"), token];
    let told = idp.user_info(by_opaque).await;
    assert_eq!(told.status, 200);
    assert_eq!(told.json(), idp.user_info(by_signed).await.json());
    // The relying party checks it by its at_hash all the same.
    let claims = crate::token::claims(text(&tokens, "id_token"));
    assert!(claims["at_hash"].is_string());
}

#[tokio::test]
async fn an_opaque_token_lives_for_its_seconds() {
    let idp = TestIdp::start().await;
    idp.register(opaque).await;
    let tokens = idp.login_tokens(&idp.authorize()).await;
    let token = text(&tokens, "access_token");
    assert_eq!(tokens["expires_in"], 300);
    idp.advance(299);
    assert_eq!(idp.shut(token).await, None);
    idp.advance(1);
    assert_eq!(idp.shut(token).await.as_deref(), Some("token_expired"));
}

#[tokio::test]
async fn an_opaque_token_is_dead_as_soon_as_anything_it_stands_on_is() {
    for (statement, code) in [
        ("update users set enabled = false", "token_revoked"),
        ("update role_grants set revoked_at = now()", "token_revoked"),
        ("update sessions set ended_at = now()", "token_revoked"),
        ("update grants set revoked_at = now()", "token_revoked"),
        ("delete from access_tokens", "token_malformed"),
    ] {
        let idp = TestIdp::start().await;
        idp.register(opaque).await;
        let tokens = idp.login_tokens(&idp.authorize()).await;
        let token = text(&tokens, "access_token");
        assert_eq!(idp.shut(token).await, None);
        idp.sql(statement).await;
        assert_eq!(idp.shut(token).await.as_deref(), Some(code), "{statement}");
    }
}
