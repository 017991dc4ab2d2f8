//! Client credentials (RFC 6749 §4.4): systems that call each other, and nobody's data.

use serde_json::{Value, json};

use crate::harness::assertion::{Assertion, p256};
use crate::harness::tokens::{API, OTHER_API, opaque, system, text};
use crate::harness::{TestIdp, TokenRequest};
use crate::token::claims;

fn asking() -> TokenRequest {
    TokenRequest::of("client_credentials").by("system")
}

#[tokio::test]
async fn rfc_6749_4_4_a_client_gets_an_access_token_of_its_own_and_nothing_else() {
    let idp = TestIdp::start().await;
    idp.register(system).await;
    let answer = idp.token_answer(&asking()).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let tokens = answer.json();
    let members: Vec<&String> = tokens.as_object().unwrap().keys().collect();
    assert_eq!(members, ["access_token", "expires_in", "scope", "token_type"]);
    assert_eq!(tokens["scope"], "read write");
    let (issuer, now) = (idp.config.issuer_identifier(), idp.clock.now().timestamp());
    let mut claims = claims(text(&tokens, "access_token"));
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    assert!(jti.as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    // RFC 9068 §2.2: sub is the client, and there was no login.
    let expected = json!({
        "iss": issuer, "sub": "system", "aud": issuer, "exp": now + 300, "iat": now,
        "client_id": "system", "scope": "read write",
    });
    assert_eq!(claims, expected);
    assert_eq!(idp.audited("token.issued").await, 1);
    assert_eq!(
        idp.shut(text(&tokens, "access_token")).await.as_deref(),
        Some("token_scope_insufficient")
    );
}

#[tokio::test]
async fn no_scope_of_a_person_is_to_be_had_and_none_that_is_not_registered() {
    let idp = TestIdp::start().await;
    idp.register(system).await;
    for (scope, granted) in [("write", "write"), ("write read", "read write"), ("", "read write")] {
        let tokens = idp.tokens(&asking().add("scope", scope)).await;
        assert_eq!(tokens["scope"], granted);
    }
    for scope in ["openid", "read openid", "read profile", "admin", "READ", " "] {
        let told = idp.token_error(&asking().add("scope", scope)).await;
        assert_eq!(told, "scope_unregistered", "{scope}");
    }
    let twice = asking().add("scope", "read").add("scope", "read");
    assert_eq!(idp.token_error(&twice).await, "parameter_repeated");
    idp.register(|client| {
        system(client);
        client.system_scopes.clear();
    })
    .await;
    let tokens = idp.tokens(&asking()).await;
    assert_eq!(tokens.get("scope"), None);
    assert_eq!(claims(text(&tokens, "access_token")).get("scope"), None);
}

#[tokio::test]
async fn only_a_client_that_is_registered_for_it_gets_one() {
    let idp = TestIdp::start().await;
    idp.register(system).await;
    let of_another = TokenRequest::of("client_credentials");
    assert_eq!(idp.token_error(&of_another).await, "grant_type_unregistered");
    let with_a_code = idp.token_request("a-code").by("system");
    assert_eq!(idp.token_error(&with_a_code).await, "grant_type_unregistered");
    let wrong = asking().basic(Some(("system", "wrong")));
    assert_eq!(idp.token_error(&wrong).await, "client_secret_wrong");
    let none = asking().basic(None).add("client_id", "system");
    assert_eq!(idp.token_error(&none).await, "client_authentication_missing");
    assert_eq!(idp.audited("token.issued").await, 0);
    idp.register(|client| {
        system(client);
        client.enabled = false;
    })
    .await;
    assert_eq!(idp.token_error(&asking()).await, "client_not_registered");
}

#[tokio::test]
async fn rfc_8707_2_a_system_chooses_among_its_resources() {
    let idp = TestIdp::start().await;
    let with = async |resources: &[&str]| {
        let resources = resources.iter().map(ToString::to_string).collect();
        idp.register(|client| {
            system(client);
            client.metadata.resources = resources;
        })
        .await;
    };
    let audience = async |request: TokenRequest| {
        claims(text(&idp.tokens(&request).await, "access_token"))["aud"].clone()
    };
    with(&[API]).await;
    assert_eq!(audience(asking()).await, json!(API));
    assert_eq!(audience(asking().add("resource", API)).await, json!(API));
    let refused = asking().add("resource", OTHER_API);
    assert_eq!(idp.token_error(&refused).await, "resource_unregistered");
    // The provider is none of its resources.
    let refused = asking().add("resource", idp.config.issuer_identifier());
    assert_eq!(idp.token_error(&refused).await, "resource_unregistered");
    with(&[API, OTHER_API]).await;
    assert_eq!(idp.token_error(&asking()).await, "resource_missing");
    assert_eq!(audience(asking().add("resource", OTHER_API)).await, json!(OTHER_API));
    let both = asking().add("resource", OTHER_API).add("resource", API);
    assert_eq!(audience(both).await, json!([API, OTHER_API]));
    assert_eq!(idp.token_error(&asking().add("resource", "x")).await, "resource_malformed");
}

#[tokio::test]
async fn an_assertion_gives_one_token_and_an_opaque_one_is_kept_as_a_hash() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        system(client);
        opaque(client);
        p256().register(client);
    })
    .await;
    let assertion = Assertion::new("system", idp.config.issuer_identifier(), idp.clock.now());
    let jwt = assertion.sign(jsonwebtoken::Algorithm::ES256, &p256().signing);
    let tokens = idp.tokens(&asking().assertion(&jwt)).await;
    assert_eq!(idp.token_error(&asking().assertion(&jwt)).await, "assertion_replayed");
    let tables = idp.tables().await;
    assert_eq!(
        (tables["access_tokens"].len(), tables["audit_events"].len()),
        (1, {
            let events = idp.rows("select to_jsonb(event) from audit_events").await;
            assert_eq!(
                events.iter().filter(|event| *event == &Value::from("token.issued")).count(),
                1
            );
            events.len()
        })
    );
    let token = text(&tokens, "access_token");
    assert!(tables.values().flatten().all(|row| !row.contains(token)));
    assert_eq!(idp.shut(token).await.as_deref(), Some("token_scope_insufficient"));
}

