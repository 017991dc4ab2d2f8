//! Discovery and keys: all that is advertised is true, and nothing else is.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Answer, Authorize, TestIdp};

const DISCOVERY: &str = "/.well-known/openid-configuration";

async fn get(idp: &TestIdp, path: &str) -> Answer {
    Answer::of(idp.http().get(idp.at(path)).send().await.unwrap()).await
}

#[tokio::test]
async fn exactly_this_is_advertised() {
    let idp = TestIdp::start().await;
    let answer = get(&idp, DISCOVERY).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let issuer = idp.config.issuer_identifier();
    let expected = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "scopes_supported": ["openid", "profile", "employeeHsaId", "systemRole", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "acr_values_supported": ["http://id.sambi.se/loa/loa2", "http://id.sambi.se/loa/loa3"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "token_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported":
            ["ES256", "ES384", "RS256", "PS256", "EdDSA"],
        "claim_types_supported": ["normal"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid",
            "given_name", "family_name", "name", "employeeHsaId", "systemRole",
        ],
        "ui_locales_supported": ["sv", "en"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "prompt_values_supported": ["none", "login"],
    });
    // Algorithms, methods, audiences and prompts are tried one by one where they belong.
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn every_endpoint_that_is_advertised_answers() {
    let idp = TestIdp::start().await;
    let metadata = get(&idp, DISCOVERY).await.json();
    for (name, status) in [
        ("authorization_endpoint", 400),
        ("token_endpoint", 405),
        ("userinfo_endpoint", 401),
        ("jwks_uri", 200),
    ] {
        let url = metadata[name].as_str().unwrap();
        let answer = idp.http().get(url).send().await.unwrap();
        assert_eq!(answer.status(), status, "{name}");
    }
}

#[tokio::test]
async fn every_scope_is_granted_and_every_claim_is_told() {
    let idp = TestIdp::start().await;
    let metadata = get(&idp, DISCOVERY).await.json();
    let list =
        |name: &str| -> Vec<String> { serde_json::from_value(metadata[name].clone()).unwrap() };
    let scope = list("scopes_supported").join(" ");
    let tokens = idp.login_tokens(&idp.authorize().set("scope", &scope)).await;
    // Given to whom it is registered for (tests of refresh tokens).
    assert_eq!(tokens["scope"], *scope.replace(" offline_access", ""));
    let claims = crate::token::claims(tokens["id_token"].as_str().unwrap());
    let mut told: BTreeSet<String> = claims.as_object().unwrap().keys().cloned().collect();
    // A hash of the token beside it, and no claim about anybody.
    told.remove("at_hash");
    assert_eq!(told, list("claims_supported").into_iter().collect());
    for acr in list("acr_values_supported") {
        let person = if acr.ends_with("loa2") { "reserve-card" } else { "clinician" };
        let asked: Authorize = idp.authorize().set("acr_values", &acr);
        idp.code(&mut idp.browser(person), &asked).await;
    }
}

#[tokio::test]
async fn published_keys_are_public() {
    let idp = TestIdp::start().await;
    let answer = get(&idp, "/jwks").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let jwks = answer.json();
    let keys = jwks["keys"].as_array().unwrap();
    let members =
        |key: &Value| -> BTreeSet<String> { key.as_object().unwrap().keys().cloned().collect() };
    let mut algorithms = BTreeSet::new();
    for key in keys {
        let further = match key["kty"].as_str().unwrap() {
            "EC" => ["crv", "x", "y"].as_slice(),
            "RSA" => &["e", "n"],
            other => panic!("{other}"),
        };
        let expected = ["alg", "kid", "kty", "use"].iter().chain(further);
        assert_eq!(members(key), expected.map(ToString::to_string).collect());
        assert_eq!(key["use"], "sig");
        algorithms.insert(key["alg"].as_str().unwrap().to_owned());
    }
    assert_eq!(algorithms, ["ES256", "RS256"].map(str::to_owned).into());
    assert!(keys.iter().all(|key| key["kid"].as_str().is_some_and(|kid| kid.len() >= 8)));
}
