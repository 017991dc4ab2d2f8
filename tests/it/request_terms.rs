//! What a request asks for that its tokens will be bound to: resources, a DPoP key, offline access.

use serde_json::{Value, json};
use siths_idp::dev::seed;
use siths_idp::keys::JweAlg;
use siths_idp::oidc::client::Client;
use siths_idp::oidc::client_metadata::{GrantType, RefreshTokens};
use siths_idp::oidc::registration;
use siths_idp::oidc::scope::Scope;

use crate::harness::answer::told_by_redirect;
use crate::harness::{Authorize, REDIRECT_URI, TestIdp};

const API: &str = "https://api.example.se/journal";
const OTHER: &str = "urn:riv:clinicalprocess";

async fn terms(idp: &TestIdp, request: &Authorize) -> Value {
    idp.sql("delete from grants").await;
    idp.code(&mut idp.browser("clinician"), request).await;
    let [terms] = idp.rows("select terms from grants").await.try_into().unwrap();
    terms
}

/// RFC 8707 §2: absolute, without fragment, more than one; `invalid_target` for others.
#[tokio::test]
async fn resources_are_those_that_the_client_is_registered_for() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.metadata.resources = [API, OTHER].map(str::to_owned).into()).await;
    let one = idp.authorize().set("resource", API);
    assert_eq!(terms(&idp, &one).await, json!({ "resources": [API] }));
    let twice = one.clone().add("resource", OTHER).add("resource", API).add("resource", "");
    assert_eq!(terms(&idp, &twice).await, json!({ "resources": [API, OTHER] }));
    assert_eq!(terms(&idp, &idp.authorize()).await, json!({}));
    for (resource, code) in [
        ("https://api.example.se/Journal", "resource_unregistered"),
        ("https://api.example.se/journal/", "resource_unregistered"),
        ("https://api.example.se:443/journal", "resource_unregistered"),
        ("https://api.example.se", "resource_unregistered"),
        ("https://api.example.se/journal#", "resource_malformed"),
        ("/journal", "resource_malformed"),
        ("api", "resource_malformed"),
    ] {
        let answer = idp.browser_with(None).get(&one.clone().add("resource", resource).url()).await;
        let told = told_by_redirect(&answer.unwrap(), REDIRECT_URI, idp.issuer());
        assert_eq!(told, code, "{resource}");
    }
    let answer = idp.browser_with(None).get(&one.set("resource", "https://x.example").url()).await;
    let location = answer.unwrap().location().unwrap();
    assert!(location.query().unwrap().contains("error=invalid_target"), "{location}");
}

/// RFC 9449 §10.
#[tokio::test]
async fn the_key_that_the_code_is_bound_to_lies_with_the_grant() {
    let idp = TestIdp::start().await;
    let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let request = idp.authorize().set("dpop_jkt", jkt);
    assert_eq!(terms(&idp, &request).await, json!({ "dpop_jkt": jkt }));
}

fn refreshing(client: &mut Client, refresh_tokens: RefreshTokens) {
    client.metadata.grant_types = [GrantType::AuthorizationCode, GrantType::RefreshToken].into();
    client.metadata.refresh_tokens = refresh_tokens;
}

/// OpenID Connect Core 1.0 §11: ignored, unless the registration permits it: what is granted is given.
#[tokio::test]
async fn offline_access_is_granted_where_it_is_registered_and_ignored_elsewhere() {
    let idp = TestIdp::start().await;
    let granted = async |request: Authorize| {
        let tokens = idp.login_tokens(&request.set("scope", "openid offline_access")).await;
        tokens["scope"].as_str().unwrap().contains("offline_access")
    };
    let plain = || idp.authorize();
    let consent = || idp.authorize().set("prompt", "consent");
    assert!(!granted(consent()).await, "not registered for refresh tokens");
    idp.register(|client| refreshing(client, RefreshTokens::Session)).await;
    assert!(!granted(consent()).await, "registered for those that end with the session");
    assert!(!granted(plain()).await);
    idp.register(|client| refreshing(client, RefreshTokens::Offline)).await;
    assert!(granted(plain()).await);
    assert!(granted(consent()).await);
}

/// What was granted is worth no more than what the client is registered for when it is used.
#[tokio::test]
async fn a_scope_that_was_taken_from_the_client_opens_nothing_any_more() {
    let idp = TestIdp::start().await;
    let tokens = idp.login_tokens(&idp.authorize().set("scope", "openid profile")).await;
    let token = tokens["access_token"].as_str().unwrap();
    assert!(idp.user_info(token).await.json()["family_name"].is_string());
    idp.register(|client| client.scopes = [Scope::OpenId].into()).await;
    let told = idp.user_info(token).await;
    assert_eq!((told.status, &told.json()["family_name"]), (200, &Value::Null));
}

/// Whoever may ask what tokens are worth is a resource: its names are for others to ask for.
#[tokio::test]
async fn a_resource_gets_no_tokens_for_itself() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.metadata.resources = [API.to_owned()].into();
        client.metadata.introspects = true;
    })
    .await;
    let request = idp.authorize().set("resource", API);
    let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
    let told = told_by_redirect(&answer, REDIRECT_URI, idp.issuer());
    assert_eq!(told, "resource_unregistered");
}

/// What a registration says of requests holds, or is refused with what would be right.
#[test]
fn a_registration_promises_nothing_that_is_not_there() {
    let refused = |edit: fn(&mut Client)| {
        let mut client = seed::demo_client(REDIRECT_URI, "a-secret");
        edit(&mut client);
        registration::check(&client).err().map(|fault| fault.to_string()).unwrap_or_default()
    };
    assert_eq!(refused(|_| {}), "");
    let fault = refused(|client| client.metadata.default_acr_values = vec!["loa3".to_owned()]);
    assert!(fault.contains("http://id.sambi.se/loa/loa3"), "{fault}");
    for resource in ["api", "https://api.example.se/#part"] {
        let mut client = seed::demo_client(REDIRECT_URI, "a-secret");
        client.metadata.resources = [resource.to_owned()].into();
        assert!(registration::check(&client).is_err(), "{resource}");
    }
    // JARM §3: readable answers are not what it asked for.
    let fault = refused(|client| {
        client.metadata.authorization_encrypted_response_alg = Some(JweAlg::EcdhEs);
    });
    assert!(fault.contains("signed here, not encrypted"), "{fault}");
}
