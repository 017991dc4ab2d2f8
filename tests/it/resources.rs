//! Resource indicators (RFC 8707): for whom access tokens are.

use serde_json::{Value, json};
use siths_idp::oidc::client::Client;

use crate::harness::tokens::{API, OTHER_API, refreshing, text};
use crate::harness::{TestIdp, TokenRequest};
use crate::token::claims;

fn registered(client: &mut Client) {
    refreshing(client);
    client.metadata.resources = [API.to_owned(), OTHER_API.to_owned()].into();
}

/// A code of a login that was granted both resources, or none.
async fn code(idp: &TestIdp, is_granted: bool) -> TokenRequest {
    let code = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    if is_granted {
        // As the authorization request grants them.
        let terms = "update grants set terms =
            '{\"resources\": [\"https://api.example.se\", \"urn:example:other-api\"]}'";
        idp.sql(terms).await;
    }
    idp.token_request(&code)
}

fn audience(tokens: &Value) -> Value {
    claims(text(tokens, "access_token"))["aud"].clone()
}

#[tokio::test]
async fn rfc_8707_2_2_a_token_is_for_the_resources_that_are_named() {
    let idp = TestIdp::start().await;
    idp.register(registered).await;
    let issuer = idp.config.issuer_identifier();
    for (named, expected) in [
        (&[][..], json!([API, OTHER_API])),
        (&[API], json!(API)),
        (&[OTHER_API, API], json!([API, OTHER_API])),
        (&[API, API], json!(API)),
        (&[issuer], json!(issuer)),
    ] {
        let mut request = code(&idp, true).await;
        for name in named {
            request = request.add("resource", name);
        }
        let tokens = idp.tokens(&request).await;
        assert_eq!(audience(&tokens), expected, "{named:?}");
        // RFC 9068 §4: UserInfo is a resource like any other.
        let shut = idp.shut(text(&tokens, "access_token")).await;
        let is_for_us = expected == json!(issuer);
        let expected = (!is_for_us).then_some("token_audience_wrong");
        assert_eq!(shut.as_deref(), expected, "{named:?}");
    }
}

#[tokio::test]
async fn without_resources_a_token_is_for_the_provider() {
    let idp = TestIdp::start().await;
    idp.register(registered).await;
    let tokens = idp.tokens(&code(&idp, false).await).await;
    assert_eq!(audience(&tokens), json!(idp.config.issuer_identifier()));
}

#[tokio::test]
async fn rfc_8707_2_a_resource_that_is_none_or_was_not_granted_is_an_invalid_target() {
    let idp = TestIdp::start().await;
    idp.register(registered).await;
    for (is_granted, resource, told) in [
        (true, "api", "resource_malformed"),
        (true, "/v1", "resource_malformed"),
        (true, "https://api.example.se#x", "resource_malformed"),
        (true, "https://api.example.se/", "resource_not_granted"),
        (true, "https://API.example.se", "resource_not_granted"),
        (true, "urn:example:third", "resource_not_granted"),
        (false, API, "resource_not_granted"),
    ] {
        let good = code(&idp, is_granted).await;
        let answer = idp.token_answer(&good.clone().add("resource", resource)).await;
        assert_eq!(answer.problem(idp.issuer()), told, "{resource}");
        assert_eq!(answer.json()["error"], "invalid_target");
        // What no code of the client can hold costs it none.
        if resource != API {
            idp.tokens(&good).await;
        }
    }
}

#[tokio::test]
async fn a_refresh_token_serves_each_resource_by_itself() {
    let idp = TestIdp::start().await;
    idp.register(registered).await;
    let mut tokens = idp.tokens(&code(&idp, true).await.add("resource", API)).await;
    let issuer = idp.config.issuer_identifier();
    for resource in [OTHER_API, API, issuer] {
        let request = TokenRequest::refresh(text(&tokens, "refresh_token"));
        let refused = request.clone().add("resource", "urn:example:third");
        assert_eq!(idp.token_error(&refused).await, "resource_not_granted");
        let refused = request.clone().add("resource", "third");
        assert_eq!(idp.token_error(&refused).await, "resource_malformed");
        tokens = idp.tokens(&request.add("resource", resource)).await;
        assert_eq!(audience(&tokens), json!(resource));
    }
    // One that is no longer registered is none any more, named or not.
    idp.register(|client| {
        registered(client);
        client.metadata.resources.remove(OTHER_API);
    })
    .await;
    let request = TokenRequest::refresh(text(&tokens, "refresh_token"));
    assert_eq!(idp.token_error(&request).await, "resource_not_granted");
    let refused = request.clone().add("resource", OTHER_API);
    assert_eq!(idp.token_error(&refused).await, "resource_not_granted");
    idp.tokens(&request.add("resource", API)).await;
}