#[tokio::test]
async fn a_system_is_registered_without_people_and_addresses() {
    let idp = TestIdp::start().await;
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("system-metadata.json");
    std::fs::write(&file, r#"{"grant_types":["client_credentials"]}"#).unwrap();
    let add = ["clients", "add", "batch", "--name", "Batch", "--metadata", file.to_str().unwrap()];
    let with = |more: &[&'static str]| add.iter().copied().chain(more.iter().copied()).collect();
    let of_people: Vec<&str> = with(&["--scope", "profile"]);
    assert_eq!(idp.command(&of_people).await.code(), "usage");
    let malformed: Vec<&str> = with(&["--scope", "a b"]);
    assert_eq!(idp.command(&malformed).await.code(), "usage");
    let good: Vec<&str> = with(&["--scope", "journal:read"]);
    let added = idp.command(&good).await.json();
    assert_eq!(added["scopes"], json!([]));
    assert_eq!(added["system_scopes"], json!(["journal:read"]));
    let secret = added["client_secret"].as_str().unwrap();
    idp.until(|app| app.client("batch").is_some()).await;
    let request = TokenRequest::of("client_credentials").basic(Some(("batch", secret)));
    assert_eq!(idp.tokens(&request).await["scope"], "journal:read");
    // The same facts again change nothing.
    assert_eq!(idp.command(&good).await.json()["outcome"], "exists");
    let for_people =
        ["clients", "add", "portal", "--name", "Portal", "--any-user", "--redirect-uri"];
    let for_people: Vec<&str> = for_people
        .into_iter()
        .chain(["https://rp.example.se/", "--scope", "openid", "--scope", "journal:read"])
        .collect();
    assert_eq!(idp.command(&for_people).await.code(), "client_refused");
}

#[tokio::test]
async fn token_exchange_is_not_served() {
    let idp = TestIdp::start().await;
    let request = TokenRequest::of("urn:ietf:params:oauth:grant-type:token-exchange");
    assert_eq!(idp.token_error(&request).await, "grant_type_unsupported");
}
