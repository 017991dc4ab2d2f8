//! What may be registered: client metadata, profiles, and what an operator sees of them.

use std::path::PathBuf;

use serde_json::{Value, json};
use siths_idp::oidc::client_metadata::ClientMetadata;

use crate::harness::assertion::p256;
use crate::harness::{REDIRECT_URI, TestIdp};

/// A file with a JSON document, in the folder of this test run.
fn document(name: &str, content: &Value) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("registration");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join(name);
    std::fs::write(&file, content.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

fn add<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let base =
        ["clients", "add", "rp", "--name", "RP", "--any-user", "--redirect-uri", REDIRECT_URI];
    base.into_iter().chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn options_stand_over_the_metadata_file_and_are_shown() {
    let idp = TestIdp::start().await;
    let file = document(
        "options.json",
        &json!({ "profile": "oidc", "default_max_age": 60, "resources": ["https://a.example/"] }),
    );
    let told = idp
        .command(&add(&[
            "--metadata",
            &file,
            "--grant-type",
            "authorization_code",
            "--grant-type",
            "refresh_token",
            "--access-token",
            "opaque",
            "--resource",
            "https://b.example/",
        ]))
        .await;
    assert_eq!(told.json()["outcome"], "added");
    let shown = idp.command(&["clients", "show", "rp"]).await.json();
    assert_eq!(
        shown["metadata"],
        json!({
            "grant_types": ["authorization_code", "refresh_token"],
            "access_token_format": "opaque",
            "default_max_age": 60,
            "resources": ["https://a.example/", "https://b.example/"],
        })
    );
    assert!(shown.get("secret_hash").is_none());
    let again = idp.command(&["clients", "show", "nobody"]).await;
    assert_eq!(again.code(), "client_unknown");
}

#[tokio::test]
async fn a_client_outside_its_profile_is_not_registered() {
    let idp = TestIdp::start().await;
    let keys = document("keys.json", &json!({ "keys": [p256().jwk] }));
    let by_key = ["--auth", "private_key_jwt", "--jwks-file", &keys];
    let fapi2 = |more: &[&'static str]| {
        let all = ["--profile", "fapi2", "--signing-alg", "ES256"];
        [&by_key[..], &all[..], more].concat()
    };
    let rs256 = document("rs256.json", &json!({ "token_endpoint_auth_signing_alg": "RS256" }));
    for options in [
        // FAPI 2.0 §5.3.2.1 (6): no client secrets.
        vec!["--profile", "fapi2", "--signing-alg", "ES256", "--dpop"],
        // (4): tokens are bound.
        fapi2(&[]),
        // §5.4.1: algorithms of tokens, and of the client's own signatures.
        [&fapi2(&["--dpop"])[..2], &["--profile", "fapi2", "--dpop", "--jwks-file", &keys]]
            .concat(),
        [&fapi2(&["--dpop"])[..], &["--metadata", &rs256]].concat(),
        // §5.3.2.1 (3): confidential clients alone.
        vec!["--profile", "fapi2", "--signing-alg", "ES256", "--dpop", "--auth", "none"],
        // Swedish profile §3.1.1: no client secrets.
        vec!["--profile", "sweden"],
    ] {
        let told = idp.command(&add(&options)).await;
        assert_eq!(told.code(), "client_refused", "{options:?}: {}", told.err);
    }
    let told = idp.command(&add(&fapi2(&["--dpop"]))).await;
    assert_eq!(told.json()["outcome"], "added");
}

#[tokio::test]
async fn registrations_that_break_a_rule_are_found() {
    let idp = TestIdp::start().await;
    let all = idp.command(&["clients", "check", "--all"]).await.json();
    assert_eq!(all["holds_together"], json!(["demo-symfoni"]));
    // As a version before the rule may have written it.
    idp.sql("update clients set metadata = '{\"profile\": \"fapi2\"}' where id = 'demo-symfoni'")
        .await;
    assert_eq!(idp.command(&["clients", "check", "--all"]).await.code(), "client_refused");
    assert_eq!(idp.command(&["clients", "check", "demo-symfoni"]).await.code(), "client_refused");
    assert_eq!(idp.command(&["clients", "check"]).await.code(), "usage");
}

#[test]
fn the_table_of_client_metadata_names_every_member() {
    let page = include_str!("../../docs/registration.md");
    let told: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name))
        .collect();
    // What serde says of a member that does not exist names all that do.
    let error = serde_json::from_value::<ClientMetadata>(json!({ "": 1 })).unwrap_err().to_string();
    let (_, members) = error.split_once("expected one of ").expect("the members");
    for member in members.split(", ").map(|name| name.split('`').nth(1).unwrap()) {
        assert!(told.contains(&member), "docs/registration.md does not tell of {member}");
    }
}
